import type { Json, Scalar } from "../../core/array.ts";
import { decodeText } from "../text.ts";
import type { H5File } from "./file.ts";
import type { GlobalHeap } from "./global-heap.ts";
import { heapReference } from "./heap-reference.ts";
import type { Datatype, Padding } from "./messages/datatype.ts";
import { readFloat, readInteger, unsigned } from "./number.ts";

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
