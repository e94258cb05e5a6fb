import { decodeText } from "../text.ts";
import { readTreeRecords } from "./btree-v2.ts";
import type { Cursor } from "./cursor.ts";
import type { H5File } from "./file.ts";
import { openFractalHeap } from "./fractal-heap.ts";
import { type Dataspace, readDataspace } from "./messages/dataspace.ts";
import { type Datatype, readDatatype } from "./messages/datatype.ts";
import { findMessage, MESSAGE, type ObjectHeader } from "./object-header.ts";
import { resolveMessage, resolveShared, sharedHeap } from "./shared-message.ts";

/** An attribute as it is stored. */
export interface StoredAttribute {
  readonly name: string;
  readonly space: Dataspace;
  readonly type: Datatype;
  /** Elements one after the other. */
  readonly data: Uint8Array;
}

interface Ordered {
  readonly attribute: StoredAttribute;
  readonly order: number | undefined;
}

const SHARED = 0x02;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Attributes of an object, in order of creation where that is tracked. One that cannot be read is left out and given
 * to `broken`.
 */
export async function readAttributes(
  file: H5File,
  header: ObjectHeader,
  broken: (error: unknown) => void,
): Promise<StoredAttribute[]> {
  const found: Ordered[] = [];
  for (const message of header.messages) {
    if (message.type !== MESSAGE.attribute) continue;
    try {
      const body = await resolveMessage(file, message);
      found.push({ attribute: await readAttribute(file, body), order: message.order });
    } catch (error) {
      broken(error);
    }
  }
  const info = findMessage(header, MESSAGE.attributeInfo);
  if (info !== undefined) await readDense(file, info.body, found, broken);
  if (found.every(({ order }) => order !== undefined)) found.sort((a, b) => a.order! - b.order!);
  return found.map(({ attribute }) => attribute);
}

/** IV.A.2.v Attribute Info, and III.A.2 records of type 8: heap ID, message flags, creation order, hash of the name. */
async function readDense(file: H5File, info: Cursor, into: Ordered[], broken: (error: unknown) => void): Promise<void> {
  info.pos = 0;
  info.version(0);
  const flags = info.u8();
  if (flags & 0x01) info.skip(2);
  const heapAddress = info.address();
  const tree = info.address();
  if (heapAddress === undefined || tree === undefined) return;
  const heap = await openFractalHeap(file, heapAddress);
  const records: { id: Uint8Array; shared: boolean; order: number }[] = [];
  await readTreeRecords(file, tree, [8], (nodes) => {
    const view = new DataView(nodes.bytes.buffer, nodes.bytes.byteOffset, nodes.bytes.byteLength);
    for (let i = 0; i < nodes.count; i++) {
      const record = nodes.record(i);
      const shared = (record[8]! & SHARED) !== 0;
      records.push({ id: record.subarray(0, 8), shared, order: view.getUint32(i * nodes.recordSize + 9, true) });
    }
  });
  for (const { id, shared, order } of records) {
    try {
      const body = await (shared ? await sharedHeap(file, MESSAGE.attribute) : heap).object(id);
      into.push({ attribute: await readAttribute(file, body), order: flags & 0x01 ? order : undefined });
    } catch (error) {
      broken(error);
    }
  }
  if ((flags & 0x01) === 0) into.sort((a, b) => (a.attribute.name < b.attribute.name ? -1 : 1));
}

/** IV.A.2.m Attribute. */
async function readAttribute(file: H5File, cursor: Cursor): Promise<StoredAttribute> {
  const version = cursor.version(1, 2, 3);
  const flags = cursor.u8();
  const nameLength = cursor.u16();
  const typeLength = cursor.u16();
  const spaceLength = cursor.u16();
  if (version === 3) cursor.skip(1);
  const padded = (n: number): number => (version === 1 ? Math.ceil(n / 8) * 8 : n);
  const nameBytes = cursor.take(padded(nameLength)).subarray(0, nameLength);
  const end = nameBytes.indexOf(0);
  const name = decodeText(end < 0 ? nameBytes : nameBytes.subarray(0, end));
  const typeBody = cursor.sub(padded(typeLength));
  const spaceBody = cursor.sub(padded(spaceLength));
  const sharedType = version > 1 && (flags & 0x01) !== 0;
  const sharedSpace = version > 1 && (flags & 0x02) !== 0;
  const type = readDatatype(await resolveShared(file, MESSAGE.datatype, sharedType, typeBody));
  const space = readDataspace(await resolveShared(file, MESSAGE.dataspace, sharedSpace, spaceBody));
  const count = space.kind === "null" ? 0 : space.shape.reduce((n, size) => n * size, 1);
  if (count * type.size > MOST_BYTES) throw cursor.fail(`the attribute ${name} has ${count} elements`);
  return { name, space, type, data: cursor.take(count * type.size) };
}
