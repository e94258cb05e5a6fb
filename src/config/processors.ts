import { z } from "zod";
import { bytes, duration } from "./units.ts";

const name = z.string().regex(/^[a-z0-9_]{1,100}$/, "has 1 to 100 of a-z 0-9 _");
const address = z.string().min(1).max(2000).describe("an address, or a path from the configuration's folder");
const patterns = z.array(z.string().min(1).max(500)).min(1).max(1000);

/** Lengths of the digests, in hexadecimal digits. */
const DIGITS = { sha256: 64, sha1: 40, md5: 32 } as const;

const checksum = z
  .string()
  .regex(/^(sha256|sha1|md5):[0-9a-f]+$/, "is not sha256:, sha1: or md5: and hexadecimal digits")
  .refine((text) => {
    const [algorithm, digits] = text.split(":") as [keyof typeof DIGITS, string];
    return digits.length === DIGITS[algorithm];
  }, "has another number of digits than its algorithm");

/** What is known beforehand of a file that is fetched. */
const whole = {
  redirects: z.array(z.url()).max(20).default([]).describe("prefixes that the server may send us on to"),
  checksum: checksum.optional().describe("sha256:..., sha1:... or md5:... of the file as it is fetched"),
  size: z.int().positive().optional().describe("bytes of the file as it is fetched"),
};
/** What is chosen of many files. */
const chosen = {
  except: z.array(z.string().min(1).max(500)).max(1000).default([]).describe("names left out, by patterns"),
  count: z.int().positive().optional().describe("how many files there must be; any other number is a broken source"),
};
const members = patterns.describe("members of the archive, by name or pattern");
const checksums = z.record(z.string(), checksum).default({}).describe("of members, by their names without folders");

const ofNode = z.strictObject({
  dataset: z.string().min(1).max(200).describe("id of a dataset of this node"),
  variables: z.array(z.string().min(1).max(1000)).max(1000).optional().describe("those wanted; all without it"),
});
const ofUrl = z.strictObject({ url: address, ...whole });
const ofZip = z.strictObject({ zip: address, ...whole, members, checksums, ...chosen });
const ofUrls = z.strictObject({
  urls: z
    .array(z.union([address, ofUrl]))
    .min(1)
    .max(10_000),
  count: chosen.count,
});
const ofList = z.strictObject({
  list: z.url().describe("a page that links to the files, or a folder that its server lists"),
  files: patterns.describe("names of files, by patterns"),
  redirects: whole.redirects,
  ...chosen,
});
const ofZenodo = z.strictObject({
  zenodo: z.int().positive().describe("number of the record; its checksums are used"),
  files: patterns.describe("names of files of the record, by patterns"),
  members: members.optional().describe("of those files that are ZIP archives"),
  api: z.url().default("https://zenodo.org/api/").describe("of Zenodo, or of another InvenioRDM"),
  redirects: whole.redirects,
  ...chosen,
});
const ofPostgis = z.strictObject({
  postgis: z
    .strictObject({
      url: z.string().regex(/^postgres(ql)?:\/\//, "is no postgres:// address"),
      table: z
        .string()
        .regex(/^([A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*$/, "is no name of a table")
        .optional(),
      sql: z.string().min(1).max(20_000).optional().describe("a SELECT with a column of geometries"),
      geometry: z.string().min(1).max(63).default("geom").describe("the column of geometries"),
      crs: z.string().max(5000).optional().describe("default: what the first geometry says"),
      version: z
        .string()
        .max(200)
        .default("1")
        .describe("of its contents, which no database tells of: yours to change"),
    })
    .refine((source) => (source.table === undefined) !== (source.sql === undefined), "takes either table or sql"),
});

const rasterSource = z.union([ofNode, ofUrl, ofZip, ofUrls, ofList, ofZenodo], {
  error: "is none of {dataset}, {url}, {zip, members}, {urls}, {list, files}, {zenodo, files}",
});
const vectorSource = z.union([ofUrl, ofZip, ofUrls, ofList, ofZenodo, ofPostgis], {
  error: "is none of {url}, {zip, members}, {urls}, {list, files}, {zenodo, files}, {postgis}",
});
const tableSource = z.union([ofUrl, ofZip, ofUrls, ofList, ofZenodo], {
  error: "is none of {url}, {zip, members}, {urls}, {list, files}, {zenodo, files}",
});
const oneOrMany = <T extends z.ZodType>(source: T) => z.union([source, z.array(source).min(1).max(1000)]);

const licence = z.strictObject({
  name: z.string().min(1).max(100).describe("SPDX identifier where there is one"),
  path: z.url().describe("address of its text"),
  title: z.string().min(1).max(500),
});

/** What people are told of a dataset version. */
const metadata = {
  dataset: name.describe("the dataset: first half of the processor's name"),
  version: name.describe("its version: second half of the processor's name"),
  description: z.string().min(1).max(10_000),
  author: z.string().max(2000).default(""),
  title: z.string().max(500).optional().describe("default: the dataset's name"),
  titleLong: z.string().max(2000).optional().describe("default: the title"),
  summary: z.string().max(50_000).optional().describe("default: the description"),
  citation: z.string().max(10_000).default(""),
  license: licence,
  originUrl: z.url().optional().describe("where people find the source; default: the address of the first source"),
  queue: z
    .string()
    .regex(/^[a-z0-9_-]{1,50}$/)
    .optional()
    .describe("that its work waits in; default core"),
};

const crs = z.string().min(1).max(5000);

const raster = z.strictObject({
  ...metadata,
  source: oneOrMany(rasterSource),
  cut: z
    .enum(["polygon", "envelope"])
    .default("polygon")
    .describe("what lies outside of the polygon is masked, or kept"),
  allTouched: z.boolean().default(false).describe("cells that the polygon touches at all are inside"),
  crs: crs.optional().describe("reprojected to this; without it as the source has it"),
  resampling: z
    .enum(["nearest", "bilinear", "cubic", "average", "mode"])
    .default("nearest")
    .describe("how values come into another CRS"),
  nodata: z.number().optional().describe("outside of the boundary, where the source has no such value"),
  format: z.enum(["GeoTIFF", "NetCDF", "Zarr", "none"]).default("GeoTIFF").describe("none: statistics alone"),
  compression: z.enum(["deflate", "zstd", "none"]).default("deflate"),
  statistics: z
    .enum(["csv", "parquet"])
    .optional()
    .describe("also a table of statistics, weighted by area, for each layer and time"),
});

const vectorFormat = z.enum(["GeoPackage", "FlatGeobuf", "GeoParquet", "GeoJSON"]);

const coordinates = z.strictObject({
  x: z.string().min(1).max(200).default("longitude").describe("column"),
  y: z.string().min(1).max(200).default("latitude").describe("column"),
  crs: crs.default("EPSG:4326"),
});

const vector = z.strictObject({
  ...metadata,
  source: oneOrMany(vectorSource),
  layer: z.string().min(1).max(500).optional().describe("of files with several; all without it"),
  cut: z.enum(["whole", "clip"]).default("whole").describe("features that meet the polygon as they are, or cut by it"),
  geometries: z
    .array(z.enum(["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]))
    .min(1)
    .optional()
    .describe("kinds that are kept; all without it"),
  coordinates: coordinates.optional().describe("columns of CSV files that hold the coordinates of points"),
  crs: crs.optional().describe("of sources that say none"),
  format: vectorFormat.default("GeoPackage"),
});

const table = z
  .strictObject({
    ...metadata,
    source: oneOrMany(tableSource),
    coordinates: coordinates.optional().describe("rows whose points lie inside are kept"),
    key: z
      .strictObject({
        column: z.string().min(1).max(200),
        equals: z.enum(["name", "nameLong"]).default("name").describe("of the boundary"),
        values: z
          .record(z.string(), z.string())
          .default({})
          .describe("what the column says for a name, where not that"),
      })
      .optional()
      .describe("rows of the boundary are kept"),
  })
  .refine((t) => (t.coordinates === undefined) !== (t.key === undefined), "takes either coordinates or key");

/** The key `processors` of `gyre.yaml`. */
export const processors = z.strictObject({
  folders: z.array(z.string().min(1)).default([]).describe("with processors of your own: <dataset>/<version>.ts"),
  founding: z
    .union([z.boolean(), z.array(z.string().max(201))])
    .default(false)
    .describe("the ten of irv-autopkg: all, none, or those named"),
  raster: z.array(raster).max(10_000).default([]),
  vector: z.array(vector).max(10_000).default([]),
  table: z.array(table).max(10_000).default([]),
  osm: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "is no postgres:// address")
    .optional()
    .describe("the PostGIS that gri_osm reads: its table features, column geom"),
  cache: z
    .strictObject({
      size: bytes.prefault("100GiB").describe("of fetched sources that are kept on this machine"),
      revalidate: duration.prefault("P1D").describe("a source is asked for changes no more often"),
    })
    .prefault({}),
});

export type ProcessorsConfig = z.output<typeof processors>;
export type ProcessorsInput = z.input<typeof processors>;
export type RasterConfig = ProcessorsConfig["raster"][number];
export type VectorConfig = ProcessorsConfig["vector"][number];
export type TableConfig = ProcessorsConfig["table"][number];
export type CoordinatesConfig = z.output<typeof coordinates>;
export type SourceConfig = z.output<typeof rasterSource> | z.output<typeof vectorSource>;
export type PostgisConfig = z.output<typeof ofPostgis>["postgis"];
