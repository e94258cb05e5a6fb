import { GyreError } from "../errors.ts";

/** Half-open `[start, stop)` with a step; a negative step walks backwards and then `start > stop`, `stop` may be -1. */
export interface Slice {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
}

/** What to take along one dimension: one index (the dimension goes away), a slice, or a list of indices. */
export type DimSelection = number | Slice | readonly number[];

/** One entry per dimension, orthogonal: lists select the outer product. */
export type Selection = readonly DimSelection[];

export function slice(start: number, stop: number, step = 1): Slice {
  return { start, stop, step };
}

export function isSlice(selection: DimSelection): selection is Slice {
  return typeof selection === "object" && !Array.isArray(selection);
}

/** Everything. */
export function all(shape: readonly number[]): Slice[] {
  return shape.map((n) => slice(0, n));
}

/** Elements that `selection` takes along its dimension. */
export function selectionCount(selection: DimSelection): number {
  if (typeof selection === "number") return 1;
  if (!isSlice(selection)) return selection.length;
  const { start, stop, step } = selection;
  return Math.max(0, Math.ceil((stop - start) / step));
}

/** Shape of the answer: integer selections drop their dimension. */
export function selectionShape(selection: Selection): number[] {
  return selection.filter((s) => typeof s !== "number").map(selectionCount);
}

/** Index in the source of the `i`-th selected element. */
export function selectedIndex(selection: DimSelection, i: number): number {
  if (typeof selection === "number") return selection;
  return isSlice(selection) ? selection.start + i * selection.step : selection[i]!;
}

/** Refuses (BadRequest) anything outside `shape`, not whole, or with a zero step. */
export function checkSelection(selection: Selection, shape: readonly number[], dims: readonly string[]): void {
  if (selection.length !== shape.length) {
    throw new GyreError(
      "BadRequest",
      `${selection.length} selections for ${shape.length} dimensions (${dims.join(", ")})`,
    );
  }
  selection.forEach((s, i) => {
    const size = shape[i]!;
    const name = dims[i] ?? String(i);
    const refuse = (what: string): never => {
      throw new GyreError("BadRequest", `${what} of dimension ${name}, which has ${size} entries`, { subject: name });
    };
    const inside = (n: number): boolean => Number.isSafeInteger(n) && n >= 0 && n < size;
    if (typeof s === "number") {
      if (!inside(s)) refuse(`index ${s}`);
    } else if (isSlice(s)) {
      const whole = [s.start, s.stop, s.step].every(Number.isSafeInteger);
      if (!whole || s.step === 0) refuse(`slice ${s.start}:${s.stop}:${s.step}`);
      const count = selectionCount(s);
      if (count > 0 && !(inside(s.start) && inside(s.start + (count - 1) * s.step))) {
        refuse(`slice ${s.start}:${s.stop}:${s.step}`);
      }
    } else {
      for (const n of s) if (!inside(n)) refuse(`index ${n}`);
    }
  });
}
