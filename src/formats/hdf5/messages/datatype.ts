import type { Cursor } from "../cursor.ts";

/** IV.A.2.d Datatype: what the message says, without interpretation. `size` is that of one element in the file. */
export type Datatype =
  | {
      readonly class: "integer";
      readonly size: number;
      readonly bigEndian: boolean;
      readonly signed: boolean;
      readonly bitOffset: number;
      readonly precision: number;
    }
  | {
      readonly class: "float";
      readonly size: number;
      readonly order: "little" | "big" | "vax";
      readonly bitOffset: number;
      readonly precision: number;
      readonly signAt: number;
      readonly exponentAt: number;
      readonly exponentBits: number;
      readonly mantissaAt: number;
      readonly mantissaBits: number;
      readonly bias: number;
      /** 0: none, 1: most significant bit always set, 2: implied as in IEEE 754. */
      readonly normalization: number;
    }
  | { readonly class: "string"; readonly size: number; readonly padding: Padding }
  | { readonly class: "opaque"; readonly size: number; readonly tag: string }
  | { readonly class: "compound"; readonly size: number; readonly members: readonly Member[] }
  | { readonly class: "reference"; readonly size: number; readonly kind: number }
  | {
      readonly class: "enum";
      readonly size: number;
      readonly base: Datatype;
      readonly names: readonly string[];
      readonly values: Uint8Array;
    }
  | { readonly class: "vlen"; readonly size: number; readonly text: boolean; readonly base: Datatype }
  | { readonly class: "array"; readonly size: number; readonly dims: readonly number[]; readonly base: Datatype }
  | { readonly class: "complex"; readonly size: number; readonly base: Datatype };

export type Padding = "nul-terminated" | "nul-padded" | "space-padded";

export interface Member {
  readonly name: string;
  readonly offset: number;
  readonly type: Datatype;
}

const MOST_DEPTH = 32;
/** Bytes of one element at most: fill values and attributes hold whole ones. */
const MOST_BYTES = 2 ** 24;
/** Bytes of a number: twice those of the widest that any machine has. */
const WIDEST = 32;
const PADDINGS: readonly Padding[] = ["nul-terminated", "nul-padded", "space-padded"];

export function readDatatype(cursor: Cursor, depth = 0): Datatype {
  if (depth > MOST_DEPTH) throw cursor.fail("datatypes are nested too deeply");
  const head = cursor.u8();
  const version = head >> 4;
  if (version < 1 || version > 5) throw cursor.fail(`datatype version ${version} is unknown`);
  const bits = cursor.uint(3);
  const size = cursor.u32();
  if (size === 0 || size > MOST_BYTES) throw cursor.fail(`a datatype of ${size} bytes`);
  switch (head & 0x0f) {
    case 0:
      return readInteger(cursor, bits, size, (bits & 0x08) !== 0);
    case 1:
      return readFloat(cursor, bits, size);
    case 2:
      return readTime(cursor, bits, size);
    case 3:
      return { class: "string", size, padding: PADDINGS[bits & 0x0f] ?? "nul-terminated" };
    case 4:
      return readInteger(cursor, bits, size, false);
    case 5:
      return { class: "opaque", size, tag: cursor.text(bits & 0xff) };
    case 6:
      return readCompound(cursor, version, bits & 0xffff, size, depth);
    case 7:
      return { class: "reference", size, kind: bits & 0x0f };
    case 8:
      return readEnum(cursor, version, bits & 0xffff, size, depth);
    case 9:
      // A length and a global heap ID.
      if (size !== 8 + cursor.widths.offsetSize) throw cursor.fail(`variable-length elements of ${size} bytes`);
      return { class: "vlen", size, text: (bits & 0x0f) === 1, base: readDatatype(cursor, depth + 1) };
    case 10:
      return readArray(cursor, version, size, depth);
    case 11:
      return readComplex(cursor, size, depth);
    default:
      throw cursor.fail(`datatype class ${head & 0x0f} is unknown`);
  }
}

function readInteger(cursor: Cursor, bits: number, size: number, signed: boolean): Datatype {
  const bitOffset = cursor.u16();
  const precision = cursor.u16();
  if (size > WIDEST || bitOffset + precision > size * 8 || precision === 0)
    throw cursor.fail("an integer wider than its bytes");
  return { class: "integer", size, bigEndian: (bits & 1) !== 0, signed, bitOffset, precision };
}

/** Seconds since 1970 in 32 or 64 bits: a signed integer in all but name. */
function readTime(cursor: Cursor, bits: number, size: number): Datatype {
  const precision = cursor.u16();
  if (precision !== size * 8) throw cursor.fail("a time of unusual precision");
  return { class: "integer", size, bigEndian: (bits & 1) !== 0, signed: true, bitOffset: 0, precision };
}

function readFloat(cursor: Cursor, bits: number, size: number): Datatype {
  const order = bits & 0x40 ? "vax" : bits & 1 ? "big" : "little";
  const type = {
    class: "float",
    size,
    order,
    bitOffset: cursor.u16(),
    precision: cursor.u16(),
    signAt: (bits >> 8) & 0xff,
    exponentAt: cursor.u8(),
    exponentBits: cursor.u8(),
    mantissaAt: cursor.u8(),
    mantissaBits: cursor.u8(),
    bias: cursor.u32(),
    normalization: (bits >> 4) & 0x03,
  } as const;
  const end = Math.max(type.signAt + 1, type.exponentAt + type.exponentBits, type.mantissaAt + type.mantissaBits);
  if (size > WIDEST || end > size * 8 || type.exponentBits === 0)
    throw cursor.fail("a floating-point number wider than its bytes");
  return type;
}

function readComplex(cursor: Cursor, size: number, depth: number): Datatype {
  const base = readDatatype(cursor, depth + 1);
  if (base.class !== "float" || base.size * 2 !== size) throw cursor.fail("a complex number of two unlike halves");
  return { class: "complex", size, base };
}

function readCompound(cursor: Cursor, version: number, count: number, size: number, depth: number): Datatype {
  const offsetBytes = version >= 3 ? byteLength(size) : 4;
  const members: Member[] = [];
  for (let i = 0; i < count; i++) {
    const name = cursor.cstring(version < 3);
    const offset = cursor.uint(offsetBytes);
    const dims = version === 1 ? readOldDims(cursor) : [];
    let type = readDatatype(cursor, depth + 1);
    if (dims.length > 0) {
      type = { class: "array", size: dims.reduce((n, d) => n * d, type.size), dims, base: type };
    }
    if (offset + type.size > size) throw cursor.fail(`the member ${name} reaches beyond its compound`);
    members.push({ name, offset, type });
  }
  if (count === 0) throw cursor.fail("a compound without members");
  return { class: "compound", size, members };
}

/** Members of version 1 compounds have their own array dimensions: always four slots. */
function readOldDims(cursor: Cursor): number[] {
  const rank = cursor.u8();
  if (rank > 4) throw cursor.fail(`a member of ${rank} dimensions`);
  cursor.skip(11);
  return [0, 1, 2, 3].map(() => cursor.u32()).slice(0, rank);
}

function readEnum(cursor: Cursor, version: number, count: number, size: number, depth: number): Datatype {
  const base = readDatatype(cursor, depth + 1);
  if (base.class !== "integer" || base.size !== size) throw cursor.fail("an enumeration of something not an integer");
  const names = Array.from({ length: count }, () => cursor.cstring(version < 3));
  return { class: "enum", size, base, names, values: cursor.take(count * size).slice() };
}

function readArray(cursor: Cursor, version: number, size: number, depth: number): Datatype {
  const rank = cursor.u8();
  if (rank > MOST_DEPTH) throw cursor.fail(`an array type of ${rank} dimensions`);
  if (version < 3) cursor.skip(3);
  const dims = Array.from({ length: rank }, () => cursor.u32());
  if (version < 3) cursor.skip(4 * rank);
  const base = readDatatype(cursor, depth + 1);
  if (dims.reduce((n, d) => n * d, base.size) !== size) throw cursor.fail("an array type of the wrong size");
  return { class: "array", size, dims, base };
}

function byteLength(limit: number): number {
  return Math.floor(Math.log2(limit) / 8) + 1;
}
