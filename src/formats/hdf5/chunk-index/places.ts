/** Where a chunk is stored. */
export interface Place {
  /** Offset in the file. */
  readonly offset: number;
  readonly length: number;
  /** Filters that were skipped: bit `i` for the `i`-th. */
  readonly mask: number;
}

/** Places of all chunks of a dataset by their cell, the row-major number in its chunk grid. */
export interface Places {
  /** Ascending cells of the entries; undefined: entry `i` is cell `i`. */
  readonly cells: Float64Array | undefined;
  /** -1: not written. */
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array | Float64Array;
  /** Undefined: no filter was ever skipped. */
  readonly masks: Uint32Array | undefined;
}

/** Grids up to this many cells are stored in full even when they are mostly empty. */
const SMALL_GRID = 1024;

/** Gathers places in any order. Typed arrays throughout: a million chunks are 20 MB on the way, 12 MB in the end. */
export class PlacesBuilder {
  #cells: Float64Array;
  #offsets: Float64Array;
  #lengths: Uint32Array | Float64Array;
  #masks: Uint32Array | undefined;
  #count = 0;
  #ascending = true;

  constructor(capacity = 64) {
    this.#cells = new Float64Array(capacity);
    this.#offsets = new Float64Array(capacity);
    this.#lengths = new Uint32Array(capacity);
  }

  add(cell: number, offset: number, length: number, mask: number): void {
    const i = this.#count;
    if (i === this.#cells.length) this.#grow();
    if (i > 0 && this.#cells[i - 1]! >= cell) this.#ascending = false;
    if (length > 0xffffffff && this.#lengths instanceof Uint32Array) this.#lengths = Float64Array.from(this.#lengths);
    if (mask !== 0) (this.#masks ??= new Uint32Array(this.#cells.length))[i] = mask;
    this.#cells[i] = cell;
    this.#offsets[i] = offset;
    this.#lengths[i] = length;
    this.#count = i + 1;
  }

  /** Where two entries have one cell the later one counts. */
  finish(gridCells: number): Places {
    const count = this.#count;
    const cells = this.#cells.subarray(0, count);
    if (gridCells <= Math.max(SMALL_GRID, 2 * count)) return this.#dense(cells, gridCells);
    if (this.#ascending) return this.#picked(cells.slice(), undefined);
    const order = new Uint32Array(count).map((_, i) => i).sort((a, b) => cells[a]! - cells[b]!);
    return this.#picked(
      Float64Array.from(order, (i) => cells[i]!),
      order,
    );
  }

  #dense(cells: Float64Array, gridCells: number): Places {
    const offsets = new Float64Array(gridCells).fill(-1);
    const lengths = this.#lengths instanceof Uint32Array ? new Uint32Array(gridCells) : new Float64Array(gridCells);
    const masks = this.#masks && new Uint32Array(gridCells);
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]!;
      offsets[cell] = this.#offsets[i]!;
      lengths[cell] = this.#lengths[i]!;
      if (masks !== undefined) masks[cell] = this.#masks![i]!;
    }
    return { cells: undefined, offsets, lengths, masks };
  }

  #picked(cells: Float64Array, order: Uint32Array | undefined): Places {
    const count = this.#count;
    const pick = <T extends Float64Array | Uint32Array>(from: T): T => {
      const out = from.slice(0, count) as T;
      if (order !== undefined) for (let i = 0; i < count; i++) out[i] = from[order[i]!]!;
      return out;
    };
    const masks = this.#masks && pick(this.#masks);
    return { cells, offsets: pick(this.#offsets), lengths: pick(this.#lengths), masks };
  }

  #grow(): void {
    const capacity = this.#cells.length * 2;
    const grown = <T extends Float64Array | Uint32Array>(from: T, into: T): T => {
      into.set(from);
      return into;
    };
    this.#cells = grown(this.#cells, new Float64Array(capacity));
    this.#offsets = grown(this.#offsets, new Float64Array(capacity));
    this.#lengths =
      this.#lengths instanceof Uint32Array
        ? grown(this.#lengths, new Uint32Array(capacity))
        : grown(this.#lengths, new Float64Array(capacity));
    if (this.#masks !== undefined) this.#masks = grown(this.#masks, new Uint32Array(capacity));
  }
}

/** The place of a cell; undefined: not written. */
export function findPlace(places: Places, cell: number): Place | undefined {
  const i = places.cells === undefined ? cell : search(places.cells, cell);
  const offset = places.offsets[i] ?? -1;
  return offset < 0 ? undefined : { offset, length: places.lengths[i]!, mask: places.masks?.[i] ?? 0 };
}

function search(cells: Float64Array, cell: number): number {
  let low = 0;
  let high = cells.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (cells[middle]! < cell) low = middle + 1;
    else if (cells[middle]! > cell) high = middle - 1;
    else return middle;
  }
  return -1;
}
