import type { Attr, Attrs, Json, Scalar } from "../core/array.ts";
import { attrToJson } from "../core/attrs.ts";
import { type DType, isComplex, isFloat, itemSize, storageType } from "../core/dtype.ts";

export type JsonObject = { readonly [key: string]: Json };

declare global {
  interface JSON {
    /** ECMAScript 2026: text that `JSON.stringify` writes as it is. TypeScript does not know it yet. */
    rawJSON(text: string): { readonly rawJSON: string };
  }
}

/**
 * A fill value as Zarr v2 and v3 metadata write it: non-finite floats by name, complex numbers as pairs, bytes and
 * structures in base64. 64-bit integers keep every digit (through `JSON.rawJSON`).
 */
export function fillToJson(dtype: DType, fill: Scalar): Json {
  if (isComplex(dtype)) {
    const [re, im] = Array.isArray(fill) ? (fill as readonly [number, number]) : [Number(fill), 0];
    return [floatToJson(re), floatToJson(im)];
  }
  if (dtype === "bool") return Boolean(fill);
  if (isFloat(dtype)) return floatToJson(Number(fill));
  if (storageType(dtype) !== undefined) return integerToJson(fill as number | bigint | boolean);
  if (dtype === "string" || (typeof dtype === "object" && dtype.kind === "fixed-utf32")) return textOf(fill);
  const bytes = bytesOf(fill, itemSize(dtype));
  const isPadded = typeof dtype === "object" && dtype.kind === "fixed-bytes";
  return Buffer.from(isPadded ? bytes.subarray(0, bytes.findLastIndex((b) => b !== 0) + 1) : bytes).toString("base64");
}

/** What Zarr v3, which knows no absent fill value, must say in its place: zeros. */
export function zeroFill(dtype: DType): Scalar {
  if (isComplex(dtype)) return [0, 0];
  if (dtype === "bool") return false;
  if (storageType(dtype) !== undefined) return 0;
  if (dtype === "string" || (typeof dtype === "object" && dtype.kind === "fixed-utf32")) return "";
  return new Uint8Array(itemSize(dtype) ?? 0);
}

export function integerToJson(value: number | bigint | boolean): Json {
  const n = Number(value);
  return Number.isSafeInteger(n) ? n : JSON.rawJSON(String(value));
}

/** Attributes for a Zarr document, without `except`. Numbers of floating-point types stay recognisable as such. */
export function attributesOf(attrs: Attrs, except?: string): { [key: string]: Json } {
  const out: { [key: string]: Json } = Object.create(null);
  for (const [name, attr] of attrs) if (name !== except) out[name] = attributeToJson(attr);
  return out;
}

function attributeToJson(attr: Attr): Json {
  const json = attrToJson(attr);
  if (attr.dtype === "json" || !isFloat(attr.dtype)) return json;
  return Array.isArray(json) ? json.map(floatLiteral) : floatLiteral(json);
}

function floatToJson(value: number): Json {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return floatLiteral(value);
}

/**
 * `JSON.stringify` writes the fill value 1e20 with 21 digits, which GDAL reads as an integer that overflows, and 1.0
 * as 1, which Python reads as an integer: xarray then decodes packed data in another type.
 */
function floatLiteral(value: Json): Json {
  if (typeof value !== "number" || !Number.isInteger(value)) return value;
  return JSON.rawJSON(Number.isSafeInteger(value) ? value.toFixed(1) : value.toExponential());
}

function textOf(fill: Scalar): string {
  return fill instanceof Uint8Array ? new TextDecoder().decode(fill).replace(/\0+$/, "") : String(fill);
}

function bytesOf(fill: Scalar, size: number | undefined): Uint8Array {
  const bytes = fill instanceof Uint8Array ? fill : new TextEncoder().encode(fill === 0 ? "" : String(fill));
  if (size === undefined || bytes.byteLength === size) return bytes;
  const padded = new Uint8Array(size);
  padded.set(bytes.subarray(0, size));
  return padded;
}
