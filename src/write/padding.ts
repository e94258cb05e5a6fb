import type { ArraySpec } from "../core/array.ts";
import { allocate, entriesPerElement, isComplex, storageType, type Values } from "../core/dtype.ts";

/** Values that stand behind the edge of an array in its last chunks: its fill, or zeros. */
export function paddingOf({ dtype, fill }: Pick<ArraySpec, "dtype" | "fill">): (count: number) => Values {
  const stored = storageType(dtype);
  const isNumber = typeof fill === "number" || typeof fill === "bigint" || typeof fill === "boolean";
  if (stored !== undefined && !isComplex(stored) && isNumber) {
    const value = stored === "int64" || stored === "uint64" ? BigInt(fill) : Number(fill);
    return (count) => (allocate(dtype, count) as Float64Array).fill(value as number);
  }
  if (typeof fill === "string" && dtype === "string") return (count) => new Array<string>(count).fill(fill);
  if (fill instanceof Uint8Array && fill.length === entriesPerElement(dtype)) {
    return (count) => {
      const out = allocate(dtype, count) as Uint8Array;
      for (let at = 0; at < out.length; at += fill.length) out.set(fill, at);
      return out;
    };
  }
  return (count) => allocate(dtype, count);
}
