import { lookup3 } from "../../codecs/jenkins_lookup3.ts";
import { GyreError } from "../../errors.ts";
import { Bytes, UNDEFINED } from "./bytes.ts";
import type { Datatype } from "./datatype.ts";

/** One message of an object header: type number and body. */
export interface Message {
  readonly type: number;
  readonly body: Uint8Array;
  /** 1: the value never changes once it is written (datatypes, fill values). */
  readonly flags?: number;
}

/** Bytes of the superblock; the first object follows it. */
export const SUPERBLOCK_BYTES = 48;

/** Superblock version 2 (specification II.B): 8-byte offsets and lengths, and a checksum. */
export function superblock(rootGroup: number, endOfFile: number): Uint8Array {
  const out = new Bytes().u8(0x89).text("HDF\r\n").u8(0x1a, 0x0a, 2, 8, 8, 0);
  out.u64(0).u64(UNDEFINED).u64(endOfFile).u64(rootGroup);
  return out.u32(lookup3(out.done())).done();
}

const MAX_MESSAGE = 0xffff;
const ATTRIBUTE = 0x0c;
const LINK = 0x06;

/** Object header version 2 (IV.A.1.b), in one piece; attributes keep the order in which they stand here. */
export function objectHeader(name: string, messages: readonly Message[]): Uint8Array {
  const body = new Bytes();
  let order = 0;
  for (const { type, body: content, flags = 0 } of messages) {
    if (content.length > MAX_MESSAGE) {
      throw new GyreError(
        "Unsupported",
        `${name}: an attribute of ${content.length} bytes is more than HDF5 keeps inline`,
      );
    }
    const position = type === ATTRIBUTE ? order++ : 0;
    body.u8(type).u16(content.length).u8(flags).u16(position).bytes(content);
  }
  // Flags: a 4-byte size, and the creation order of attributes in every message.
  const out = new Bytes().text("OHDR").u8(2, 0b110).u32(body.length).bytes(body.done());
  return out.u32(lookup3(out.done())).done();
}

/** The message that tells of tracked creation order; no index, for all attributes are in the header. */
export function attributeInfo(count: number): Message {
  return { type: 0x15, body: new Bytes().u8(0, 1).u16(count).u64(UNDEFINED).u64(UNDEFINED).done(), flags: 4 };
}

/** Link info and group info of a group whose links are in its header, in creation order. */
export function groupInfo(links: number): Message[] {
  return [
    { type: 0x02, body: new Bytes().u8(0, 1).u64(links).u64(UNDEFINED).u64(UNDEFINED).done() },
    { type: 0x0a, body: new Bytes().u8(0, 0).done(), flags: 1 },
  ];
}

/** A hard link (IV.A.2.g). */
export function link(name: string, order: number, address: number): Message {
  const text = new TextEncoder().encode(name);
  // A 2-byte name length, creation order, character set UTF-8.
  const body = new Bytes().u8(1, 0b1_0101).u64(order).u8(1).u16(text.length).bytes(text).u64(address);
  return { type: LINK, body: body.done() };
}

/** A simple dataspace; rank 0 is a scalar. `unlimited` marks dimensions that may grow. */
export function dataspace(shape: readonly number[], unlimited: readonly boolean[] = []): Uint8Array {
  const grows = unlimited.includes(true);
  const out = new Bytes().u8(2, shape.length, grows ? 1 : 0, shape.length === 0 ? 0 : 1);
  for (const n of shape) out.u64(n);
  for (let i = 0; grows && i < shape.length; i++) out.u64(unlimited[i] ? UNDEFINED : shape[i]!);
  return out.done();
}

/** The dataspace of an attribute without a value. */
export function nullDataspace(): Uint8Array {
  return new Bytes().u8(2, 0, 0, 2).done();
}

export function dataspaceMessage(shape: readonly number[], unlimited: readonly boolean[]): Message {
  return { type: 0x01, body: dataspace(shape, unlimited) };
}

export function datatypeMessage(type: Datatype): Message {
  return { type: 0x03, body: type.message, flags: 1 };
}

/** Fill value version 3; without a value HDF5 reads zeros. `chunked` storage is allocated piece by piece. */
export function fillMessage(value: Uint8Array | undefined, chunked: boolean): Message {
  const allocation = chunked ? 3 : 2;
  const writeIfSet = 2 << 2;
  const out = new Bytes().u8(3, allocation | writeIfSet | (value === undefined ? 0 : 0x20));
  if (value !== undefined) out.u32(value.length).bytes(value);
  return { type: 0x05, body: out.done(), flags: 1 };
}

export function contiguousLayout(address: number | undefined, size: number): Message {
  return {
    type: 0x08,
    body: new Bytes()
      .u8(3, 1)
      .u64(address ?? UNDEFINED)
      .u64(size)
      .done(),
  };
}

/** Layout version 3, chunks indexed by a version 1 B-tree: every HDF5 since 1.6 reads it. */
export function chunkedLayout(tree: number | undefined, chunks: readonly number[], elementSize: number): Message {
  const out = new Bytes().u8(3, 2, chunks.length + 1).u64(tree ?? UNDEFINED);
  for (const n of [...chunks, elementSize]) out.u32(n);
  return { type: 0x08, body: out.done() };
}

/** An HDF5 filter with its client data. */
export interface Filter {
  readonly id: number;
  readonly name: string;
  readonly values: readonly number[];
}

/** Filter pipeline version 2; registered filters (256 and above) carry their names. */
export function filterMessage(filters: readonly Filter[]): Message {
  const out = new Bytes().u8(2, filters.length);
  for (const { id, name, values } of filters) {
    out.u16(id);
    if (id >= 256) out.u16(name.length + 1);
    out.u16(0).u16(values.length);
    if (id >= 256) out.text(name).u8(0);
    for (const value of values) out.u32(value);
  }
  return { type: 0x0b, body: out.done(), flags: 1 };
}

/** Attribute version 3 (IV.A.2.m). */
export function attribute(name: string, type: Datatype, space: Uint8Array, data: Uint8Array): Message {
  const text = new TextEncoder().encode(name);
  const out = new Bytes()
    .u8(3, 0)
    .u16(text.length + 1)
    .u16(type.message.length)
    .u16(space.length)
    .u8(1);
  out.bytes(text).u8(0).bytes(type.message).bytes(space).bytes(data);
  return { type: ATTRIBUTE, body: out.done() };
}
