import {
  type Cells,
  KERNELS,
  nearest,
  overArea,
  type Resampling,
  type Sample,
  type Shrinking,
  weighted,
} from "./resample.ts";
import type { Point } from "./rings.ts";

/** From columns and rows of one image to those of another; NaN where there is no such place. */
export type PixelTransform = (x: number, y: number) => Point;

/** Error of places along a row, in pixels of the source; finer than GDAL's 0.125, and hardly slower. */
export const THRESHOLD = 0.01;

/** Places in a source, for the middles of pixels of a block. */
export interface Places {
  readonly width: number;
  readonly height: number;
  readonly xs: Float64Array;
  readonly ys: Float64Array;
}

/** A block of pixels: the first column and row, and how many. */
export interface PixelBlock {
  readonly column: number;
  readonly row: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Where the middles of a block's pixels lie in the source. Along each row the ends are transformed and what lies between
 * is taken for straight where the middle is, to the threshold; else each half is tried.
 */
export function placesOf(block: PixelBlock, toSource: PixelTransform, threshold = THRESHOLD): Places {
  const { column, row, width, height } = block;
  const xs = new Float64Array(width * height);
  const ys = new Float64Array(width * height);
  const exact = (i: number, at: number, y: number): void => {
    const [px, py] = toSource(column + i + 0.5, y);
    xs[at + i] = px;
    ys[at + i] = py;
  };
  const between = (from: number, to: number, at: number, y: number): void => {
    if (to - from < 2) return;
    const middle = (from + to) >> 1;
    exact(middle, at, y);
    const along = (middle - from) / (to - from);
    const dx = xs[at + from]! + (xs[at + to]! - xs[at + from]!) * along - xs[at + middle]!;
    const dy = ys[at + from]! + (ys[at + to]! - ys[at + from]!) * along - ys[at + middle]!;
    if (Math.abs(dx) + Math.abs(dy) <= threshold) {
      straight(xs, at, from, to);
      straight(ys, at, from, to);
    } else {
      between(from, middle, at, y);
      between(middle, to, at, y);
    }
  };
  for (let j = 0; j < height; j++) {
    const at = j * width;
    const y = row + j + 0.5;
    exact(0, at, y);
    if (width > 1) exact(width - 1, at, y);
    between(0, width - 1, at, y);
  }
  return { width, height, xs, ys };
}

function straight(values: Float64Array, at: number, from: number, to: number): void {
  const start = values[at + from]!;
  const step = (values[at + to]! - start) / (to - from);
  for (let i = from + 1; i < to; i++) values[at + i] = start + step * (i - from);
}

/** Least and greatest places; undefined where there are none. */
export function placesExtent({ xs, ys }: Places): readonly [number, number, number, number] | undefined {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < xs.length; i++) {
    if (Number.isNaN(xs[i]!) || Number.isNaN(ys[i]!)) continue;
    left = Math.min(left, xs[i]!);
    right = Math.max(right, xs[i]!);
    top = Math.min(top, ys[i]!);
    bottom = Math.max(bottom, ys[i]!);
  }
  return left <= right && Number.isFinite(left + right + top + bottom) ? [left, top, right, bottom] : undefined;
}

/** Values at places; NaN where the source has none. `origin` is the place of the first of `cells`. */
export function resampled(
  cells: Cells,
  origin: Point,
  places: Places,
  resampling: Resampling,
  shrinking: Shrinking,
): Float64Array {
  const { width, height, xs, ys } = places;
  const out = new Float64Array(width * height);
  const [x0, y0] = origin;
  if (resampling !== "average" && resampling !== "mode") {
    const sample: Sample = resampling === "nearest" ? nearest : weighted(KERNELS[resampling], shrinking);
    for (let i = 0; i < out.length; i++) out[i] = sample(cells, xs[i]! - x0, ys[i]! - y0);
    return out;
  }
  for (let j = 0; j < height; j++) {
    for (let i = 0; i < width; i++) {
      const box = boxAround(places, i, j);
      const moved = [box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0] as const;
      out[j * width + i] = overArea(cells, moved, resampling);
    }
  }
  return out;
}

/** Half a side of a box: one without area would hold nothing. */
const LEAST_HALF = 1e-6;

/** The box of the source that a pixel covers, by the places beside it. */
function boxAround({ width, height, xs, ys }: Places, i: number, j: number): readonly [number, number, number, number] {
  const at = j * width + i;
  const spread = (values: Float64Array): number => {
    const across = i + 1 < width ? values[at + 1]! - values[at]! : i > 0 ? values[at]! - values[at - 1]! : 0;
    const down = j + 1 < height ? values[at + width]! - values[at]! : j > 0 ? values[at]! - values[at - width]! : 0;
    return Math.max((Math.abs(across) + Math.abs(down)) / 2, LEAST_HALF);
  };
  const [x, y] = [xs[at]!, ys[at]!];
  const [dx, dy] = [spread(xs), spread(ys)];
  return [x - dx, y - dy, x + dx, y + dy];
}
