import type { Attrs, Json, Scalar } from "../core/array.ts";
import { attrsToJson } from "../core/attrs.ts";
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

/** Attributes for a Zarr document, without `except`. */
export function attributesOf(attrs: Attrs, except?: string): { [key: string]: Json } {
  const out = attrsToJson(attrs);
  if (except !== undefined) delete out[except];
  return out;
}

function floatToJson(value: number): Json {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
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
