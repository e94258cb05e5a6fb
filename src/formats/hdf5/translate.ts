import type { CodecSpec } from "../../core/array.ts";
import type { DType, NumericType } from "../../core/dtype.ts";
import { itemSize, storageType } from "../../core/dtype.ts";
import { GyreError } from "../../errors.ts";
import { elementType } from "./dtype.ts";
import { type ElementContext, readElement, toJson, type Value, vlenBytes } from "./element.ts";
import type { Datatype } from "./messages/datatype.ts";

/** Most bytes that the elements of one chunk may become. */
const MOST_BYTES = 256 * 1024 * 1024;
const TEXT = new TextEncoder();

/** The array-to-bytes codec in which translated elements of a dtype are handed out (numcodecs' layouts). */
export function translatedLayout(dtype: DType): CodecSpec {
  if (dtype === "string") return { name: "vlen-utf8" };
  if (typeof dtype === "object" && dtype.kind === "vlen") {
    return { name: "vlen-array", configuration: { dtype: numpyName(dtype.base as NumericType) } };
  }
  return { name: "bytes", configuration: { endian: "little" } };
}

function numpyName(dtype: NumericType): string {
  if (dtype === "bool") return "|b1";
  const size = itemSize(dtype)!;
  const kind = dtype.startsWith("uint") ? "u" : dtype.startsWith("int") ? "i" : dtype.startsWith("float") ? "f" : "c";
  return `${size === 1 ? "|" : "<"}${kind}${size}`;
}

/** Rewrites elements as the file has them to what `translatedLayout` says. `loadReferred` must have run. */
export function translate(
  context: ElementContext,
  type: Datatype,
  dtype: DType,
  bytes: Uint8Array,
  count: number,
): Uint8Array {
  if (dtype === "string") return pack(context, count, (i) => textOf(context, type, bytes, i * type.size));
  if (typeof dtype === "object" && dtype.kind === "vlen") {
    const { base } = type as Extract<Datatype, { class: "vlen" }>;
    const size = itemSize(dtype.base)!;
    return pack(context, count, (i) => {
      const stored = vlenBytes(context, type as Extract<Datatype, { class: "vlen" }>, bytes, i * type.size);
      const length = Math.floor(stored.byteLength / base.size);
      const out = new Uint8Array(length * size);
      const view = new DataView(out.buffer);
      for (let k = 0; k < length; k++) write(context, base, dtype.base, stored, k * base.size, view, k * size);
      return out;
    });
  }
  const size = itemSize(dtype)!;
  if (count * size > MOST_BYTES) throw tooLarge(context);
  const out = new Uint8Array(count * size);
  const view = new DataView(out.buffer);
  for (let i = 0; i < count; i++) write(context, type, dtype, bytes, i * type.size, view, i * size);
  return out;
}

function textOf(context: ElementContext, type: Datatype, bytes: Uint8Array, at: number): Uint8Array {
  const value = readElement(context, type, bytes, at);
  return TEXT.encode(typeof value === "string" ? value : JSON.stringify(toJson(value)));
}

/** numcodecs' variable-length layout: how many, then each item behind its length. */
function pack(context: ElementContext, count: number, item: (i: number) => Uint8Array): Uint8Array {
  const items: Uint8Array[] = [];
  let size = 4 + 4 * count;
  for (let i = 0; i < count; i++) {
    const bytes = item(i);
    items.push(bytes);
    size += bytes.byteLength;
    if (size > MOST_BYTES) throw tooLarge(context);
  }
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint32(0, count, true);
  let at = 4;
  for (const bytes of items) {
    view.setUint32(at, bytes.byteLength, true);
    out.set(bytes, at + 4);
    at += 4 + bytes.byteLength;
  }
  return out;
}

function tooLarge({ file }: ElementContext): GyreError {
  return new GyreError("TooLarge", `${file.url}: the values of one chunk are more than ${MOST_BYTES} bytes`);
}

/** One element of fixed size, little-endian. */
function write(
  context: ElementContext,
  type: Datatype,
  dtype: DType,
  bytes: Uint8Array,
  at: number,
  out: DataView,
  to: number,
): void {
  if (type.class === "array") {
    // The elements of arrays within arrays: `dtype` is theirs.
    const element = elementType(type);
    const step = itemSize(dtype)!;
    for (let i = 0; i < type.size / element.size; i++) {
      write(context, element, dtype, bytes, at + i * element.size, out, to + i * step);
    }
    return;
  }
  if (type.class === "compound" && typeof dtype === "object" && dtype.kind === "struct") {
    type.members.forEach((member, i) => {
      const field = dtype.fields[i]!;
      write(context, member.type, field.dtype, bytes, at + member.offset, out, to + field.offset);
    });
    return;
  }
  const stored = storageType(dtype);
  if (stored === undefined) new Uint8Array(out.buffer).set(bytes.subarray(at, at + type.size), to);
  else WRITERS[stored](out, to, readElement(context, type, bytes, at));
}

type Write = (out: DataView, at: number, value: Value) => void;

const WRITERS: Readonly<Record<NumericType, Write>> = {
  bool: (out, at, value) => out.setUint8(at, Number(value)),
  int8: (out, at, value) => out.setInt8(at, Number(value)),
  uint8: (out, at, value) => out.setUint8(at, Number(value)),
  int16: (out, at, value) => out.setInt16(at, Number(value), true),
  uint16: (out, at, value) => out.setUint16(at, Number(value), true),
  int32: (out, at, value) => out.setInt32(at, Number(value), true),
  uint32: (out, at, value) => out.setUint32(at, Number(value), true),
  int64: (out, at, value) => out.setBigInt64(at, BigInt(value as bigint), true),
  uint64: (out, at, value) => out.setBigUint64(at, BigInt(value as bigint), true),
  float16: (out, at, value) => out.setFloat16(at, Number(value), true),
  float32: (out, at, value) => out.setFloat32(at, Number(value), true),
  float64: (out, at, value) => out.setFloat64(at, Number(value), true),
  complex64: (out, at, value) => {
    const [re, im] = complexParts(value);
    out.setFloat32(at, re, true);
    out.setFloat32(at + 4, im, true);
  },
  complex128: (out, at, value) => {
    const [re, im] = complexParts(value);
    out.setFloat64(at, re, true);
    out.setFloat64(at + 8, im, true);
  },
};

/** Complex numbers are read as pairs, or as the compounds that they are stored in. */
export function complexParts(value: Value): readonly [re: number, im: number] {
  if (Array.isArray(value)) return [Number(value[0]), Number(value[1])];
  const { r, i } = value as { readonly r: number; readonly i: number };
  return [r, i];
}
