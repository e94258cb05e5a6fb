import type { IoCall } from "../../core/array.ts";
import { crsFromGeoKeys, type GeoKeys } from "../../core/crs/geokeys.ts";
import type { GeoTransform } from "../../core/crs/geotransform.ts";
import type { Crs } from "../../core/crs.ts";
import { Tag, type TagNumber } from "../../core/tiff/tags.ts";
import { badSource } from "../../errors.ts";
import { type Directory, readBytes, readNumbers, textOf } from "./directory.ts";
import type { Source } from "./source.ts";

/** A point of the image (column, row from the upper left corner) and where it lies. */
export interface ControlPoint {
  readonly column: number;
  readonly row: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** Where an image lies on Earth, as far as its file says. */
export interface Georeference {
  readonly crs?: Crs;
  readonly transform?: GeoTransform;
  readonly points: readonly ControlPoint[];
  /** Values belong to the grid points rather than to the areas of the pixels. */
  readonly pixelIsPoint: boolean;
}

const MOST_POINTS = 100_000;
const RASTER_TYPE = 1025;
const PIXEL_IS_POINT = 2;

/** Undefined where the directory says nothing. GeoTIFF 1.1 section 7 and annex B.6, with GDAL's reading of it. */
export async function readGeoreference(
  source: Source,
  directory: Directory,
  call?: IoCall,
): Promise<Georeference | undefined> {
  const numbers = async (tag: TagNumber): Promise<number[]> => {
    const field = directory.fields.get(tag);
    if (field === undefined) return [];
    if (field.count > MOST_POINTS * 6) throw badSource(source.url, field.offset, `tag ${tag}: ${field.count} values`);
    return readNumbers(source, field, call);
  };
  const scale = await numbers(Tag.ModelPixelScale);
  const ties = await numbers(Tag.ModelTiepoint);
  const matrix = await numbers(Tag.ModelTransformation);
  const ascii = directory.fields.get(Tag.GeoAsciiParams);
  const keys = readKeys(
    await numbers(Tag.GeoKeyDirectory),
    await numbers(Tag.GeoDoubleParams),
    ascii === undefined ? new Uint8Array(0) : await readBytes(source, ascii, call),
  );
  const pixelIsPoint = keys.get(RASTER_TYPE) === PIXEL_IS_POINT;
  const crs = crsFromGeoKeys(keys);
  const corner = affine(scale, ties, matrix);
  const transform = corner === undefined || !pixelIsPoint ? corner : shifted(corner);
  const points = transform === undefined ? controlPoints(ties, pixelIsPoint ? 0.5 : 0) : [];
  if (crs === undefined && transform === undefined && points.length === 0 && keys.size === 0) return undefined;
  return {
    ...(crs === undefined ? {} : { crs }),
    ...(transform === undefined ? {} : { transform }),
    points,
    pixelIsPoint,
  };
}

function affine(
  scale: readonly number[],
  ties: readonly number[],
  matrix: readonly number[],
): GeoTransform | undefined {
  const [sx = 0, sy = 0] = scale;
  if (sx !== 0 && sy !== 0 && ties.length >= 6) {
    const [column, row, , x, y] = ties as [number, number, number, number, number];
    // Rows go down whatever the sign of the scale: GDAL's default for files that store it negative.
    const down = -Math.abs(sy);
    return finite([x - column * sx, sx, 0, y - row * down, 0, down]);
  }
  if (matrix.length !== 16) return undefined;
  const [a, b, , d, e, f, , h] = matrix as [number, number, number, number, number, number, number, number];
  return finite([d, a, b, h, e, f]);
}

function finite(transform: GeoTransform): GeoTransform | undefined {
  return transform.every(Number.isFinite) ? transform : undefined;
}

/** From the middle of the first pixel to its corner. */
function shifted([x, a, b, y, d, e]: GeoTransform): GeoTransform {
  return [x - (a + b) / 2, a, b, y - (d + e) / 2, d, e];
}

function controlPoints(ties: readonly number[], shift: number): ControlPoint[] {
  const points: ControlPoint[] = [];
  for (let i = 0; i + 6 <= ties.length; i += 6) {
    const [column, row, , x, y, z] = ties.slice(i, i + 6) as [number, number, number, number, number, number];
    points.push({ column: column + shift, row: row + shift, x, y, z });
  }
  return points;
}

/** GeoKeys by number: the directory's short values, or slices of the double and ASCII parameters. */
function readKeys(directory: readonly number[], doubles: readonly number[], ascii: Uint8Array): GeoKeys {
  const keys = new Map<number, number | string>();
  const count = Math.min(directory[3] ?? 0, Math.floor(directory.length / 4) - 1);
  for (let i = 1; i <= count; i++) {
    const [key, place, length, value] = directory.slice(i * 4, i * 4 + 4) as [number, number, number, number];
    if (place === 0) keys.set(key, value);
    else if (place === Tag.GeoDoubleParams && doubles[value] !== undefined) keys.set(key, doubles[value]);
    else if (place === Tag.GeoAsciiParams) {
      keys.set(key, textOf(ascii.subarray(value, value + length)).replace(/\|$/, ""));
    } else if (place === Tag.GeoKeyDirectory && directory[value] !== undefined) keys.set(key, directory[value]);
  }
  return keys;
}

/** The same place in fewer pixels. */
export function reducedGeoreference(reference: Georeference, full: Size, reduced: Size): Georeference {
  const { transform, points } = reference;
  const across = full.width / reduced.width;
  const down = full.height / reduced.height;
  const scaled = transform === undefined ? undefined : scaledTransform(transform, across, down);
  return {
    ...reference,
    ...(scaled === undefined ? {} : { transform: scaled }),
    points: points.map((point) => ({ ...point, column: point.column / across, row: point.row / down })),
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function scaledTransform([x, a, b, y, d, e]: GeoTransform, across: number, down: number): GeoTransform {
  return [x, a * across, b * down, y, d * across, e * down];
}

export function sameGeoreference(one: Georeference | undefined, other: Georeference | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
