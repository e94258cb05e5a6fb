import { type ArraySpec, type Block, type IoCall, product, strides, type Variable } from "../core/array.ts";
import { forEachLimited } from "../core/concurrency.ts";
import { allocate, entriesPerElement, itemSize } from "../core/dtype.ts";
import {
  type DimSelection,
  isSlice,
  type Selection,
  selectedIndex,
  selectionCount,
  selectionShape,
} from "../core/selection.ts";
import { copyPicked, type Pick, type Positions, sequence } from "./copy.ts";

/** Reads one decoded chunk of the variable, cut to its extent. */
export type ReadChunk = (chunk: readonly number[], call?: IoCall) => Promise<Block>;

/** The part of a selection that lies in one chunk along one dimension. */
interface Part {
  readonly chunk: number;
  /** Positions within the chunk, and where they go in the answer. */
  readonly from: Positions;
  readonly to: Positions;
}

/** Bytes of decoded chunks under way at once; small ones in such numbers that waiting for a far store is shared. */
const BYTES_IN_FLIGHT = 64 * 1024 * 1024;
const FEWEST_IN_FLIGHT = 8;
const MOST_IN_FLIGHT = 64;

/** Gathers an orthogonal selection, already checked, from the chunks that it touches. */
export async function selectFrom(
  variable: Variable,
  selection: Selection,
  readChunk: ReadChunk,
  call?: IoCall,
): Promise<Block> {
  const { dtype } = variable.spec;
  const counts = selection.map(selectionCount);
  const target = allocate(dtype, product(counts));
  await forEachLimited(cellsOf(variable.spec, selection), inFlight(variable.spec), async ({ chunk, picksOf }) => {
    call?.signal?.throwIfAborted();
    const { shape, data } = await readChunk(chunk, call);
    copyPicked(target, data, picksOf(shape), entriesPerElement(dtype));
  });
  return { dtype, shape: selectionShape(selection), data: target };
}

/** A chunk that a selection touches. */
export interface Cell {
  readonly chunk: readonly number[];
  /** What is taken of it, and where that goes in the answer, by the shape in which the chunk is there. */
  picksOf(shape: readonly number[]): Pick[];
}

/** All chunks that a selection touches, in C order. */
export function* cellsOf({ chunks }: ArraySpec, selection: Selection): Generator<Cell> {
  const targetStrides = strides(selection.map(selectionCount));
  for (const combination of combinations(selection.map((s, i) => split(s, chunks[i]!)))) {
    yield {
      chunk: combination.map((part) => part.chunk),
      picksOf(shape) {
        const blockStrides = strides(shape);
        return combination.map(({ from, to }, i) => {
          return { from, to, fromStride: blockStrides[i]!, toStride: targetStrides[i]! };
        });
      },
    };
  }
}

function inFlight({ chunks, dtype }: ArraySpec): number {
  const fitting = Math.floor(BYTES_IN_FLIGHT / (product(chunks) * (itemSize(dtype) ?? 1024)));
  return Math.min(MOST_IN_FLIGHT, Math.max(FEWEST_IN_FLIGHT, fitting));
}

/** Sorts the selected indices of one dimension by chunk, in the order of first touch. */
function split(selection: DimSelection, chunkLength: number): Part[] {
  const count = selectionCount(selection);
  if (isSlice(selection) && selection.step > 0)
    return splitForward(selection.start, selection.step, count, chunkLength);
  const byChunk = new Map<number, { from: number[]; to: number[] }>();
  for (let i = 0; i < count; i++) {
    const index = selectedIndex(selection, i);
    const chunk = Math.floor(index / chunkLength);
    let part = byChunk.get(chunk);
    if (part === undefined) byChunk.set(chunk, (part = { from: [], to: [] }));
    part.from.push(index - chunk * chunkLength);
    part.to.push(i);
  }
  return [...byChunk].map(([chunk, { from, to }]) => ({ chunk, from: Int32Array.from(from), to: Int32Array.from(to) }));
}

function splitForward(start: number, step: number, count: number, chunkLength: number): Part[] {
  const parts: Part[] = [];
  for (let i = 0; i < count; ) {
    const index = start + i * step;
    const chunk = Math.floor(index / chunkLength);
    const n = Math.min(count - i, Math.ceil(((chunk + 1) * chunkLength - index) / step));
    parts.push({ chunk, from: sequence(index - chunk * chunkLength, n, step), to: sequence(i, n) });
    i += n;
  }
  return parts;
}

/** The outer product, slowest dimension first, one at a time. */
function* combinations<T>(lists: readonly (readonly T[])[]): Generator<T[]> {
  if (lists.some((list) => list.length === 0)) return;
  const at = lists.map(() => 0);
  for (;;) {
    yield lists.map((list, i) => list[at[i]!]!);
    let i = lists.length - 1;
    while (i >= 0 && ++at[i]! === lists[i]!.length) at[i--] = 0;
    if (i < 0) return;
  }
}
