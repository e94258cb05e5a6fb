import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { writeWkb } from "../../src/core/wkb.ts";
import { readWkb } from "../../src/core/wkb-reader.ts";
import { writeWkt } from "../../src/core/wkt.ts";
import { readWkt } from "../../src/core/wkt-reader.ts";
import { readBlob, writeBlob } from "../../src/vector/geopackage/blob.ts";
import { openVector } from "../../src/vector/open.ts";
import { beside, single } from "./bases.ts";
import type { Base, Input, Target } from "./target.ts";

/** Features of a layer that are looked at. */
const MOST_FEATURES = 2000;

async function readAll(input: Input): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-fuzz-"));
  try {
    for (const [name, bytes] of input) await writeFile(join(folder, basename(name)), bytes);
    const [first = ""] = input.keys();
    await using file = await openVector(join(folder, basename(first)), { scratch: folder, mostUnpacked: 1 << 24 });
    for (const layer of file.layers) {
      for (const options of [{}, { bbox: [0, 0, 3, 3] }] as const) {
        let count = 0;
        for await (const { properties } of layer.features(options)) {
          if (properties.size > layer.fields.length) throw new Error("impossible: more values than fields");
          if (++count === MOST_FEATURES) break;
        }
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

const parts = (): Base[] => beside(single(["vector/{shape,pointz}.shp"]), single(["vector/shape.{dbf,prj,cpg}"]));

function fileTarget(name: string, kind: Target["kind"], make: () => Base[]): Target {
  let bases: Base[] | undefined;
  return { name, kind, namesSource: true, bases: () => (bases ??= make()), run: readAll };
}

const GEOMETRIES = [
  "POINT Z (1 2 3)",
  "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0)), ((10 10, 11 11, 10 11, 10 10)))",
  "GEOMETRYCOLLECTION (POINT (1 2), MULTILINESTRING ((0 0, 1 1), (5 5, 6 6)), GEOMETRYCOLLECTION (MULTIPOINT (1 2)))",
].map(readWkt);

const bytesOf = ([bytes = new Uint8Array(0)]: Iterable<Uint8Array>): Uint8Array => bytes;
const binary = (name: string, all: readonly Uint8Array[], run: (bytes: Uint8Array) => unknown): Target => {
  const bases = all.map((bytes, i) => ({ name: `${name} ${i}`, input: new Map([[name, bytes]]) }));
  return {
    name,
    kind: "binary",
    namesSource: false,
    bases: () => bases,
    run: async (input) => void run(bytesOf(input.values())),
  };
};
const wkt: Target = {
  name: "wkt",
  kind: "text",
  words: ["EMPTY", "Z", "ZM", "(", ")", ",", "SRID=1;", "1e999", "CURVEPOLYGON", "GEOMETRYCOLLECTION("],
  namesSource: false,
  bases: () =>
    GEOMETRIES.map((geometry, i) => ({ name: `wkt ${i}`, input: new Map([["wkt", Buffer.from(writeWkt(geometry))]]) })),
  run: async (input) => void readWkt(Buffer.from(bytesOf(input.values())).toString("utf8")),
};

/** Vector files, and the geometries in them. */
export const vectorTargets: readonly Target[] = [
  fileTarget("geopackage", "binary", () => single(["vector/{mixed,heights}.gpkg"])),
  fileTarget("flatgeobuf", "binary", () => single(["vector/*.fgb"])),
  fileTarget("shapefile", "binary", parts),
  fileTarget("geoparquet", "binary", () => single(["vector/*.parquet"])),
  fileTarget("geojson", "text", () => single(["vector/*.{geojson,geojsonl,geojsons}"])),
  fileTarget("csv", "text", () => single(["vector/*.csv"])),
  fileTarget("vector-zip", "binary", () => single(["vector/*.zip"])),
  binary(
    "wkb",
    GEOMETRIES.map((geometry) => writeWkb(geometry, { heights: true })),
    readWkb,
  ),
  binary(
    "gpkg-blob",
    GEOMETRIES.map((geometry) => writeBlob(geometry, 4326)),
    readBlob,
  ),
  wkt,
];
