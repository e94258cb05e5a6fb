import type { TypedArray } from "../../core/dtype.ts";

export type Resampling = "average" | "nearest";

/** Numbers other than 64-bit integers. */
type NumberArray = Exclude<TypedArray, BigInt64Array | BigUint64Array>;

/** A plane of `rows` full rows; complex samples take two entries each. */
export interface Rows {
  readonly values: TypedArray;
  readonly width: number;
  readonly rows: number;
}

/**
 * Every second row and column, or the mean of each two by two pixels without those of `nodata` and NaN; what sticks
 * out at the right and lower edge is the mean of fewer. Means of integers are rounded half up, as GDAL's are.
 * 64-bit integers and complex samples (`entries` 2) are always taken, never averaged.
 */
export function halved(source: Rows, resampling: Resampling, nodata: number | undefined, entries = 1): Rows {
  const width = Math.ceil(source.width / 2);
  const rows = Math.ceil(source.rows / 2);
  const { values } = source;
  const target = values.slice(0, width * rows * entries);
  const isBig = values instanceof BigInt64Array || values instanceof BigUint64Array;
  if (resampling === "nearest" || isBig || entries !== 1) pick(source, target, width, rows, entries);
  else average(values, source, target as NumberArray, width, nodata);
  return { values: target, width, rows };
}

function pick(source: Rows, target: TypedArray, width: number, rows: number, entries: number): void {
  const from = source.values;
  for (let row = 0, to = 0; row < rows; row++) {
    let at = row * 2 * source.width * entries;
    for (let column = 0; column < width; column++, at += entries * 2) {
      for (let entry = 0; entry < entries; entry++) target[to++] = from[at + entry]!;
    }
  }
}

function average(
  from: NumberArray,
  source: Rows,
  target: NumberArray,
  width: number,
  nodata: number | undefined,
): void {
  const isFloat = from instanceof Float32Array || from instanceof Float64Array || from instanceof Float16Array;
  const nothing = nodata ?? Number.NaN;
  const missing = nodata ?? (isFloat ? Number.NaN : 0);
  const rows = Math.ceil(source.rows / 2);
  for (let row = 0, to = 0; row < rows; row++) {
    const upper = row * 2 * source.width;
    const lower = row * 2 + 1 < source.rows ? upper + source.width : -1;
    for (let column = 0; column < width; column++) {
      let sum = 0;
      let count = 0;
      const last = Math.min(column * 2 + 1, source.width - 1);
      for (let c = column * 2; c <= last; c++) {
        const above = from[upper + c]!;
        // Whatever nodata is, NaN is nothing to average.
        if (!Number.isNaN(above) && above !== nothing) {
          sum += above;
          count++;
        }
        if (lower < 0) continue;
        const below = from[lower + c]!;
        if (!Number.isNaN(below) && below !== nothing) {
          sum += below;
          count++;
        }
      }
      const mean = sum / count;
      target[to++] = count === 0 ? missing : isFloat ? mean : Math.floor(mean + 0.5);
    }
  }
}
