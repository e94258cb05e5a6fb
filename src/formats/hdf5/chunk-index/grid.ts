import { product, strides } from "../../../core/array.ts";
import type { StoredDataset } from "../dataset.ts";
import type { ChunkedLayout } from "../messages/layout.ts";

/** The chunk grid of a dataset as its indexes number it. */
export interface Grid {
  readonly rank: number;
  readonly chunk: readonly number[];
  /** Chunks along each dimension of the array, how many they are, and their row-major strides. */
  readonly counts: readonly number[];
  readonly cells: number;
  readonly strides: readonly number[];
  /** Chunks along each dimension at its largest; `Infinity` for unlimited ones. */
  readonly limits: readonly number[];
  /** Bytes of a chunk before filters. */
  readonly chunkBytes: number;
}

/** `shape` is that of the array in the model: at least that of the dataset. */
export function gridOf(dataset: StoredDataset, layout: ChunkedLayout, shape: readonly number[]): Grid {
  const { limits } = dataset.space;
  const { chunk, elementSize } = layout;
  const counts = shape.map((n, i) => Math.ceil(n / chunk[i]!));
  return {
    rank: shape.length,
    chunk,
    counts,
    cells: product(counts),
    strides: strides(counts),
    limits: limits.map((n, i) => Math.ceil(n / chunk[i]!)),
    chunkBytes: product(chunk) * elementSize,
  };
}

/**
 * Array-like indexes number chunks over the largest shape, with the slowest dimension first in `order`. This says to
 * which cell of the grid such a number belongs; -1: outside, as the dataset could grow there.
 */
export function numbering(grid: Grid, order: readonly number[]): (index: number) => number {
  const rank = grid.rank;
  const steps = new Array<number>(rank).fill(1);
  for (let k = rank - 2; k >= 0; k--) steps[k] = steps[k + 1]! * grid.limits[order[k + 1]!]!;
  return (index) => {
    let rest = index;
    let cell = 0;
    for (let k = 0; k < rank; k++) {
      const at = Math.floor(rest / steps[k]!);
      rest -= at * steps[k]!;
      const dim = order[k]!;
      if (at >= grid.counts[dim]!) return -1;
      cell += at * grid.strides[dim]!;
    }
    return cell;
  };
}
