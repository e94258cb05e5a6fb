import type { Attr, Attrs, Json, Scalar } from "./array.ts";
import type { DType } from "./dtype.ts";

/** An attribute as JSON clients expect it: numbers for 64-bit integers that fit, text for bytes, `NaN` as text. */
export function attrToJson(attr: Attr): Json {
  return Array.isArray(attr.value)
    ? (attr.value as readonly (Scalar | Json)[]).map(scalarToJson)
    : scalarToJson(attr.value as Scalar | Json);
}

export function attrsToJson(attrs: Attrs): { [key: string]: Json } {
  const out: { [key: string]: Json } = Object.create(null);
  for (const [name, attr] of attrs) out[name] = attrToJson(attr);
  return out;
}

/** JSON has no NaN, infinities or 64-bit integers: the first two become Zarr's `"NaN"`, `"Infinity"`, `"-Infinity"`. */
export function scalarToJson(value: Scalar | Json): Json {
  if (typeof value === "bigint") {
    const n = Number(value);
    return Number.isSafeInteger(n) ? n : value.toString();
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  }
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  return value as Json;
}

/** Attributes out of JSON, with the narrowest type that says the same. */
export function attrsFromJson(json: { readonly [key: string]: Json }): Map<string, Attr> {
  return new Map(Object.entries(json).map(([name, value]) => [name, attrFromJson(value)]));
}

export function attrFromJson(value: Json): Attr {
  const dtype = jsonType(value);
  return { dtype, value };
}

function jsonType(value: Json): DType | "json" {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "json";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "int64" : "float64";
  if (Array.isArray(value) && value.length > 0) {
    if (value.every((v) => typeof v === "string")) return "string";
    if (value.every((v) => typeof v === "number")) return value.every(Number.isSafeInteger) ? "int64" : "float64";
  }
  return "json";
}

/** The attribute's text when it is text. */
export function textAttr(attrs: Attrs, name: string): string | undefined {
  const value = attrs.get(name)?.value;
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.length === 1 && typeof value[0] === "string") return value[0];
  return undefined;
}

/** The attribute's numbers, as doubles; undefined when it is absent or not numeric. */
export function numericAttr(attrs: Attrs, name: string): number[] | undefined {
  const value = attrs.get(name)?.value;
  if (value === undefined || value === null) return undefined;
  const list = Array.isArray(value) ? value : [value];
  const numbers = list.filter((v) => typeof v === "number" || typeof v === "bigint").map(Number);
  return numbers.length === list.length && list.length > 0 ? numbers : undefined;
}
