import type { ArraySpec } from "../../core/array.ts";
import { numericAttr } from "../../core/attrs.ts";
import { type DType, isComplex, isFloat, itemSize, storageType, type TypedArray } from "../../core/dtype.ts";
import { GyreError } from "../../errors.ts";

/** What stands for no value. */
export type Nodata = number | bigint;

/**
 * The value outside of the boundary: the source's own, else the one that was chosen, else NaN for floats, the least value
 * of signed integers and the greatest of unsigned ones. Booleans are false there.
 */
export function nodataFor(spec: ArraySpec, chosen?: number): { readonly value: Nodata; readonly isOwn: boolean } {
  const own = ownNodata(spec);
  if (own !== undefined) return { value: own, isOwn: true };
  const { dtype } = spec;
  if (chosen !== undefined) return { value: asType(chosen, dtype), isOwn: false };
  if (dtype === "bool") return { value: 0, isOwn: false };
  const stored = storageType(dtype);
  if (stored === undefined || isFloat(stored) || isComplex(stored)) return { value: Number.NaN, isOwn: false };
  const bits = BigInt(itemSize(dtype)! * 8);
  const value = stored.startsWith("u") ? (1n << bits) - 1n : -(1n << (bits - 1n));
  return { value: bits === 64n ? value : Number(value), isOwn: false };
}

/** `_FillValue`, else the first `missing_value`, where the type can hold it. */
function ownNodata({ attrs, dtype }: ArraySpec): Nodata | undefined {
  for (const name of ["_FillValue", "missing_value"]) {
    const raw = attrs.get(name)?.value;
    const exact = Array.isArray(raw) ? raw[0] : raw;
    if (typeof exact === "bigint" && /64$/.test(storageType(dtype) ?? "")) return exact;
    const value = numericAttr(attrs, name)?.[0];
    if (value === undefined) continue;
    try {
      return asType(value, dtype);
    } catch {
      // A value that no cell can have marks none.
    }
  }
  return undefined;
}

/** A number as values of a type hold it. Throws BadRequest where they cannot. */
export function asType(value: number, dtype: DType): Nodata {
  const stored = storageType(dtype);
  if (stored === "float32") return Math.fround(value);
  if (stored === "float16") return Math.f16round(value);
  if (stored === undefined || isFloat(stored) || isComplex(stored)) return value;
  const bits = itemSize(dtype)! * 8;
  const [low, high] = stored.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new GyreError("BadRequest", `nodata ${value} is no value of ${stored}`, { subject: "nodata" });
  }
  return bits === 64 ? BigInt(value) : value;
}

/** Fills a stretch of values, of which each has `width` entries. */
export function fillRun(values: TypedArray, from: number, to: number, nodata: Nodata, width: number): void {
  (values as Float64Array).fill(nodata as number, from * width, to * width);
}
