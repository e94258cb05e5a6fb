import type { SpanCollector } from "./spans.ts";

/** A block of rows of an image. */
export interface RowBlock {
  readonly first: number;
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/** Edges this near to a line of the grid lie on it; in pixels, as in GDAL since 3.7. */
const NEAR = 1e-4;
/** Edges this narrow are upright, or level. */
const NARROW = 0.01;

/** Adds the pixels of a block that an edge runs through, walked as GDAL's `ALL_TOUCHED` has them. */
export function touchedPixels(
  [x1, y1, x2, y2]: readonly [number, number, number, number],
  block: RowBlock,
  into: SpanCollector,
): void {
  const { width, height } = block;
  if (Math.max(x1, x2) < 0 || Math.min(x1, x2) > width) return;
  if (Math.max(y1, y2) < 0 || Math.min(y1, y2) > height) return;
  if (Math.floor(x1) === Math.floor(x2) || Math.abs(x1 - x2) < NARROW) upright(x1, y1, x2, y2, block, into);
  else if (Math.floor(y1) === Math.floor(y2) || Math.abs(y1 - y2) < NARROW) level(x1, y1, x2, y2, block, into);
  else if (x1 < x2) sloped(x1, y1, x2, y2, block, into);
  else sloped(x2, y2, x1, y1, block, into);
}

function isOnLine(a: number, b: number): boolean {
  return Math.abs(a - Math.round(a)) < NEAR && Math.abs(b - Math.round(b)) < NEAR;
}

function upright(x1: number, y1: number, x2: number, y2: number, block: RowBlock, into: SpanCollector): void {
  if (isOnLine(x1, x2)) return;
  const { first, count, width } = block;
  const column = Math.floor(Math.max(x1, x2));
  if (column < 0 || column >= width) return;
  const last = Math.min(Math.floor(Math.max(y1, y2) - NEAR), first + count - 1);
  for (let row = Math.max(Math.floor(Math.min(y1, y2)), first); row <= last; row++) into.add(row, column, column + 1);
}

function level(x1: number, y1: number, x2: number, y2: number, block: RowBlock, into: SpanCollector): void {
  if (isOnLine(y1, y2)) return;
  const { first, count, width } = block;
  const row = Math.floor(x1 < x2 ? y1 : y2);
  if (row < first || row >= first + count) return;
  const start = Math.max(Math.floor(Math.min(x1, x2)), 0);
  const end = Math.min(Math.floor(Math.max(x1, x2) - NEAR), width - 1) + 1;
  if (start < end) into.add(row, start, end);
}

/**
 * From left to right, row by row. Where the edge runs through a corner, the pixel beside it counts for edges that go up
 * the rows and not for those that go down.
 */
function sloped(x1: number, y1: number, x2: number, y2: number, block: RowBlock, into: SpanCollector): void {
  const run = (x2 - x1) / (y2 - y1);
  const columnAt = (y: number): number => x1 + (y - y1) * run;
  const isDown = y1 < y2;
  const top = Math.max(Math.floor(Math.min(y1, y2)), block.first);
  const bottom = Math.min(isDown ? Math.ceil(y2) - 1 : Math.floor(y1), block.first + block.count - 1);
  for (let row = top; row <= bottom; row++) {
    const from = Math.max(x1, columnAt(isDown ? row : row + 1));
    const to = Math.min(x2, columnAt(isDown ? row + 1 : row));
    const start = Math.max(Math.floor(from), 0);
    const end = Math.min(!isDown && to < x2 ? Math.floor(to) + 1 : Math.ceil(to), block.width);
    if (start < end) into.add(row, start, end);
  }
}
