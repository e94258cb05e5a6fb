import type { Cursor } from "../cursor.ts";
import type { H5File } from "../file.ts";
import type { Grid } from "./grid.ts";
import { type Places, PlacesBuilder } from "./places.ts";

/** Behind the signature and the type of the node. */
const LEVEL_AT = 5;

/**
 * III.A.1 Version 1 B-trees, node type 1. A key holds the chunk's size, filter mask and offset in elements, with one
 * dimension more for the element itself. Levels fall by one on the way down and no node is read twice, so this ends.
 */
export async function readTree1(file: H5File, root: number, grid: Grid): Promise<Places> {
  const places = new PlacesBuilder();
  const { keySize, entrySize, prefixSize, nodeSize } = sizesOf(file, grid);
  const seen = new Set<number>();
  let nodes = [root];
  for (let level: number | undefined; nodes.length > 0; ) {
    const below: number[] = [];
    let current = 0;
    for await (const batch of file.each(nodes.map((address) => ({ address, length: nodeSize })))) {
      for (const [, node] of batch) {
        node.expect("TREE");
        if (node.u8() !== 1) throw node.fail("not a B-tree of chunks");
        current = node.u8();
        if (seen.has(node.at) || (level !== undefined && current !== level - 1)) {
          throw node.fail("the B-tree of a dataset goes round in circles");
        }
        seen.add(node.at);
        const count = node.u16();
        node.pos = prefixSize;
        node.skip(count * entrySize);
        if (current > 0) readChildren(node, prefixSize + keySize, entrySize, count, below);
        else readLeaf(file, node, prefixSize, entrySize, count, grid, places);
      }
    }
    level = current;
    nodes = below;
  }
  return places.finish(grid.cells);
}

/** Whether the tree is one node that needs no request. */
export async function isLeafAtHand(file: H5File, root: number, grid: Grid): Promise<boolean> {
  if (!file.has(root, sizesOf(file, grid).nodeSize)) return false;
  const node = await file.upTo(root, LEVEL_AT + 1);
  return node.bytes[LEVEL_AT] === 0;
}

interface Sizes {
  readonly keySize: number;
  readonly entrySize: number;
  readonly prefixSize: number;
  readonly nodeSize: number;
}

function sizesOf({ offsetSize, superblock }: H5File, { rank }: Grid): Sizes {
  const keySize = 8 + 8 * (rank + 1);
  const entrySize = keySize + offsetSize;
  const prefixSize = 8 + 2 * offsetSize;
  return { keySize, entrySize, prefixSize, nodeSize: prefixSize + 2 * superblock.chunkTreeRank * entrySize + keySize };
}

function readChildren(node: Cursor, start: number, entrySize: number, count: number, into: number[]): void {
  for (let i = 0; i < count; i++) {
    node.pos = start + i * entrySize;
    const child = node.address();
    if (child === undefined) throw node.fail("a B-tree node without an address");
    into.push(child);
  }
}

function readLeaf(
  file: H5File,
  node: Cursor,
  start: number,
  entrySize: number,
  count: number,
  grid: Grid,
  into: PlacesBuilder,
): void {
  const view = new DataView(node.bytes.buffer, node.bytes.byteOffset, node.bytes.byteLength);
  const { rank, chunk, counts, strides } = grid;
  for (let i = 0; i < count; i++) {
    const at = start + i * entrySize;
    let cell = 0;
    for (let d = 0; d < rank; d++) {
      const low = view.getUint32(at + 8 + 8 * d, true);
      const high = view.getUint32(at + 12 + 8 * d, true);
      const index = (low + high * 2 ** 32) / chunk[d]!;
      if (!Number.isInteger(index)) {
        node.pos = at;
        throw node.fail("a chunk that begins between chunks");
      }
      // Chunks outside the present shape were cut off; they are no part of it.
      cell = index < counts[d]! && cell >= 0 ? cell + index * strides[d]! : -1;
    }
    if (cell < 0) continue;
    node.pos = at + entrySize - file.offsetSize;
    const address = node.address();
    if (address === undefined) continue;
    into.add(cell, file.offset(address), view.getUint32(at, true), view.getUint32(at + 4, true));
  }
}
