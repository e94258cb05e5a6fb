import type { Cursor } from "./cursor.ts";
import { MOST_DIMENSIONS } from "./messages/dataspace.ts";

/** `count` runs of `block` indices, `stride` apart; `count` or `block` is `Infinity` for an unlimited selection. */
export interface Axis {
  readonly start: number;
  readonly stride: number;
  readonly count: number;
  readonly block: number;
}

/** A regular hyperslab; undefined: everything. */
export type Selection = readonly Axis[] | undefined;

const REGULAR = 0x01;

/** VII.B Dataspace selection encoding, as virtual datasets store it: all, or a regular hyperslab. */
export function readSelection(cursor: Cursor): Selection {
  const type = cursor.u32();
  const version = cursor.u32();
  if (type === 3) {
    cursor.skip(8);
    return undefined;
  }
  if (type !== 2) throw cursor.fail(`a selection of type ${type} in a virtual dataset`);
  if (version === 1) return readBlocks(cursor.sub(skipReserved(cursor)), 4);
  if (version !== 2 && version !== 3) throw cursor.fail(`hyperslab selection version ${version} is unknown`);
  const flags = cursor.u8();
  const width = version === 3 ? cursor.u8() : 8;
  if (version === 2) cursor.skip(4);
  if (width !== 2 && width !== 4 && width !== 8) throw cursor.fail(`numbers of ${width} bytes in a selection`);
  if ((flags & REGULAR) === 0) return readBlocks(cursor, width);
  const rank = readRank(cursor);
  return Array.from({ length: rank }, () => ({
    start: unlimited(cursor, width),
    stride: unlimited(cursor, width),
    count: unlimited(cursor, width),
    block: unlimited(cursor, width),
  }));
}

function skipReserved(cursor: Cursor): number {
  cursor.skip(4);
  return cursor.u32();
}

function readRank(cursor: Cursor): number {
  const rank = cursor.u32();
  if (rank < 1 || rank > MOST_DIMENSIONS) throw cursor.fail(`a selection of ${rank} dimensions`);
  return rank;
}

function unlimited(cursor: Cursor, width: number): number {
  const bytes = cursor.bytes.subarray(cursor.pos, cursor.pos + width);
  if (bytes.byteLength === width && bytes.every((byte) => byte === 0xff)) {
    cursor.skip(width);
    return Number.POSITIVE_INFINITY;
  }
  return cursor.uint(width);
}

/** A list of blocks, which older writers use for regular selections too: the regularity is found again. */
function readBlocks(cursor: Cursor, width: number): Selection {
  const rank = readRank(cursor);
  const count = cursor.uint(width);
  if (count * 2 * rank * width > cursor.left) throw cursor.fail(`a selection of ${count} blocks`);
  const ends = Array.from({ length: rank }, () => new Map<number, number>());
  for (let i = 0; i < count; i++) {
    const starts = ends.map(() => cursor.uint(width));
    for (const [d, start] of starts.entries()) ends[d]!.set(start, cursor.uint(width));
  }
  const axes = ends.map((runs): Axis | undefined => {
    const starts = [...runs.keys()].sort((a, b) => a - b);
    const start = starts[0] ?? 0;
    const block = (runs.get(start) ?? start - 1) - start + 1;
    const stride = starts.length > 1 ? starts[1]! - start : block;
    const regular = starts.every((at, i) => at === start + i * stride && runs.get(at) === at + block - 1);
    return regular && block > 0 ? { start, stride, count: starts.length, block } : undefined;
  });
  const complete = axes.reduce((n, axis) => n * (axis?.count ?? 0), 1) === count;
  if (!complete) throw cursor.fail("an irregular selection in a virtual dataset");
  return axes as Axis[];
}

/** Indices that an axis selects below `size`, how many they are and the `i`-th. */
export function axisCount({ start, stride, count, block }: Axis, size: number): number {
  if (size <= start) return 0;
  if (count === 1 || stride === 0) return Math.min(block, size - start);
  const runs = Math.min(count, Math.ceil((size - start) / stride));
  const last = start + (runs - 1) * stride;
  return (runs - 1) * block + Math.min(block, size - last);
}

export function axisIndex({ start, stride, block }: Axis, i: number): number {
  if (block === Number.POSITIVE_INFINITY) return start + i;
  const run = Math.floor(i / block);
  return start + run * stride + (i - run * block);
}

/** Ordinals `[from, to)` of the indices that lie in `[low, high)`. */
export function axisRange(axis: Axis, low: number, high: number): { readonly from: number; readonly to: number } {
  return { from: axisCount(axis, low), to: axisCount(axis, high) };
}
