import { readTreeRecords } from "./btree-v2.ts";
import type { Cursor } from "./cursor.ts";
import type { H5File } from "./file.ts";
import { openFractalHeap } from "./fractal-heap.ts";
import { heapName, readLocalHeap } from "./local-heap.ts";
import { type Link, readLink, readLinkInfo } from "./messages/link.ts";
import { findMessage, MESSAGE, type ObjectHeader } from "./object-header.ts";

/** Links that a group may have: beyond this a file is hostile, or for another program. */
const MOST_LINKS = 4_000_000;
const SOFT_LINK = 2;

/** True for the header of a group, old or new. */
export function isGroup(header: ObjectHeader): boolean {
  return header.messages.some(({ type }) => type === MESSAGE.symbolTable || type === MESSAGE.linkInfo);
}

/**
 * All links of a group in the order in which NetCDF lists them: that of creation where it is tracked, else by name
 * (as bytes).
 */
export async function readLinks(file: H5File, header: ObjectHeader): Promise<Link[]> {
  const table = findMessage(header, MESSAGE.symbolTable);
  if (table !== undefined) return byName(await readSymbolTable(file, table.body));
  const links: Link[] = [];
  for (const { type, body } of header.messages) if (type === MESSAGE.link) links.push(readLink(body));
  const message = findMessage(header, MESSAGE.linkInfo);
  if (message === undefined) return byName(links);
  const info = readLinkInfo(message.body);
  if (info.heap !== undefined && info.names !== undefined)
    links.push(...(await readDense(file, info.heap, info.names)));
  return info.tracked ? links.sort((a, b) => (a.order ?? 0) - (b.order ?? 0)) : byName(links);
}

function byName(links: Link[]): Link[] {
  return links.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** III.A.2 records of type 5: hash of the name, heap ID of the link message. */
async function readDense(file: H5File, heapAddress: number, tree: number): Promise<Link[]> {
  const heap = await openFractalHeap(file, heapAddress);
  const ids: Uint8Array[] = [];
  await readTreeRecords(file, tree, [5], (records) => {
    for (let i = 0; i < records.count; i++) ids.push(records.record(i).subarray(4));
  });
  const links: Link[] = [];
  for (const id of ids) links.push(readLink(await heap.object(id)));
  return links;
}

/** III.B, III.C: a version 1 B-tree whose leaves are symbol table nodes, with names in a local heap. */
async function readSymbolTable(file: H5File, message: Cursor): Promise<Link[]> {
  const tree = message.address();
  const heapAddress = message.address();
  if (tree === undefined || heapAddress === undefined) throw message.fail("a symbol table without an address");
  const heap = await readLocalHeap(file, heapAddress);
  const links: Link[] = [];
  for (const node of await readLeaves(file, tree)) {
    const prefix = await file.at(node, 8);
    prefix.expect("SNOD");
    prefix.version(1);
    prefix.skip(1);
    const count = prefix.u16();
    const entry = 2 * file.offsetSize + 24;
    const entries = await file.at(node + 8, count * entry);
    for (let i = 0; i < count; i++) {
      entries.pos = i * entry;
      links.push(readEntry(entries, heap));
    }
    if (links.length > MOST_LINKS) throw prefix.fail("too many links");
  }
  return links;
}

/** III.C Symbol Table Entry. */
function readEntry(cursor: Cursor, heap: Cursor): Link {
  const nameAt = cursor.address() ?? 0;
  const address = cursor.address();
  const cacheType = cursor.u32();
  cursor.skip(4);
  const name = heapName(heap, nameAt);
  if (cacheType === SOFT_LINK) return { name, order: undefined, kind: "soft", path: heapName(heap, cursor.u32()) };
  if (address === undefined) throw cursor.fail(`the link ${name} has no address`);
  return { name, order: undefined, kind: "hard", address };
}

/** III.A.1 Version 1 B-trees, node type 0: addresses of the symbol table nodes below. Levels fall on the way down. */
async function readLeaves(file: H5File, root: number): Promise<number[]> {
  const seen = new Set<number>();
  const prefixSize = 8 + 2 * file.offsetSize;
  let nodes = [root];
  for (let level: number | undefined; ; ) {
    const below: number[] = [];
    let current: number | undefined;
    for (const address of nodes) {
      const prefix = await file.at(address, prefixSize);
      prefix.expect("TREE");
      if (prefix.u8() !== 0) throw prefix.fail("not a B-tree of group links");
      current = prefix.u8();
      if (seen.has(address) || (level !== undefined && current !== level - 1)) {
        throw prefix.fail("the B-tree of a group goes round in circles");
      }
      seen.add(address);
      const count = prefix.u16();
      const children = await file.at(address + prefixSize, count * (file.lengthSize + file.offsetSize));
      for (let i = 0; i < count; i++) {
        children.skip(file.lengthSize);
        const child = children.address();
        if (child === undefined) throw children.fail("a B-tree node without an address");
        below.push(child);
      }
    }
    if (current === undefined || current === 0) return below;
    level = current;
    nodes = below;
  }
}
