import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Dataset, product, type Scalar, type Variable } from "../../../src/core/array.ts";
import { numericAttr, textAttr } from "../../../src/core/attrs.ts";
import { crsFromCf, crsFromWkt, isLonLat, LONLAT, transform } from "../../../src/core/crs.ts";
import type { TypedArray } from "../../../src/core/dtype.ts";
import { isGyreError } from "../../../src/errors.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { geotiff } from "../../../src/formats/geotiff/geotiff.ts";
import { dataFiles, dataFolder, skipWithoutData, truth } from "../data.ts";
import { openWith, readAll, sha256 } from "../values.ts";

interface Band {
  readonly band: number;
  readonly type: string;
  readonly block: readonly [number, number];
  readonly colorInterpretation: string;
  readonly noDataValue?: number | "NaN";
  readonly description?: string;
  readonly scale?: number;
  readonly offset?: number;
  readonly overviews?: readonly { readonly size: readonly [number, number]; readonly checksum: number }[];
  readonly checksum: number;
  readonly mask?: { readonly flags: readonly string[]; readonly overviews?: readonly { size: number[] }[] };
  readonly metadata: { readonly ""?: Record<string, string>; readonly IMAGE_STRUCTURE?: Record<string, string> };
  readonly colorTable?: { readonly entries: readonly (readonly number[])[] };
}

interface GdalInfo {
  readonly size: readonly [number, number];
  readonly geoTransform?: readonly number[];
  readonly coordinateSystem?: { readonly wkt: string };
  readonly wgs84Extent?: { readonly coordinates: readonly (readonly (readonly [number, number])[])[] };
  readonly cornerCoordinates: Record<string, readonly [number, number]>;
  readonly gcps?: { readonly gcpList: readonly Record<string, number | string>[]; coordinateSystem?: { wkt: string } };
  readonly metadata: { readonly ""?: Record<string, string>; readonly IMAGE_STRUCTURE?: Record<string, string> };
  readonly bands: readonly Band[];
  readonly exact_pixels?: readonly { readonly band: number; readonly sha256_rows_little_endian: string }[];
  readonly exact_pixels_error?: string;
  readonly stac: { readonly "proj:epsg"?: number };
}

const files = createLocalFiles();
const TYPES: Readonly<Record<string, string>> = {
  Byte: "uint8",
  UInt16: "uint16",
  Int16: "int16",
  Float32: "float32",
  Float64: "float64",
};

const dimension = (variable: Variable, name: string): number => {
  const at = variable.spec.dims.indexOf(name);
  return at < 0 ? 1 : variable.spec.shape[at]!;
};

/** Entry of a band in an attribute that is a list where there are several bands. */
const ofBand = (variable: Variable, name: string, band: number): unknown => {
  const value = variable.spec.attrs.get(name)?.value as Scalar | readonly Scalar[] | undefined;
  return Array.isArray(value) ? value[band - 1] : value;
};

describe("GeoTIFF: every real file says what GDAL says", skipWithoutData, () => {
  for (const name of dataFiles("geotiff")) {
    test(name, async () => {
      const info = truth<{ gdalinfo: GdalInfo }>(`geotiff/${name}`).gdalinfo;
      const dataset = await openWith(geotiff, new URL(`geotiff/${name}`, dataFolder), files);
      assert.equal(dataset.problems, undefined);
      const pixels = dataset.variables.get("band_data")!;
      comparePixelsLayout(pixels, info);
      compareReference(dataset, pixels, info);
      compareBands(dataset, pixels, info);
      compareMetadata(dataset, info);
      await compareValues(dataset, pixels, info);
    });
  }
});

function comparePixelsLayout(pixels: Variable, info: GdalInfo): void {
  assert.deepEqual([dimension(pixels, "x"), dimension(pixels, "y")], info.size);
  assert.equal(dimension(pixels, "band"), info.bands.length);
  const [first] = info.bands as [Band];
  assert.equal(pixels.spec.dtype, TYPES[first.type]);
  const { dims, chunks } = pixels.spec;
  assert.deepEqual([chunks[dims.indexOf("x")], chunks[dims.indexOf("y")]], first.block);
  assert.equal(dims[0] === "band" || dims.length === 2, info.metadata.IMAGE_STRUCTURE?.INTERLEAVE === "BAND");
}

function compareReference(dataset: Dataset, pixels: Variable, info: GdalInfo): void {
  const mapping = dataset.variables.get(textAttr(pixels.spec.attrs, "grid_mapping") ?? "");
  const attrs = mapping?.spec.attrs ?? new Map();
  const ours = textAttr(attrs, "GeoTransform")?.split(" ").map(Number);
  if (info.geoTransform === undefined) assert.equal(ours, undefined);
  else for (const [i, value] of info.geoTransform.entries()) close(ours![i]!, value, 1e-12 * Math.abs(value) + 1e-9);

  const wkt = info.coordinateSystem?.wkt ?? info.gcps?.coordinateSystem?.wkt;
  const crs = crsFromCf(attrs);
  if (wkt === undefined || wkt === "") {
    assert.equal(crs, undefined);
    return;
  }
  const theirs = crsFromWkt(wkt);
  assert.ok(crs !== undefined && theirs !== undefined, "a CRS");
  assert.equal(crs.epsg, info.stac["proj:epsg"] ?? theirs.epsg);
  // Datum shifts aside, both must put the image in the same place.
  const ellipsoidal = (proj: string): string => proj.replace(/\+(towgs84|nadgrids=(?!@null))\S*/g, "");
  const [a, b] = [crs, theirs].map((c) => transform({ ...c, proj: ellipsoidal(c.proj) }, LONLAT));
  const { center } = info.cornerCoordinates;
  for (const [i, value] of a!(...center!).entries()) close(value, b!(...center!)[i]!, 1e-7);
  compareExtent(crs, info);
}

/** GDAL's own transform of the corners. Without grids of datum shifts NAD27 and the like may be tens of metres away. */
function compareExtent(crs: NonNullable<ReturnType<typeof crsFromCf>>, info: GdalInfo): void {
  if (info.wgs84Extent === undefined || isLonLat(crs)) return;
  const toLonLat = transform(crs, LONLAT);
  const { upperLeft, lowerLeft, lowerRight, upperRight } = info.cornerCoordinates;
  const corners = [upperLeft, lowerLeft, lowerRight, upperRight] as (readonly [number, number])[];
  for (const [i, corner] of corners.entries()) {
    const [lon, lat] = info.wgs84Extent.coordinates[0]![i] ?? [];
    const [x, y] = toLonLat(...corner);
    if (lon === undefined || lat === undefined || Number.isNaN(x)) continue;
    close(y, lat, 1e-3);
    close(((x - lon + 540) % 360) - 180, 0, 1e-3);
  }
}

function compareBands(dataset: Dataset, pixels: Variable, info: GdalInfo): void {
  const { attrs } = pixels.spec;
  for (const band of info.bands) {
    assert.equal(ofBand(pixels, "color_interpretation", band.band), band.colorInterpretation);
    assert.equal(ofBand(pixels, "long_name", band.band) ?? "", band.description ?? "");
    assert.equal(
      ofBand(pixels, "scale_factor", band.band) ?? ofBand(pixels, "scales", band.band) ?? 1,
      band.scale ?? 1,
    );
    assert.equal(
      ofBand(pixels, "add_offset", band.band) ?? ofBand(pixels, "offsets", band.band) ?? 0,
      band.offset ?? 0,
    );
    const nodata = band.noDataValue === "NaN" ? Number.NaN : band.noDataValue;
    const fill = numericAttr(attrs, "_FillValue")?.[0];
    if (nodata === undefined || fill === undefined) assert.equal(fill, nodata);
    else close(fill, nodata, Math.abs(nodata) * 1e-7);
    // The record was made with -stats: statistics that no file carries were computed then.
    for (const [key, value] of Object.entries(band.metadata[""] ?? {}))
      if (!key.startsWith("STATISTICS_") || attrs.has(key)) assert.equal(ofBand(pixels, key, band.band), value);
    const nbits = band.metadata.IMAGE_STRUCTURE?.NBITS;
    if (nbits !== undefined) assert.equal(pixels.spec.codecs[0]?.configuration?.bitspersample, Number(nbits));
    // The record keeps the first entries and then dots.
    const colours = band.colorTable?.entries.filter(Array.isArray).flatMap((entry) => entry.slice(0, 3));
    const table = numericAttr(attrs, "color_table");
    assert.deepEqual(table?.slice(0, colours?.length), colours);
    if (band.colorTable !== undefined) assert.equal(table?.length, 3 * 256);
  }
  const [first] = info.bands as [Band];
  const sizes = (prefix: string): number[][] =>
    [...dataset.variables.values()]
      .filter((v) => v.name.startsWith(`${prefix}_overview_`))
      .map((v) => [
        dimension(v, v.spec.dims.find((d) => d.startsWith("x"))!),
        dimension(v, v.spec.dims.find((d) => d.startsWith("y"))!),
      ]);
  assert.deepEqual(
    sizes("band_data"),
    (first.overviews ?? []).map(({ size }) => size),
  );
  const isInternalMask = first.mask?.flags.length === 1 && first.mask.flags[0] === "PER_DATASET";
  assert.equal(dataset.variables.has("mask"), isInternalMask);
  assert.deepEqual(sizes("mask"), isInternalMask ? (first.mask?.overviews ?? []).map(({ size }) => size) : []);
}

function compareMetadata(dataset: Dataset, info: GdalInfo): void {
  for (const [key, value] of Object.entries(info.metadata[""] ?? {})) {
    assert.equal(textAttr(dataset.attrs, key), value, key);
  }
}

async function compareValues(dataset: Dataset, pixels: Variable, info: GdalInfo): Promise<void> {
  if (info.exact_pixels_error !== undefined) {
    await assert.rejects(readAll(pixels, files), (error) => isGyreError(error, "BadSource"));
    return;
  }
  const planes = await planesOf(pixels);
  assert.equal(planes.length, info.bands.length);
  for (const { band, sha256_rows_little_endian } of info.exact_pixels ?? []) {
    assert.equal(sha256(planes[band - 1]!), sha256_rows_little_endian, `pixels of band ${band}`);
  }
  for (const { band, checksum } of info.bands) assert.equal(gdalChecksum(planes[band - 1]!), checksum);
  for (const i of (info.bands[0]?.overviews ?? []).keys()) {
    const reduced = await planesOf(dataset.variables.get(`band_data_overview_${i + 1}`)!);
    for (const { band, overviews } of info.bands) {
      assert.equal(gdalChecksum(reduced[band - 1]!), overviews?.[i]?.checksum, `overview ${i + 1}`);
    }
  }
}

/** Values band by band, whichever way they are stored. */
async function planesOf(pixels: Variable): Promise<TypedArray[]> {
  const { data, shape } = await readAll(pixels, files);
  const values = data as TypedArray;
  const bands = dimension(pixels, "band");
  const count = product(shape) / bands;
  return Array.from({ length: bands }, (_, band) =>
    pixels.spec.dims.at(-1) === "band" ? every(values, bands, band) : values.slice(band * count, (band + 1) * count),
  );
}

/** `GDALChecksumImage`: whole numbers modulo small primes in turn. */
function gdalChecksum(values: TypedArray): number {
  const primes = [7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43];
  let sum = 0;
  for (let i = 0, prime = 0; i < values.length; i++, prime = prime === 10 ? 0 : prime + 1) {
    const value = Number(values[i]);
    const whole = Number.isNaN(value)
      ? -2147483648
      : Math.min(2147483647, Math.max(-2147483647, Math.floor(value + 0.5)));
    sum = (sum + (whole % primes[prime]!)) & 0xffff;
  }
  return sum;
}

function every(values: TypedArray, step: number, first: number): TypedArray {
  const out = values.slice(0, values.length / step);
  for (let i = 0; i < out.length; i++) out[i] = values[i * step + first]!;
  return out;
}

function close(actual: number, expected: number, tolerance: number): void {
  if (Number.isNaN(expected)) assert.ok(Number.isNaN(actual));
  else assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}
