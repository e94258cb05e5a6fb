/** Runs of pixels in some rows of an image: within a row in order, neither meeting nor overlapping. */
export interface Spans {
  /** The first row, and how many. */
  readonly first: number;
  readonly count: number;
  /** `count + 1` entries: where the pairs of each row begin in `columns`. */
  readonly offsets: Uint32Array;
  /** First column of a run, and the one behind its last. */
  readonly columns: Int32Array;
}

/** Pairs of columns in any order and number, by row; becomes `Spans`. */
export class SpanCollector {
  #rows = new Int32Array(256);
  #pairs = new Int32Array(512);
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(row: number, start: number, end: number): void {
    const last = this.#length - 1;
    if (last >= 0 && this.#rows[last] === row && this.#pairs[2 * last + 1] === start) {
      this.#pairs[2 * last + 1] = end;
      return;
    }
    if (this.#length === this.#rows.length) {
      this.#rows = grown(this.#rows);
      this.#pairs = grown(this.#pairs);
    }
    this.#rows[this.#length] = row;
    this.#pairs[2 * this.#length] = start;
    this.#pairs[2 * this.#length + 1] = end;
    this.#length++;
  }

  /** The union with other runs of the same rows. */
  union({ first, count, offsets, columns }: Spans): Spans {
    const starts = new Uint32Array(count + 1);
    for (let i = 0; i < this.#length; i++) starts[this.#rows[i]! - first + 1]! += 2;
    for (let row = 0; row < count; row++) starts[row + 1]! += starts[row]!;
    const own = new Int32Array(this.#length * 2);
    const next = starts.slice();
    for (let i = 0; i < this.#length; i++) {
      const row = this.#rows[i]! - first;
      own[next[row]!] = this.#pairs[2 * i]!;
      own[next[row]! + 1] = this.#pairs[2 * i + 1]!;
      next[row]! += 2;
    }
    const merged = new Int32Array(columns.length + own.length);
    const ends = new Uint32Array(count + 1);
    let at = 0;
    for (let row = 0; row < count; row++) {
      const mine = own.subarray(starts[row], starts[row + 1]);
      at = mergeRow(merged, at, columns.subarray(offsets[row], offsets[row + 1]), mine);
      ends[row + 1] = at;
    }
    return { first, count, offsets: ends, columns: merged.subarray(0, at) };
  }
}

function grown(values: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(values.length * 2);
  larger.set(values);
  return larger;
}

/** Writes the union of the pairs of a row; answers where it ends. */
function mergeRow(into: Int32Array, from: number, sorted: Int32Array, others: Int32Array): number {
  const pairs: [number, number][] = [];
  for (const list of [sorted, others]) {
    for (let i = 0; i < list.length; i += 2) pairs.push([list[i]!, list[i + 1]!]);
  }
  pairs.sort((a, b) => a[0] - b[0]);
  let at = from;
  for (const [start, end] of pairs) {
    if (at > from && start <= into[at - 1]!) into[at - 1] = Math.max(into[at - 1]!, end);
    else {
      into[at++] = start;
      into[at++] = end;
    }
  }
  return at;
}

/** Pixels in all runs. */
export function spanArea({ columns }: Spans): number {
  let area = 0;
  for (let i = 0; i < columns.length; i += 2) area += columns[i + 1]! - columns[i]!;
  return area;
}

/** Whether any run meets the rows `top` to before `bottom` and the columns `start` to before `end`. */
export function meetsCells(
  { first, count, offsets, columns }: Spans,
  top: number,
  bottom: number,
  start: number,
  end: number,
): boolean {
  const from = offsets[Math.max(top - first, 0)]!;
  const to = offsets[Math.min(bottom - first, count)]!;
  for (let i = from; i < to; i += 2) if (columns[i]! < end && columns[i + 1]! > start) return true;
  return false;
}
