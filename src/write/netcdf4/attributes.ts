import type { Attr, Attrs, Json, Scalar } from "../../core/array.ts";
import { allocate, type DType, isFloat, isInteger, type TypedArray } from "../../core/dtype.ts";
import { orderedBytes } from "../byte-order.ts";
import { noType } from "../netcdf-spec.ts";
import { Bytes } from "./bytes.ts";
import { numberType, textType, variableText } from "./datatype.ts";
import { attribute, dataspace, type Message, nullDataspace } from "./header.ts";
import { descriptor, type Heap } from "./heap.ts";

/** Attributes by which HDF5 and the NetCDF library keep their own books. */
const RESERVED: ReadonlySet<string> = new Set([
  "CLASS",
  "NAME",
  "DIMENSION_LIST",
  "REFERENCE_LIST",
  "_Netcdf4Dimid",
  "_Netcdf4Coordinates",
  "_NCProperties",
  "_nc3_strict",
]);
/** Longer text goes to the heap: a message of the header ends at 64 kB. */
const MAX_INLINE_TEXT = 32_000;

/** A message that may point into the heap: it is made again when addresses are known. */
export type LateMessage = () => Message;

/** Attributes as NetCDF-4 stores them; `_FillValue` in the type of its variable. */
export function attributeMessages(owner: string, attrs: Attrs, heap: Heap, fillType?: DType): LateMessage[] {
  const out: LateMessage[] = [];
  for (const [name, attr] of attrs) {
    if (RESERVED.has(name)) continue;
    const typed = name === "_FillValue" && fillType !== undefined ? { ...attr, dtype: fillType } : attr;
    out.push(attributeMessage(`${owner}:${name}`, name, typed, heap));
  }
  return out;
}

function attributeMessage(path: string, name: string, { dtype, value }: Attr, heap: Heap): LateMessage {
  const list = (Array.isArray(value) ? value : [value]) as readonly (Scalar | Json)[];
  const base = typeof dtype === "object" && dtype.kind === "enum" ? dtype.base : dtype === "bool" ? "int8" : dtype;
  if (isInteger(base as DType) || isFloat(base as DType)) {
    const type = base as Parameters<typeof numberType>[0];
    const message = attribute(name, numberType(type), dataspace([list.length]), numberBytes(type, list));
    return () => message;
  }
  if (dtype === "json") return () => textAttribute(name, typeof value === "string" ? value : JSON.stringify(value));
  if (dtype === "string" || (typeof dtype === "object" && dtype.kind === "fixed-bytes")) {
    const texts = list.map((item) => (item instanceof Uint8Array ? new TextDecoder().decode(item) : String(item)));
    const isShort = texts.length === 1 && texts[0]!.length <= MAX_INLINE_TEXT;
    return isShort ? () => textAttribute(name, texts[0]!) : variableTextAttribute(name, texts, heap);
  }
  throw noType(path, dtype);
}

/** Text of fixed length; an empty one has no value at all, as the NetCDF library writes it. */
export function textAttribute(name: string, text: string): Message {
  const bytes = new TextEncoder().encode(text);
  const isAscii = bytes.every((byte) => byte < 128);
  if (bytes.length === 0) return attribute(name, textType(1, false), nullDataspace(), bytes);
  return attribute(name, textType(bytes.length, !isAscii), dataspace([]), bytes);
}

function variableTextAttribute(name: string, texts: readonly string[], heap: Heap): LateMessage {
  const kept = texts.map((text) => heap.text(text));
  const space = dataspace([texts.length]);
  return () => {
    const data = new Bytes();
    for (const { length, at } of kept) descriptor(data, length, at);
    return attribute(name, variableText(), space, data.done());
  };
}

/** Numbers in little-endian order, whatever JavaScript type their source gave them. */
export function numberBytes(dtype: Parameters<typeof numberType>[0], list: readonly unknown[]): Uint8Array {
  const values = allocate(dtype, list.length) as TypedArray;
  const isBig = values instanceof BigInt64Array || values instanceof BigUint64Array;
  list.forEach((item, i) => {
    if (isBig) values[i] = BigInt(typeof item === "bigint" ? item : Math.trunc(Number(item)));
    else values[i] = Number(item);
  });
  return orderedBytes(values, "little");
}
