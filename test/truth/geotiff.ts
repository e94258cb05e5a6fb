import { type Block, type Dataset, product, type Variable } from "../../src/core/array.ts";
import { numericAttr, textAttr } from "../../src/core/attrs.ts";
import { crsFromCf } from "../../src/core/crs.ts";
import type { TypedArray } from "../../src/core/dtype.ts";
import { isGyreError } from "../../src/errors.ts";
import type { Findings } from "./findings.ts";
import { compareStats, digest, type Stats, statistics, valueAt } from "./values.ts";

interface Band {
  readonly band: number;
  readonly type: string;
  readonly block: readonly [number, number];
  readonly noDataValue?: number | "NaN";
  readonly overviews?: readonly { readonly size: readonly number[] }[];
  readonly mask?: { readonly flags: readonly string[] };
  readonly scale?: number;
  readonly offset?: number;
}

interface Pixels {
  readonly band: number;
  readonly dtype: string;
  readonly sha256_rows_little_endian: string;
  readonly all: Stats;
  readonly samples_row_col: readonly { readonly index: readonly number[]; readonly value: unknown }[];
}

export interface GeotiffRecord {
  readonly gdalinfo: {
    readonly size: readonly [number, number];
    readonly geoTransform?: readonly number[];
    readonly metadata: Record<string, Record<string, string>>;
    readonly bands: readonly Band[];
    readonly stac: { readonly "proj:epsg"?: number };
    readonly exact_pixels: readonly Pixels[];
    readonly exact_pixels_error?: string;
  };
}

export async function compareGeotiff(
  { gdalinfo: theirs }: GeotiffRecord,
  dataset: Dataset,
  read: (variable: Variable) => Promise<Block>,
  findings: Findings,
): Promise<void> {
  const pixels = dataset.variables.get("band_data");
  if (pixels === undefined) {
    findings.fail("band_data", "absent", "an image");
    return;
  }
  compareHeader(theirs, dataset, pixels, findings);
  if (theirs.exact_pixels_error !== undefined) {
    const refused = await read(pixels).then(
      () => "read",
      (error) => (isGyreError(error, "BadSource") ? "refused" : String(error)),
    );
    findings.equal("a broken tile is", refused, "refused");
    return;
  }
  const planes = bandsOf(await read(pixels), pixels);
  for (const { band, dtype, sha256_rows_little_endian, all, samples_row_col } of theirs.exact_pixels) {
    const plane = planes[band - 1];
    const where = `bands/${band}`;
    findings.equal(`${where}/dtype`, plane?.dtype, dtype);
    if (plane === undefined) continue;
    findings.equal(`${where}/sha256`, digest(plane), sha256_rows_little_endian);
    compareStats(findings, where, statistics(plane.data as TypedArray), all, 1e-12);
    for (const { index, value } of samples_row_col) findings.equal(`${where}/samples`, valueAt(plane, index), value);
  }
}

function compareHeader(
  theirs: GeotiffRecord["gdalinfo"],
  dataset: Dataset,
  pixels: Variable,
  findings: Findings,
): void {
  const { dims, shape, chunks, attrs } = pixels.spec;
  const along = (list: readonly number[], dim: string): number => list[dims.indexOf(dim)] ?? 1;
  const [first] = theirs.bands;
  findings.equal("size", [along(shape, "x"), along(shape, "y")], theirs.size);
  findings.equal("bands", along(shape, "band"), theirs.bands.length);
  findings.equal("block", [along(chunks, "x"), along(chunks, "y")], first?.block);
  const mapping = dataset.variables.get(textAttr(attrs, "grid_mapping") ?? "")?.spec.attrs ?? new Map();
  const transform = textAttr(mapping, "GeoTransform")?.split(" ").map(Number);
  findings.equal("geoTransform is there", transform !== undefined, theirs.geoTransform !== undefined);
  for (const [i, value] of theirs.geoTransform?.entries() ?? [])
    findings.close(`geoTransform/${i}`, transform?.[i], value, 1e-11);
  const epsg = theirs.stac["proj:epsg"];
  if (epsg !== undefined) findings.equal("epsg", crsFromCf(mapping)?.epsg, epsg);
  const overviews = [...dataset.variables.values()].filter(
    ({ spec }) => spec.attrs.get("overview_of")?.value === "band_data",
  );
  const sizes = overviews.map(({ spec }) =>
    ["x", "y"].map((axis) => spec.shape[spec.dims.findIndex((d) => d.startsWith(axis))]),
  );
  findings.equal(
    "overviews",
    sizes,
    (first?.overviews ?? []).map(({ size }) => size),
  );
  const isMasked = first?.mask?.flags.length === 1 && first.mask.flags[0] === "PER_DATASET";
  findings.equal("mask", dataset.variables.has("mask"), isMasked);
  const nodata = first?.noDataValue === "NaN" ? Number.NaN : first?.noDataValue;
  const fill = numericAttr(attrs, "_FillValue")?.[0];
  if (nodata === undefined) findings.equal("nodata", fill, undefined);
  else findings.close("nodata", fill, nodata, 1e-7);
  findings.equal(
    "scale",
    numericAttr(attrs, "scale_factor")?.[0] ?? numericAttr(attrs, "scales")?.[0] ?? 1,
    first?.scale ?? 1,
  );
  findings.equal(
    "offset",
    numericAttr(attrs, "add_offset")?.[0] ?? numericAttr(attrs, "offsets")?.[0] ?? 0,
    first?.offset ?? 0,
  );
  for (const [name, value] of Object.entries(theirs.metadata[""] ?? {})) {
    findings.equal(`metadata/${name}`, textAttr(dataset.attrs, name), value);
  }
}

/** One block per band, whichever way they are stored. */
function bandsOf(block: Block, { spec }: Variable): Block[] {
  const at = spec.dims.indexOf("band");
  const data = block.data as TypedArray;
  if (at < 0) return [block];
  const shape = block.shape.filter((_, i) => i !== at);
  const size = product(shape);
  const count = block.shape[at] as number;
  return Array.from({ length: count }, (_, band) => {
    const plane = data.slice(0, size);
    if (at === 0) plane.set(data.subarray(band * size, (band + 1) * size) as never);
    else for (let i = 0; i < size; i++) plane[i] = data[i * count + band]!;
    return { dtype: block.dtype, shape, data: plane };
  });
}
