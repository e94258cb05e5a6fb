import { doubleAreas, type Rings } from "./rings.ts";

/** How much of some cells of a row lies inside of polygons. */
export interface CoveredRow {
  /** The first cell, and the share of it and those behind it, 0 to 1. */
  readonly first: number;
  readonly shares: Float64Array;
}

/** Less of a cell, or of what is missing of it, is rounding. */
const NOTHING = 1e-12;

/**
 * The share of every cell of a grid that lies inside of polygons, exactly, in the plane of their coordinates. Cells lie
 * between `xs` and `ys`, which go one way each. Outer rings and holes run in opposite directions and do not overlap.
 */
export class Coverage {
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  /** Edges as x, y, to x, to y; with the rows that each reaches, sorted by the first. */
  readonly #edges: Float64Array;
  readonly #rows: Int32Array;
  readonly #sign: number;
  #active: number[] = [];
  #next = 0;
  #row = 0;

  constructor(rings: Rings, xs: Float64Array, ys: Float64Array) {
    const [flipX, flipY] = [isDescending(xs) ? -1 : 1, isDescending(ys) ? -1 : 1];
    this.#x = xs.map((x) => x * flipX);
    this.#y = ys.map((y) => y * flipY);
    const edges = edgesOf(rings, flipX, flipY, this.#y);
    this.#edges = edges.values;
    this.#rows = edges.rows;
    this.#sign = Math.sign(doubleAreas(rings).reduce((a, b) => a + b, 0)) * flipX * flipY;
  }

  /** Undefined for a row without any. Rows are asked for downwards, for speed. */
  row(row: number): CoveredRow | undefined {
    const active = this.#reach(row);
    if (active.length === 0) return undefined;
    const [low, high] = [this.#y[row]!, this.#y[row + 1]!];
    const cells = this.#x.length - 1;
    // Area between an edge and the right side of its cell; height that cells further right have in full.
    const own = new Float64Array(cells);
    const full = new Float64Array(cells + 1);
    for (const edge of active) this.#add(edge, low, high, own, full);
    let height = 0;
    let [first, last] = [cells, -1];
    for (let i = 0; i < cells; i++) {
      height += full[i]!;
      const width = this.#x[i + 1]! - this.#x[i]!;
      // A boundary that runs counterclockwise has its area on the left: what is right of it counts backwards.
      const share = (-this.#sign * (own[i]! + height * width)) / (width * (high - low));
      own[i] = share < NOTHING ? 0 : share > 1 - NOTHING ? 1 : share;
      if (own[i] === 0) continue;
      first = Math.min(first, i);
      last = i;
    }
    return last < 0 ? undefined : { first, shares: own.subarray(first, last + 1) };
  }

  #reach(row: number): readonly number[] {
    if (row < this.#row) {
      this.#active = [];
      this.#next = 0;
    }
    this.#row = row;
    this.#active = this.#active.filter((edge) => this.#rows[2 * edge + 1]! >= row);
    for (; 2 * this.#next < this.#rows.length && this.#rows[2 * this.#next]! <= row; this.#next++) {
      if (this.#rows[2 * this.#next + 1]! >= row) this.#active.push(this.#next);
    }
    return this.#active;
  }

  /** The part of an edge between two heights. */
  #add(edge: number, low: number, high: number, own: Float64Array, full: Float64Array): void {
    const [x1, y1, x2, y2] = this.#edges.subarray(4 * edge, 4 * edge + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const at = (y: number): number => (y === y1 ? x1 : y === y2 ? x2 : x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
    const within = (y: number): number => Math.min(Math.max(y, low), high);
    const [from, to] = [within(y1), within(y2)];
    if (from === to) return;
    this.#across(at(from), from, at(to), to, own, full);
  }

  /** Cuts at the sides of cells. */
  #across(x1: number, y1: number, x2: number, y2: number, own: Float64Array, full: Float64Array): void {
    const x = this.#x;
    const cells = own.length;
    const [left, right] = x1 < x2 ? [x1, x2] : [x2, x1];
    const rise = right === left ? 0 : (y2 - y1) / (right - left);
    const height = (from: number, to: number): number => (right === left ? y2 - y1 : (to - from) * rise);
    if (left < x[0]!) full[0]! += height(left, Math.min(right, x[0]!));
    if (right < x[0]! || left >= x[cells]!) return;
    let from = Math.max(left, x[0]!);
    for (let i = cellOf(x, from); i < cells; i++) {
      const to = Math.min(right, x[i + 1]!);
      const h = height(from, to);
      own[i]! += h * (x[i + 1]! - (from + to) / 2);
      full[i + 1]! += h;
      if (right <= x[i + 1]!) return;
      from = to;
    }
  }
}

function isDescending(values: Float64Array): boolean {
  return values.at(-1)! < values[0]!;
}

/** The cell that begins at or before a value. */
function cellOf(edges: Float64Array, value: number): number {
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle;
    else high = middle;
  }
  return low;
}

function edgesOf(
  { xs, ys, ends }: Rings,
  flipX: number,
  flipY: number,
  edges: Float64Array,
): { readonly values: Float64Array; readonly rows: Int32Array } {
  const found: { readonly i: number; readonly top: number; readonly bottom: number }[] = [];
  const [start, stop] = [edges[0]!, edges.at(-1)!];
  let first = 0;
  for (const end of ends) {
    for (let i = first + 1; i < end; i++) {
      const low = Math.min(ys[i - 1]! * flipY, ys[i]! * flipY);
      const high = Math.max(ys[i - 1]! * flipY, ys[i]! * flipY);
      if (low < high && high > start && low < stop) {
        found.push({ i, top: cellOf(edges, low), bottom: cellOf(edges, high) });
      }
    }
    first = end;
  }
  found.sort((a, b) => a.top - b.top);
  const values = new Float64Array(found.length * 4);
  const rows = new Int32Array(found.length * 2);
  found.forEach(({ i, top, bottom }, edge) => {
    values.set([xs[i - 1]! * flipX, ys[i - 1]! * flipY, xs[i]! * flipX, ys[i]! * flipY], 4 * edge);
    rows.set([top, bottom], 2 * edge);
  });
  return { values, rows };
}
