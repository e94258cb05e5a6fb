import { Bytes, UNDEFINED } from "./bytes.ts";

/** Where chunks lie, in C order of the grid. */
export interface ChunkTable {
  readonly chunks: readonly number[];
  /** Chunks along each dimension. */
  readonly grid: readonly number[];
  readonly sizes: readonly number[];
  address(chunk: number): number;
}

/** Children of a node: twice the default K of the C library, which the superblock here does not change. */
const FANOUT = 64;

/** A version 1 B-tree over chunks (HDF5 specification III.A.1), all nodes one after the other, the root first. */
export class ChunkTree {
  /** Address of the root. */
  address = 0;
  readonly #table: ChunkTable;
  /** Nodes of each level, leaves first. */
  readonly #levels: readonly number[];
  readonly #keyBytes: number;

  constructor(table: ChunkTable) {
    this.#table = table;
    const levels = [Math.ceil(table.sizes.length / FANOUT)];
    while (levels.at(-1)! > 1) levels.push(Math.ceil(levels.at(-1)! / FANOUT));
    this.#levels = levels;
    this.#keyBytes = 8 + 8 * (table.chunks.length + 1);
  }

  get #nodeBytes(): number {
    return 24 + FANOUT * 8 + (FANOUT + 1) * this.#keyBytes;
  }

  encode(): Uint8Array {
    const out = new Bytes();
    for (let level = this.#levels.length - 1; level >= 0; level--) {
      for (let node = 0; node < this.#levels[level]!; node++) this.#node(out, level, node);
    }
    return out.done();
  }

  #nodeAddress(level: number, node: number): number {
    let before = 0;
    for (let above = this.#levels.length - 1; above > level; above--) before += this.#levels[above]!;
    return this.address + (before + node) * this.#nodeBytes;
  }

  #node(out: Bytes, level: number, node: number): void {
    const start = out.length;
    const children = level === 0 ? this.#table.sizes.length : this.#levels[level - 1]!;
    const first = node * FANOUT;
    const used = Math.min(FANOUT, children - first);
    const sibling = (to: number): number | bigint =>
      to >= 0 && to < this.#levels[level]! ? this.#nodeAddress(level, to) : UNDEFINED;
    out
      .text("TREE")
      .u8(1, level)
      .u16(used)
      .u64(sibling(node - 1))
      .u64(sibling(node + 1));
    // One entry of a node at this level spans so many chunks.
    const span = FANOUT ** level;
    for (let i = 0; i < used; i++) {
      this.#key(out, (first + i) * span);
      out.u64(level === 0 ? this.#table.address(first + i) : this.#nodeAddress(level - 1, first + i));
    }
    this.#key(out, (first + used) * span);
    out.zeros(start + this.#nodeBytes - out.length);
  }

  /** Size, filter mask, and the chunk's first element; behind the last chunk comes the one that the grid lacks. */
  #key(out: Bytes, chunk: number): void {
    const { grid, chunks, sizes } = this.#table;
    out.u32(sizes[chunk] ?? 0).u32(0);
    let rest = Math.min(chunk, sizes.length);
    const index = new Array<number>(grid.length);
    for (let axis = grid.length - 1; axis >= 0; axis--) {
      index[axis] = axis === 0 ? rest : rest % grid[axis]!;
      rest = Math.floor(rest / grid[axis]!);
    }
    for (let axis = 0; axis < grid.length; axis++) out.u64(index[axis]! * chunks[axis]!);
    out.u64(0);
  }
}
