import type { TypedArray } from "../core/dtype.ts";

/** How a value is found between cells: of the cell below, weighted from 4 or 16 around, or of all cells covered. */
export type Resampling = "nearest" | "bilinear" | "cubic" | "average" | "mode";

/** Numbers of a window of cells, row by row. */
export interface Cells {
  readonly values: Exclude<TypedArray, BigInt64Array | BigUint64Array>;
  readonly width: number;
  readonly height: number;
  /** The value that stands for none; NaN stands for none as well. */
  readonly nodata: number;
}

/** Cells of the source along one pixel of the target, at least 1. */
export type Shrinking = readonly [across: number, down: number];

/** GDAL's limit: below it a kernel as it is does as well. */
const LEAST_SHRINKING = 1 / 0.95;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** By the sizes of the same area in both images. */
export function shrinkingOf(source: Size, target: Size): Shrinking {
  const step = (cells: number, pixels: number): number => (cells / pixels > LEAST_SHRINKING ? cells / pixels : 1);
  return [step(source.width, target.width), step(source.height, target.height)];
}

/** The value at a place in columns and rows, where 0.5 is the middle of the first; NaN where there is none. */
export type Sample = (cells: Cells, x: number, y: number) => number;

/** Smaller sums of weights count as nothing, as in GDAL. */
const LEAST_WEIGHT = 1e-5;

/** The cell that has the place. */
export function nearest({ values, width, height, nodata }: Cells, x: number, y: number): number {
  const column = Math.floor(x + 1e-10);
  const row = Math.floor(y + 1e-10);
  // So written that places that are none fail it.
  if (!(column >= 0 && row >= 0 && column < width && row < height)) return Number.NaN;
  const value = values[row * width + column]!;
  return value === nodata ? Number.NaN : value;
}

/** Weighted mean of the cells around, as far as they have values; where the target is coarser, of more of them. */
export function weighted(kernel: Kernel, [across, down]: Shrinking): Sample {
  const { reach, weightOf } = kernel;
  const columns = 2 * Math.ceil(reach * across);
  const rows = 2 * Math.ceil(reach * down);
  const weights = new Float64Array(columns);
  return ({ values, width, height, nodata }, x, y) => {
    if (!(x >= 0 && y >= 0 && x <= width && y <= height)) return Number.NaN;
    const left = Math.floor(x - 0.5) - columns / 2 + 1;
    const top = Math.floor(y - 0.5) - rows / 2 + 1;
    for (let i = 0; i < columns; i++) weights[i] = weightOf(Math.abs(x - 0.5 - left - i) / across);
    let sum = 0;
    let total = 0;
    for (let row = Math.max(top, 0); row < Math.min(top + rows, height); row++) {
      const own = weightOf(Math.abs(y - 0.5 - row) / down);
      if (own === 0) continue;
      for (let i = Math.max(0, -left); i < columns && left + i < width; i++) {
        const value = values[row * width + left + i]!;
        if (value === nodata || Number.isNaN(value)) continue;
        sum += value * own * weights[i]!;
        total += own * weights[i]!;
      }
    }
    return total < LEAST_WEIGHT ? Number.NaN : sum / total;
  };
}

/** Weights by distance in pixels, 0 from `reach` on. */
export interface Kernel {
  readonly reach: number;
  weightOf(distance: number): number;
}

function cubicWeight(distance: number): number {
  // Catmull and Rom's, with a = -0.5.
  if (distance >= 2) return 0;
  return distance < 1
    ? (1.5 * distance - 2.5) * distance * distance + 1
    : ((-0.5 * distance + 2.5) * distance - 4) * distance + 2;
}

/** Means of weighted cells; `average` and `mode` look at areas instead (see `overArea`). */
export const KERNELS: Readonly<Record<"bilinear" | "cubic", Kernel>> = {
  bilinear: { reach: 1, weightOf: (distance) => Math.max(0, 1 - distance) },
  cubic: { reach: 2, weightOf: cubicWeight },
};

/** The mean by area, or the value that covers most, of the cells in a box; NaN where there is none. */
export function overArea(
  { values, width, height, nodata }: Cells,
  box: readonly [left: number, top: number, right: number, bottom: number],
  kind: "average" | "mode",
): number {
  const [left, top, right, bottom] = box;
  let sum = 0;
  let total = 0;
  const areas = new Map<number, number>();
  for (let row = Math.max(0, Math.floor(top)); row < Math.min(height, Math.ceil(bottom)); row++) {
    const down = Math.min(row + 1, bottom) - Math.max(row, top);
    for (let column = Math.max(0, Math.floor(left)); column < Math.min(width, Math.ceil(right)); column++) {
      const value = values[row * width + column]!;
      if (value === nodata || Number.isNaN(value)) continue;
      const weight = down * (Math.min(column + 1, right) - Math.max(column, left));
      sum += value * weight;
      total += weight;
      if (kind === "mode") areas.set(value, (areas.get(value) ?? 0) + weight);
    }
  }
  if (total <= 0) return Number.NaN;
  if (kind === "average") return sum / total;
  let most = Number.NaN;
  let best = 0;
  for (const [value, area] of areas) if (area > best) [most, best] = [value, area];
  return most;
}
