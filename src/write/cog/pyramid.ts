import { allocate, type DType, entriesPerElement, type TypedArray } from "../../core/dtype.ts";
import { inOrder } from "../in-order.ts";
import { halved, type Resampling } from "./reduce.ts";
import type { Scratch } from "./scratch.ts";

/** Encodes one tile of `(rows, columns, bands)` values. */
export type EncodeTile = (tile: TypedArray) => Promise<Uint8Array>;

export interface PyramidOptions {
  readonly dtype: DType;
  readonly bands: number;
  readonly tile: number;
  readonly resampling: Resampling;
  readonly nodata: number | undefined;
  /** Fills tiles beyond the image's edge. */
  readonly padding: number | bigint;
  readonly encode: EncodeTile;
}

/** One resolution on its way to the file: a row of tiles in memory, finished tiles in `scratch`. */
export interface Level {
  readonly width: number;
  readonly height: number;
  /** Bytes of each encoded tile, in row-major order. */
  readonly sizes: number[];
  readonly scratch: Scratch;
}

const TILES_IN_FLIGHT = 8;
/** Bytes around each tile: its size before it, its last four bytes again behind it. */
export const LEADER = 4;
export const TRAILER = 4;

/** Sizes of all resolutions: halves, until one fits into a tile. */
export function levelSizes(width: number, height: number, tile: number): { width: number; height: number }[] {
  const sizes = [{ width, height }];
  for (let w = width, h = height; w > tile || h > tile; ) {
    w = Math.ceil(w / 2);
    h = Math.ceil(h / 2);
    sizes.push({ width: w, height: h });
  }
  return sizes;
}

/**
 * Takes the rows of the finest level and makes the tiles of all levels in one pass: each full row of tiles is encoded
 * and, halved, handed to the next level. Memory is one row of tiles per level.
 */
export class Pyramid {
  readonly #options: PyramidOptions;
  readonly #level: Level;
  readonly #coarser: Pyramid | undefined;
  readonly #planes: TypedArray[];
  #filled = 0;
  #done = 0;

  constructor(levels: readonly Level[], options: PyramidOptions) {
    const [level, ...coarser] = levels as [Level, ...Level[]];
    this.#options = options;
    this.#level = level;
    this.#coarser = coarser.length === 0 ? undefined : new Pyramid(coarser, options);
    const count = level.width * options.tile;
    this.#planes = Array.from({ length: options.bands }, () => allocate(options.dtype, count) as TypedArray);
  }

  /** Adds `rows` rows, one plane per band; never beyond a row of tiles that is begun. */
  async push(planes: readonly TypedArray[], rows: number): Promise<void> {
    const { dtype, tile } = this.#options;
    const rowLength = this.#level.width * entriesPerElement(dtype);
    for (const [band, plane] of planes.entries()) {
      (this.#planes[band]! as Float64Array).set(
        plane.subarray(0, rows * rowLength) as Float64Array,
        this.#filled * rowLength,
      );
    }
    this.#filled += rows;
    this.#done += rows;
    if (this.#filled === tile || this.#done === this.#level.height) await this.#flush();
  }

  async #flush(): Promise<void> {
    const rows = this.#filled;
    this.#filled = 0;
    const { resampling, nodata, dtype } = this.#options;
    const { width } = this.#level;
    await this.#encodeTiles(rows);
    if (this.#coarser === undefined) return;
    const entries = entriesPerElement(dtype);
    const reduced = this.#planes.map((values) => halved({ values, width, rows }, resampling, nodata, entries).values);
    await this.#coarser.push(reduced, Math.ceil(rows / 2));
  }

  async #encodeTiles(rows: number): Promise<void> {
    for await (const bytes of inOrder(this.#tiles(rows), TILES_IN_FLIGHT, this.#options.encode))
      await this.#append(bytes);
  }

  async *#tiles(rows: number): AsyncGenerator<TypedArray> {
    for (let left = 0; left < this.#level.width; left += this.#options.tile) yield this.#cut(left, rows);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const framed = new Uint8Array(LEADER + bytes.byteLength + TRAILER);
    new DataView(framed.buffer).setUint32(0, bytes.byteLength, true);
    framed.set(bytes, LEADER);
    framed.set(bytes.subarray(Math.max(0, bytes.byteLength - TRAILER)), LEADER + bytes.byteLength);
    this.#level.sizes.push(bytes.byteLength);
    await this.#level.scratch.append(framed);
  }

  /** A whole tile with its bands side by side; what lies beyond the image is padding. */
  #cut(left: number, rows: number): TypedArray {
    const { dtype, bands, tile, padding } = this.#options;
    const entries = entriesPerElement(dtype);
    const columns = Math.min(tile, this.#level.width - left);
    const out = allocate(dtype, tile * tile * bands) as TypedArray;
    if (columns < tile || rows < tile) (out as Float64Array).fill(padding as number);
    const step = bands * entries;
    for (const [band, plane] of this.#planes.entries()) {
      for (let row = 0; row < rows; row++) {
        let to = (row * tile * bands + band) * entries;
        let from = (row * this.#level.width + left) * entries;
        if (step === 1) {
          (out as Float64Array).set(plane.subarray(from, from + columns) as Float64Array, to);
          continue;
        }
        for (let column = 0; column < columns; column++, to += step) {
          for (let entry = 0; entry < entries; entry++) out[to + entry] = plane[from++]!;
        }
      }
    }
    return out;
  }
}
