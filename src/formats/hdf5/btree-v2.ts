import { badSource } from "../../errors.ts";
import { verifyChecksum } from "./checksum.ts";
import type { Cursor } from "./cursor.ts";
import type { H5File, Placed } from "./file.ts";

/** The records of one node. */
export interface TreeRecords {
  /** Type of the tree (III.A.2 lists them). */
  readonly type: number;
  readonly count: number;
  readonly recordSize: number;
  /** All records, one after the other. */
  readonly bytes: Uint8Array;
  /** Offset in the file of the first one. */
  readonly at: number;
  record(i: number): Uint8Array;
}

interface Tree {
  readonly type: number;
  readonly nodeSize: number;
  readonly recordSize: number;
  readonly depth: number;
  readonly root: number | undefined;
  readonly rootRecords: number;
  readonly levels: readonly Level[];
}

/** What follows from the node size for nodes of one level, leaves being level 0. */
interface Level {
  readonly most: number;
  /** Bytes of the child's own record count, and of the count below it, in a pointer to such a node. */
  readonly countBytes: number;
  readonly totalBytes: number;
}

interface Node {
  readonly address: number;
  readonly records: number;
}

/** Signature, version, type and checksum around every node's records. */
const NODE_OVERHEAD = 10;
const CHECKSUM = 4;
const MOST_DEPTH = 32;

/**
 * III.A.2 Version 2 B-trees: hands over the records of every node, level by level (so not in key order). Each node is
 * read once, whatever points to it.
 */
export async function readTreeRecords(
  file: H5File,
  address: number,
  types: readonly number[],
  visit: (records: TreeRecords) => void,
): Promise<void> {
  const tree = await readTree(file, address);
  if (!types.includes(tree.type)) {
    throw badSource(file.url, file.offset(address), `B-tree of type ${tree.type}, expected ${types.join(" or ")}`);
  }
  if (tree.root === undefined || tree.rootRecords === 0) return;
  const seen = new Set<number>();
  let nodes: Node[] = [{ address: tree.root, records: tree.rootRecords }];
  for (let depth = tree.depth; depth >= 0; depth--) {
    const below: Node[] = [];
    const places = nodes.map((node) => placeOf(file, tree, depth, node, seen));
    for await (const batch of nodesAt(file, places)) {
      for (const [{ records }, cursor] of batch) {
        checkNode(tree, depth, cursor);
        visit(recordsOf(tree, cursor, records));
        if (depth > 0) readChildren(tree, depth, cursor, records, below);
      }
    }
    nodes = below;
  }
}

async function readTree(file: H5File, address: number): Promise<Tree> {
  const cursor = await file.at(address, 22 + file.offsetSize + file.lengthSize);
  cursor.expect("BTHD");
  cursor.version(0);
  const type = cursor.u8();
  const nodeSize = cursor.u32();
  const recordSize = cursor.u16();
  const depth = cursor.u16();
  cursor.u16();
  const root = cursor.address();
  const rootRecords = cursor.u16();
  cursor.length();
  verifyChecksum(cursor);
  if (recordSize === 0 || nodeSize < NODE_OVERHEAD + recordSize || depth > MOST_DEPTH) {
    throw cursor.fail(`a B-tree of depth ${depth} with records of ${recordSize} in nodes of ${nodeSize} bytes`);
  }
  return {
    type,
    nodeSize,
    recordSize,
    depth,
    root,
    rootRecords,
    levels: levelsOf(file.offsetSize, nodeSize, recordSize, depth),
  };
}

function levelsOf(offsetSize: number, nodeSize: number, recordSize: number, depth: number): Level[] {
  const leaf = Math.floor((nodeSize - NODE_OVERHEAD) / recordSize);
  const countBytes = byteLength(leaf);
  const levels: Level[] = [{ most: leaf, countBytes, totalBytes: 0 }];
  let total = leaf;
  for (let level = 1; level <= depth; level++) {
    const pointer = offsetSize + countBytes + levels[level - 1]!.totalBytes;
    const most = Math.max(0, Math.floor((nodeSize - NODE_OVERHEAD - pointer) / (recordSize + pointer)));
    total = (most + 1) * total + most;
    levels.push({ most, countBytes, totalBytes: byteLength(total) });
  }
  return levels;
}

function byteLength(limit: number): number {
  return Math.floor(Math.log2(Math.max(limit, 1)) / 8) + 1;
}

/** The only node of most trees lies beside what it is an index of, which shares its page. */
async function* nodesAt<T extends Placed>(
  file: H5File,
  places: readonly T[],
): AsyncGenerator<(readonly [T, Cursor])[]> {
  const [first] = places;
  if (places.length === 1) yield [[first!, await file.at(first!.address, first!.length)]];
  else yield* file.each(places);
}

function placeOf(file: H5File, tree: Tree, depth: number, node: Node, seen: Set<number>): Node & Placed {
  const { address, records } = node;
  const level = tree.levels[depth]!;
  if (seen.has(address)) throw badSource(file.url, file.offset(address), "two places of a B-tree lead to this node");
  if (records > level.most) throw badSource(file.url, file.offset(address), `${records} records in a B-tree node`);
  seen.add(address);
  const pointers = depth > 0 ? (records + 1) * pointerSize(file, tree, depth) : 0;
  return { address, records, length: NODE_OVERHEAD + records * tree.recordSize + pointers };
}

/** Leaves the cursor at the node's records. */
function checkNode(tree: Tree, depth: number, cursor: Cursor): void {
  cursor.expect(depth > 0 ? "BTIN" : "BTLF");
  cursor.version(0);
  if (cursor.u8() !== tree.type) throw cursor.fail("a node of another type of B-tree");
  const start = cursor.pos;
  cursor.pos = cursor.bytes.byteLength - CHECKSUM;
  verifyChecksum(cursor);
  cursor.pos = start;
}

function pointerSize(file: H5File, tree: Tree, depth: number): number {
  const below = tree.levels[depth - 1]!;
  return file.offsetSize + below.countBytes + below.totalBytes;
}

function recordsOf(tree: Tree, cursor: Cursor, count: number): TreeRecords {
  const { type, recordSize } = tree;
  const at = cursor.at + cursor.pos;
  const bytes = cursor.take(count * recordSize);
  return { type, count, recordSize, bytes, at, record: (i) => bytes.subarray(i * recordSize, (i + 1) * recordSize) };
}

function readChildren(tree: Tree, depth: number, cursor: Cursor, records: number, into: Node[]): void {
  const below = tree.levels[depth - 1]!;
  for (let i = 0; i <= records; i++) {
    const address = cursor.address();
    const count = cursor.uint(below.countBytes);
    cursor.skip(below.totalBytes);
    if (address === undefined) throw cursor.fail("a B-tree node without an address");
    into.push({ address, records: count });
  }
}
