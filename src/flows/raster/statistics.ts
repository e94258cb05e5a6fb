import { type IoCall, product, strides } from "../../core/array.ts";
import { all, type Slice } from "../../core/selection.ts";
import { GyreError } from "../../errors.ts";
import { decodeCf } from "../../read/cf.ts";
import { pieces } from "../../read/stream.ts";
import { Coverage, type CoveredRow } from "../../render/coverage.ts";
import { mappedRings } from "../../render/rings.ts";
import { coordinateAt } from "./axis.ts";
import { cellAreas } from "./cell-area.ts";
import type { Clipped } from "./clip.ts";
import { clippedVariable } from "./clipped-variable.ts";
import { windowAxes } from "./window-grid.ts";

/** Statistics of one position along the dimensions other than columns and rows, of cells that have a value. */
export interface Statistics {
  /** Weighted by the area of each cell that lies inside of the boundary. NaN where there is no value. */
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** Of values times the share of their cells that lies inside. */
  readonly sum: number;
  /** Cells, each as much as lies inside. */
  readonly count: number;
  /** Square metres inside. */
  readonly area: number;
}

const MOST_ROWS = 2_000_000;
const BLOCK_BYTES = 32 << 20;
/** Shares of so many cells are kept for the next position. */
const MOST_KEPT = 1 << 22;

/**
 * Statistics for each position along the other dimensions, in C order. Cells on the boundary count by the exact share
 * that lies inside, in the plane of the grid's coordinates. Throws Unsupported for an image that lies askew.
 */
export async function statisticsOf(clipped: Clipped, call?: IoCall): Promise<Statistics[]> {
  const { source, window, values, xDim, yDim } = clipped;
  const axes = windowAxes(clipped);
  if (axes === undefined) {
    throw new GyreError("Unsupported", `${source.name} lies askew: its cells have no sides along the axes`, {
      subject: source.name,
    });
  }
  const whole = clippedVariable(source.name, values, window, { mode: "envelope" }, 0);
  const { shape } = whole.spec;
  const others = shape.with(xDim, 1).with(yDim, 1);
  if (product(others) > MOST_ROWS) {
    throw new GyreError("TooLarge", `statistics of ${product(others)} positions of ${source.name}`, {
      subject: source.name,
    });
  }
  const steps = strides(others).with(xDim, 0).with(yDim, 0);
  const sums = Array.from({ length: product(others) }, () => new Sums());
  const rowOf = rowsOf(clipped, axes);
  const areaOf = cellAreas(values.grid.crs, axes.x, axes.y);
  const named = { name: source.name, spec: whole.spec, locate: async () => undefined };
  for (const piece of pieces(named, all(shape), BLOCK_BYTES)) {
    call?.signal?.throwIfAborted();
    const slices = piece as readonly Slice[];
    const rows = slices[yDim]!;
    const columns = slices[xDim]!;
    const covered = Array.from({ length: rows.stop - rows.start }, (_, i) => rowOf(rows.start + i));
    if (covered.every((row) => row === undefined)) continue;
    const block = decodeCf(await whole.read(slices, call), source.spec);
    const data = block.data as Float64Array | BigInt64Array;
    const at = strides(slices.map(({ start, stop }) => stop - start));
    for (const [position, offset] of positions(slices, at, steps, xDim, yDim)) {
      const sum = sums[position]!;
      covered.forEach((row, j) => {
        if (row === undefined) return;
        const from = Math.max(row.first, columns.start);
        const to = Math.min(row.first + row.shares.length, columns.stop);
        for (let column = from; column < to; column++) {
          const share = row.shares[column - row.first]!;
          const i = offset + j * at[yDim]! + (column - columns.start) * at[xDim]!;
          if (share === 0 || block.mask?.[i] === 1) continue;
          sum.add(Number(data[i]), share, areaOf(rows.start + j, column));
        }
      });
    }
  }
  return sums.map((sum) => sum.done());
}

/** The shares of each row of the window; kept where they are few. */
function rowsOf(
  { window }: Clipped,
  { x, y }: NonNullable<ReturnType<typeof windowAxes>>,
): (row: number) => CoveredRow | undefined {
  // Not in columns and rows: cells may be of several sizes, and those at the poles are cut off there.
  const rings = mappedRings(window.rings, (column, row) => [coordinateAt(x, column), coordinateAt(y, row)]);
  const coverage = new Coverage(rings, x.edges, y.edges);
  if (window.width * window.height > MOST_KEPT) return (row) => coverage.row(row);
  const kept = Array.from({ length: window.height }, (_, row) => coverage.row(row));
  return (row) => kept[row];
}

/** Number of each position in a block, and where it begins. */
function* positions(
  slices: readonly Slice[],
  at: readonly number[],
  steps: readonly number[],
  xDim: number,
  yDim: number,
): Generator<readonly [position: number, offset: number]> {
  const dims = slices.map((_, dim) => dim).filter((dim) => dim !== xDim && dim !== yDim);
  const counts = dims.map((dim) => slices[dim]!.stop - slices[dim]!.start);
  for (let n = 0; n < product(counts); n++) {
    let [position, offset, rest] = [0, 0, n];
    for (let i = dims.length - 1; i >= 0; i--) {
      const dim = dims[i]!;
      const own = rest % counts[i]!;
      rest = Math.floor(rest / counts[i]!);
      position += (slices[dim]!.start + own) * steps[dim]!;
      offset += own * at[dim]!;
    }
    yield [position, offset];
  }
}

class Sums {
  #weighted = 0;
  #weight = 0;
  #sum = 0;
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  add(value: number, share: number, area: number): void {
    if (Number.isNaN(value)) return;
    const weight = share * area;
    this.#weighted += value * weight;
    this.#weight += weight;
    this.#sum += value * share;
    this.#count += share;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  done(): Statistics {
    const isEmpty = this.#count === 0;
    return {
      mean: this.#weighted / this.#weight,
      min: isEmpty ? Number.NaN : this.#min,
      max: isEmpty ? Number.NaN : this.#max,
      sum: isEmpty ? Number.NaN : this.#sum,
      count: this.#count,
      area: this.#weight,
    };
  }
}
