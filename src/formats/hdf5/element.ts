import type { Json, Scalar } from "../../core/array.ts";
import { decodeText } from "./cursor.ts";
import type { H5File } from "./file.ts";
import type { GlobalHeap } from "./global-heap.ts";
import type { Datatype, Padding } from "./messages/datatype.ts";

/** What elements need besides their own bytes. */
export interface ElementContext {
  readonly file: H5File;
  readonly heap: GlobalHeap;
  /** Path of the object at an address: what a reference means to people. */
  pathOf(address: number): string | undefined;
}

/** A value as it is read; compounds are objects, arrays and ragged arrays are lists, references paths. */
export type Value = Scalar | null | readonly Value[] | { readonly [name: string]: Value };

type Of<Class extends Datatype["class"]> = Extract<Datatype, { class: Class }>;

const MOST_LEVELS = 8;

/** True when the elements' bytes refer to the global heap. */
export function refersToHeap(type: Datatype): boolean {
  switch (type.class) {
    case "vlen":
      return true;
    case "array":
      return refersToHeap(type.base);
    case "compound":
      return type.members.some((member) => refersToHeap(member.type));
    case "reference":
      // Region references; object references are addresses.
      return type.kind === 1;
    default:
      return false;
  }
}

/** Loads what `count` elements refer to, and what that refers to, so that `readElement` need not wait. */
export async function loadReferred(
  context: ElementContext,
  type: Datatype,
  bytes: Uint8Array,
  count: number,
): Promise<void> {
  let level: { type: Datatype; bytes: Uint8Array; count: number }[] = refersToHeap(type)
    ? [{ type, bytes, count }]
    : [];
  for (let depth = 0; level.length > 0 && depth < MOST_LEVELS; depth++) {
    const found: HeapReference[] = [];
    for (const part of level) {
      for (let i = 0; i < part.count; i++) collect(context.file, part.type, part.bytes, i * part.type.size, found);
    }
    await context.heap.load(found.map(({ address }) => address));
    level = found
      .filter(({ base }) => base !== undefined && refersToHeap(base))
      .map(({ address, index, base, length }) => {
        const object = context.heap.get(address, index);
        return { type: base!, bytes: object, count: Math.min(length, Math.floor(object.byteLength / base!.size)) };
      });
  }
}

interface HeapReference {
  readonly address: number;
  readonly index: number;
  /** Elements, of type `base`, for ragged arrays. */
  readonly length: number;
  readonly base?: Datatype;
}

function collect(file: H5File, type: Datatype, bytes: Uint8Array, at: number, into: HeapReference[]): void {
  switch (type.class) {
    case "vlen": {
      const reference = heapReference(file, bytes, at);
      if (reference !== undefined) into.push(type.text ? reference : { ...reference, base: type.base });
      return;
    }
    case "reference": {
      const reference = type.kind === 1 ? heapReference(file, bytes, at - 4) : undefined;
      if (reference !== undefined) into.push(reference);
      return;
    }
    case "array": {
      const count = type.size / type.base.size;
      for (let i = 0; i < count; i++) collect(file, type.base, bytes, at + i * type.base.size, into);
      return;
    }
    case "compound":
      for (const member of type.members) {
        if (refersToHeap(member.type)) collect(file, member.type, bytes, at + member.offset, into);
      }
  }
}

/** IV.B "Variable-Length": length, then a global heap ID; nothing where the address is zero or undefined. */
function heapReference(file: H5File, bytes: Uint8Array, at: number): HeapReference | undefined {
  const { offsetSize } = file;
  const length = at < 0 ? 0 : unsigned(bytes, at, 4);
  const address = unsigned(bytes, at + 4, offsetSize);
  const undefinedAddress = 2 ** (8 * offsetSize) - 1;
  if (address === 0 || address >= Math.min(undefinedAddress, Number.MAX_SAFE_INTEGER)) return undefined;
  return { address, index: unsigned(bytes, at + 4 + offsetSize, 4), length };
}

/** Little-endian; good up to 2^53, larger numbers stay larger. */
function unsigned(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

/** One element. `loadReferred` must have run over the bytes. */
export function readElement(context: ElementContext, type: Datatype, bytes: Uint8Array, at: number): Value {
  switch (type.class) {
    case "integer":
      return readInteger(type, bytes, at);
    case "float":
      return readFloat(type, bytes, at);
    case "string":
      return fixedText(bytes.subarray(at, at + type.size), type.padding);
    case "opaque":
      return bytes.slice(at, at + type.size);
    case "enum":
      return readElement(context, type.base, bytes, at);
    case "complex":
      return [
        readElement(context, type.base, bytes, at) as number,
        readElement(context, type.base, bytes, at + type.size / 2) as number,
      ];
    case "reference":
      return readReference(context, type, bytes, at);
    case "array":
      return nested(type.dims, (i) => readElement(context, type.base, bytes, at + i * type.base.size));
    case "compound": {
      const object: { [name: string]: Value } = Object.create(null);
      for (const { name, offset, type: member } of type.members) {
        object[name] = readElement(context, member, bytes, at + offset);
      }
      return object;
    }
    case "vlen":
      return readVlen(context, type, bytes, at);
  }
}

function readVlen(context: ElementContext, type: Of<"vlen">, bytes: Uint8Array, at: number): Value {
  const object = vlenBytes(context, type, bytes, at);
  if (type.text) {
    const end = object.indexOf(0);
    return decodeText(end < 0 ? object : object.subarray(0, end));
  }
  const count = object.byteLength / type.base.size;
  return Array.from({ length: count }, (_, i) => readElement(context, type.base, object, i * type.base.size));
}

/** The stored bytes of a variable-length value. */
export function vlenBytes(context: ElementContext, type: Of<"vlen">, bytes: Uint8Array, at: number): Uint8Array {
  const reference = heapReference(context.file, bytes, at);
  if (reference === undefined || reference.length === 0) return new Uint8Array(0);
  const object = context.heap.get(reference.address, reference.index);
  const wanted = reference.length * (type.text ? 1 : type.base.size);
  // Older writers leave room behind the value.
  return object.subarray(
    0,
    Math.min(wanted, object.byteLength - (object.byteLength % (type.text ? 1 : type.base.size))),
  );
}

function readReference(context: ElementContext, type: Of<"reference">, bytes: Uint8Array, at: number): Value {
  const { file } = context;
  if (type.kind > 1) return bytes.slice(at, at + type.size);
  let address = unsigned(bytes, at, file.offsetSize);
  if (type.kind === 1) {
    const region = heapReference(file, bytes, at - 4);
    if (region === undefined) return null;
    address = unsigned(context.heap.get(region.address, region.index), 0, file.offsetSize);
  }
  return context.pathOf(address) ?? null;
}

/** Text of a fixed-length string without its padding. */
function fixedText(bytes: Uint8Array, padding: Padding): string {
  let end = padding === "nul-terminated" ? bytes.indexOf(0) : bytes.byteLength;
  if (end < 0) end = bytes.byteLength;
  // NULs are no text whatever the padding is said to be.
  while (end > 0 && (bytes[end - 1] === 0 || (padding === "space-padded" && bytes[end - 1] === 0x20))) end--;
  return decodeText(bytes.subarray(0, end));
}

function nested(dims: readonly number[], read: (i: number) => Value): Value {
  let next = 0;
  const level = (depth: number): Value =>
    depth === dims.length ? read(next++) : Array.from({ length: dims[depth]! }, () => level(depth + 1));
  return level(0);
}

/** Any width, byte order, bit offset and precision; bigint for more than 32 bits. */
function readInteger(type: Of<"integer">, bytes: Uint8Array, at: number): number | bigint {
  const value = (bitsOf(bytes, at, type.size, type.bigEndian) >> BigInt(type.bitOffset)) & mask(type.precision);
  const exact = type.signed ? BigInt.asIntN(type.precision, value) : value;
  return type.size > 4 ? exact : Number(exact);
}

/** IV.A.2.d floating-point numbers of any layout. */
function readFloat(type: Of<"float">, bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, type.size);
  const little = type.order === "little";
  if (type.order !== "vax" && type.normalization === 2 && type.bitOffset === 0) {
    if (type.size === 4 && type.mantissaBits === 23 && type.exponentBits === 8) return view.getFloat32(0, little);
    if (type.size === 8 && type.mantissaBits === 52 && type.exponentBits === 11) return view.getFloat64(0, little);
    if (type.size === 2 && type.mantissaBits === 10 && type.exponentBits === 5) return view.getFloat16(0, little);
  }
  const bits = type.order === "vax" ? vaxBits(bytes, at, type.size) : bitsOf(bytes, at, type.size, !little);
  const field = (start: number, width: number): bigint => (bits >> BigInt(start)) & mask(width);
  const sign = field(type.signAt, 1) === 1n ? -1 : 1;
  const exponent = Number(field(type.exponentAt, type.exponentBits));
  const fraction = Number(field(type.mantissaAt, type.mantissaBits)) / 2 ** type.mantissaBits;
  if (type.order === "vax") return exponent === 0 ? 0 : sign * (1 + fraction) * 2 ** (exponent - type.bias);
  if (exponent === 2 ** type.exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0 || type.normalization !== 2) {
    // Without an implied bit the mantissa's first bit counts one.
    const scale = type.normalization === 2 ? 1 - type.bias : exponent - type.bias + 1;
    return sign * fraction * 2 ** scale;
  }
  return sign * (1 + fraction) * 2 ** (exponent - type.bias);
}

function bitsOf(bytes: Uint8Array, at: number, size: number, bigEndian: boolean): bigint {
  let value = 0n;
  for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(bytes[bigEndian ? at + i : at + size - 1 - i]!);
  return value;
}

/** VAX order: 16-bit words from the most significant on, each with its low byte first. */
function vaxBits(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let i = 0; i < size; i += 2) value = (value << 16n) | BigInt(bytes[at + i]! | (bytes[at + i + 1]! << 8));
  return value;
}

function mask(width: number): bigint {
  return (1n << BigInt(width)) - 1n;
}

/** The same value for JSON: no big integers, no bytes, no NaN. */
export function toJson(value: Value): Json {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) {
    return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toJson(member)]));
}
