import { doubleAreas, type Rings } from "./rings.ts";
import { SpanCollector, type Spans } from "./spans.ts";
import { touchedPixels } from "./touched.ts";

export interface MaskOptions {
  /** Also pixels that an edge only touches. Default: those whose middle lies inside. */
  readonly allTouched?: boolean;
}

/** Short lists are sorted faster in place than by a call. */
const FEW = 24;

/**
 * The pixels inside of polygons, by rows: even-odd over all rings, as GDAL's polygon fill.
 *
 * Edge rule: a pixel is inside when its middle is. Of middles that lie on an edge exactly, those on a right edge are
 * inside, those on a left edge are not, and those on the upper or lower edge of a ring are (of a ring that crosses
 * itself, of its larger part). That is GDAL's rule for images with north up, and here for those with south up as well.
 * `allTouched` adds all pixels that an edge runs through, but for edges on the grid's lines (to 0.0001 pixels).
 *
 * Rows are asked for in blocks; downwards is fast. Memory is that of the edges and of one block.
 */
export class PolygonMask {
  readonly width: number;
  readonly height: number;
  readonly #allTouched: boolean;
  /** Edges, upper point first, in the order of the first row that they reach. */
  readonly #edges: Edges;
  readonly #flat: readonly FlatEdge[];
  #active: number[] = [];
  #next = 0;
  #row = 0;

  /** `rings` in columns and rows of the image. */
  constructor(rings: Rings, size: { readonly width: number; readonly height: number }, options: MaskOptions = {}) {
    this.width = size.width;
    this.height = size.height;
    this.#allTouched = options.allTouched ?? false;
    this.#edges = edgesOf(rings, size.height, this.#allTouched);
    this.#flat = flatEdges(rings, size.height);
  }

  /** Rows `first` to before `first + count`, all within the image. */
  spans(first: number, count: number): Spans {
    const { active } = this.#reach(first, count);
    const spans = this.#crossings(active, first, count);
    const more = new SpanCollector();
    for (const { row, start, end } of this.#flat) {
      if (row < first || row >= first + count) continue;
      const [from, to] = [Math.max(0, start), Math.min(this.width, end)];
      if (from < to) more.add(row, from, to);
    }
    if (this.#allTouched) {
      const { xs, ys, toXs, toYs } = this.#edges;
      const rows = { first, count, width: this.width, height: this.height };
      for (const i of active) touchedPixels([xs[i]!, ys[i]!, toXs[i]!, toYs[i]!], rows, more);
    }
    return more.isEmpty ? spans : more.union(spans);
  }

  /** The edges that reach into a block of rows. */
  #reach(first: number, count: number): { readonly active: readonly number[] } {
    const { top, bottom } = this.#edges;
    if (first < this.#row) {
      this.#active = [];
      this.#next = 0;
    }
    this.#row = first;
    this.#active = this.#active.filter((i) => bottom[i]! >= first);
    while (this.#next < top.length && top[this.#next]! < first + count) {
      if (bottom[this.#next]! >= first) this.#active.push(this.#next);
      this.#next++;
    }
    return { active: this.#active };
  }

  /** Where edges cross the middles of rows: sorted, every second stretch between them is inside. */
  #crossings(active: readonly number[], first: number, count: number): Spans {
    const { ys, toYs, xs, toXs } = this.#edges;
    const places = new Uint32Array(count + 1);
    const each = (visit: (edge: number, row: number) => void): void => {
      for (const i of active) {
        const end = Math.min(Math.ceil(toYs[i]! - 0.5), first + count);
        for (let row = Math.max(Math.ceil(ys[i]! - 0.5), first); row < end; row++) visit(i, row);
      }
    };
    each((_, row) => {
      places[row - first + 1]!++;
    });
    for (let row = 0; row < count; row++) places[row + 1]! += places[row]!;
    const crossings = new Int32Array(places[count]!);
    const next = places.slice();
    each((i, row) => {
      // In this order of operations: the last bit decides for middles that lie on an edge.
      const x = ((row + 0.5 - ys[i]!) * (toXs[i]! - xs[i]!)) / (toYs[i]! - ys[i]!) + xs[i]!;
      crossings[next[row - first]!++] = Math.min(Math.max(Math.floor(x + 0.5), 0), this.width);
    });
    return paired(crossings, places, first, count);
  }
}

/** Sorts each row and joins its pairs, leaving out those without a pixel. */
function paired(crossings: Int32Array, places: Uint32Array, first: number, count: number): Spans {
  const offsets = new Uint32Array(count + 1);
  let at = 0;
  for (let row = 0; row < count; row++) {
    const [from, to] = [places[row]!, places[row + 1]!];
    sortRow(crossings, from, to);
    const rowStart = at;
    for (let i = from; i + 1 < to; i += 2) {
      const [start, end] = [crossings[i]!, crossings[i + 1]!];
      if (start === end) continue;
      if (at > rowStart && crossings[at - 1] === start) crossings[at - 1] = end;
      else {
        crossings[at++] = start;
        crossings[at++] = end;
      }
    }
    offsets[row + 1] = at;
  }
  return { first, count, offsets, columns: crossings.subarray(0, at) };
}

function sortRow(values: Int32Array, from: number, to: number): void {
  if (to - from > FEW) {
    values.subarray(from, to).sort();
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const value = values[i]!;
    let j = i - 1;
    for (; j >= from && values[j]! > value; j--) values[j + 1] = values[j]!;
    values[j + 1] = value;
  }
}

interface Edges {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  readonly toXs: Float64Array;
  readonly toYs: Float64Array;
  /** First and last row that an edge matters to. */
  readonly top: Int32Array;
  readonly bottom: Int32Array;
}

/** Edges that matter to some row of the image: the rest of a polygon that is larger than it is dropped here. */
function edgesOf({ xs, ys, ends }: Rings, height: number, allTouched: boolean): Edges {
  const kept = new Uint32Array(xs.length);
  const tops = new Int32Array(xs.length);
  const bottoms = new Int32Array(xs.length);
  let count = 0;
  let first = 0;
  for (const end of ends) {
    for (let i = first + 1; i < end; i++) {
      const upper = Math.min(ys[i - 1]!, ys[i]!);
      const lower = Math.max(ys[i - 1]!, ys[i]!);
      const top = allTouched ? Math.floor(upper) : Math.ceil(upper - 0.5);
      const bottom = allTouched ? Math.floor(lower) : Math.ceil(lower - 0.5) - 1;
      if (!(top <= bottom && top < height && bottom >= 0)) continue;
      tops[i] = Math.max(0, top);
      bottoms[i] = Math.min(bottom, height);
      kept[count++] = i;
    }
    first = end;
  }
  const order = kept.subarray(0, count).sort((a, b) => tops[a]! - tops[b]!);
  const edges: Edges = {
    xs: new Float64Array(count),
    ys: new Float64Array(count),
    toXs: new Float64Array(count),
    toYs: new Float64Array(count),
    top: new Int32Array(count),
    bottom: new Int32Array(count),
  };
  for (let n = 0; n < count; n++) {
    const i = order[n]!;
    const [from, to] = ys[i - 1]! < ys[i]! ? [i - 1, i] : [i, i - 1];
    edges.xs[n] = xs[from]!;
    edges.ys[n] = ys[from]!;
    edges.toXs[n] = xs[to]!;
    edges.toYs[n] = ys[to]!;
    edges.top[n] = tops[i]!;
    edges.bottom[n] = bottoms[i]!;
  }
  return edges;
}

interface FlatEdge {
  readonly row: number;
  readonly start: number;
  readonly end: number;
}

/** Horizontal edges on the middle of a row, where they are the lower side of their ring; crossings find the upper ones. */
function flatEdges(rings: Rings, height: number): FlatEdge[] {
  const { xs, ys, ends } = rings;
  const areas = doubleAreas(rings);
  const flat: FlatEdge[] = [];
  let first = 0;
  for (const [ring, end] of ends.entries()) {
    // Rows run downwards: what would be counterclockwise with y upwards is clockwise in the image.
    const isClockwise = areas[ring]! > 0;
    for (let i = first + 1; i < end; i++) {
      const row = Math.floor(ys[i]!);
      if (ys[i] !== ys[i - 1] || ys[i] !== row + 0.5 || row < 0 || row >= height) continue;
      const isBackwards = xs[i - 1]! > xs[i]!;
      if (isBackwards !== isClockwise || xs[i] === xs[i - 1]) continue;
      const [start, stop] = isBackwards ? [xs[i]!, xs[i - 1]!] : [xs[i - 1]!, xs[i]!];
      flat.push({ row, start: Math.floor(start + 0.5), end: Math.floor(stop + 0.5) });
    }
    first = end;
  }
  return flat;
}
