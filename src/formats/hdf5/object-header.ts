import { GyreError } from "../../errors.ts";
import { verifyChecksum } from "./checksum.ts";
import type { Cursor } from "./cursor.ts";
import type { H5File } from "./file.ts";

/** IV.A.2 Message types that this reader knows. */
export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  oldFill: 0x04,
  fill: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  sharedTable: 0x0f,
  continuation: 0x10,
  symbolTable: 0x11,
  treeRanks: 0x13,
  attributeInfo: 0x15,
} as const;

export interface Message {
  readonly type: number;
  readonly flags: number;
  /** Creation order among the object's attributes, where it is tracked. */
  readonly order: number | undefined;
  readonly body: Cursor;
}

export interface ObjectHeader {
  readonly address: number;
  readonly messages: readonly Message[];
}

const FAIL_IF_UNKNOWN = 0x80;
const KNOWN_TYPES = 0x18;
/** A header larger than this is no header. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_PARTS = 65_536;

interface Part {
  readonly address: number;
  readonly length: number;
}

/** IV.A Disk Format: Level 2A - Data Object Headers, both versions, with all continuations. */
export async function readObjectHeader(file: H5File, address: number): Promise<ObjectHeader> {
  const prefix = await file.upTo(address, 64);
  const modern = prefix.bytes[0] === 0x4f;
  const messages: Message[] = [];
  const parts: Part[] = [];
  if (modern) await readFirstModern(file, address, prefix, messages);
  else await readFirstOld(file, address, prefix, messages);

  const seen = new Set<number>();
  let bytes = 0;
  for (let scanned = 0; ; ) {
    for (; scanned < messages.length; scanned++) {
      const { type, body } = messages[scanned]!;
      if (type === MESSAGE.continuation) parts.push(readContinuation(body));
    }
    const part = parts.shift();
    if (part === undefined) break;
    bytes += part.length;
    if (seen.has(part.address) || bytes > MOST_BYTES || seen.size > MOST_PARTS) {
      throw prefix.fail("the object header's continuations go round in circles or are too large");
    }
    seen.add(part.address);
    const cursor = await file.at(part.address, part.length);
    if (modern) readModernPart(cursor, trackedOrder(prefix), messages);
    else readOldMessages(cursor, messages);
  }
  for (const { type, flags, body } of messages) {
    if (type >= KNOWN_TYPES && (flags & FAIL_IF_UNKNOWN) !== 0) {
      throw new GyreError("Unsupported", `${file.url}: message of type ${type} at byte ${body.at} must be understood`);
    }
  }
  return { address, messages };
}

/** The object's message of a type, when it has one. */
export function findMessage(header: ObjectHeader, type: number): Message | undefined {
  return header.messages.find((message) => message.type === type);
}

/** IV.A.2.q Object Header Continuation. */
function readContinuation(body: Cursor): Part {
  const address = body.address();
  if (address === undefined) throw body.fail("a continuation without an address");
  return { address, length: body.length() };
}

/** IV.A.1.a Version 1 Data Object Header Prefix. */
async function readFirstOld(file: H5File, address: number, prefix: Cursor, into: Message[]): Promise<void> {
  prefix.version(1);
  prefix.skip(7);
  const length = prefix.u32();
  readOldMessages(await file.at(address + 16, length), into);
}

function readOldMessages(cursor: Cursor, into: Message[]): void {
  while (cursor.left >= 8) {
    const type = cursor.u16();
    const size = cursor.u16();
    const flags = cursor.u8();
    cursor.skip(3);
    into.push({ type, flags, order: undefined, body: cursor.sub(size) });
  }
}

/** IV.A.1.b Version 2 Data Object Header Prefix: bit 2 of the flags says that messages carry their creation order. */
function trackedOrder(prefix: Cursor): boolean {
  return (prefix.bytes[5]! & 0x04) !== 0;
}

async function readFirstModern(file: H5File, address: number, prefix: Cursor, into: Message[]): Promise<void> {
  prefix.expect("OHDR");
  prefix.version(2);
  const flags = prefix.u8();
  if (flags & 0x20) prefix.skip(16);
  if (flags & 0x10) prefix.skip(4);
  const length = prefix.uint(1 << (flags & 0x03));
  const start = prefix.pos;
  const cursor = await file.at(address, start + length + 4);
  cursor.pos = start;
  readModernMessages(cursor, start + length, (flags & 0x04) !== 0, into);
  cursor.pos = start + length;
  verifyChecksum(cursor);
}

function readModernPart(cursor: Cursor, ordered: boolean, into: Message[]): void {
  cursor.expect("OCHK");
  const end = cursor.bytes.byteLength - 4;
  readModernMessages(cursor, end, ordered, into);
  cursor.pos = end;
  verifyChecksum(cursor);
}

/** What is left before `end` is smaller than a message: a gap. */
function readModernMessages(cursor: Cursor, end: number, ordered: boolean, into: Message[]): void {
  const prefix = ordered ? 6 : 4;
  while (end - cursor.pos >= prefix) {
    const type = cursor.u8();
    const size = cursor.u16();
    const flags = cursor.u8();
    const order = ordered ? cursor.u16() : undefined;
    if (size > end - cursor.pos) throw cursor.fail("a message is longer than its object header");
    into.push({ type, flags, order, body: cursor.sub(size) });
  }
}
