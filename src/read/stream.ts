import { product, type Variable } from "../core/array.ts";
import { itemSize } from "../core/dtype.ts";
import { type DimSelection, isSlice, type Selection, selectionCount, slice } from "../core/selection.ts";

/** Bytes assumed for an element of variable length when work is cut into pieces. */
export const VARIABLE_ITEM_BYTES = 64;

/**
 * Cuts a selection into pieces of at most about `maxBytes`, in C order: put one behind the other, their values are the
 * whole answer. Where possible pieces end at chunk borders, so that no chunk is decoded twice.
 */
export function* pieces(variable: Variable, selection: Selection, maxBytes: number): Generator<Selection> {
  const { dtype, chunks } = variable.spec;
  const counts = selection.map(selectionCount);
  if (counts.some((n) => n === 0)) return;
  const limit = Math.max(1, Math.floor(maxBytes / (itemSize(dtype) ?? VARIABLE_ITEM_BYTES)));
  const cut = counts.findIndex((_, i) => product(counts.slice(i + 1)) <= limit);
  if (cut < 0) {
    yield selection;
    return;
  }
  const step = Math.max(1, Math.floor(limit / product(counts.slice(cut + 1))));
  yield* walk(0, []);

  function* walk(depth: number, head: readonly DimSelection[]): Generator<Selection> {
    const own = selection[depth]!;
    const count = counts[depth]!;
    if (depth < cut) {
      for (let i = 0; i < count; i++) yield* walk(depth + 1, [...head, part(own, i, 1)]);
      return;
    }
    for (let i = 0; i < count; ) {
      const n = Math.min(count - i, toChunkBorder(own, i, step, chunks[depth]!));
      yield [...head, part(own, i, n), ...selection.slice(depth + 1)];
      i += n;
    }
  }
}

/** How many entries to take so that a piece of at most `step` ends where a chunk does. */
function toChunkBorder(selection: DimSelection, from: number, step: number, chunkLength: number): number {
  if (!isSlice(selection) || selection.step !== 1 || step < chunkLength) return step;
  const start = selection.start + from;
  return Math.floor((start + step) / chunkLength) * chunkLength - start;
}

/** `n` entries of a selection from its `i`-th on. */
function part(selection: DimSelection, i: number, n: number): DimSelection {
  if (typeof selection === "number") return selection;
  if (!isSlice(selection)) return selection.slice(i, i + n);
  const start = selection.start + i * selection.step;
  return slice(start, start + n * selection.step, selection.step);
}
