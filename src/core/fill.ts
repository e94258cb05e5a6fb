import type { ArraySpec, Scalar } from "./array.ts";
import { allocate, type DType, entriesPerElement, isComplex, storageType, type Values } from "./dtype.ts";

/** `count` elements that hold the variable's fill value, or zeros where it defines none. */
export function filled(spec: Pick<ArraySpec, "dtype" | "fill">, count: number): Values {
  const values = allocate(spec.dtype, count);
  if (spec.fill !== null) fillWith(values, spec.dtype, spec.fill);
  return values;
}

function fillWith(values: Values, dtype: DType, fill: Scalar): void {
  const stored = storageType(dtype);
  if (stored !== undefined && isComplex(stored)) {
    const [re, im] = Array.isArray(fill) ? (fill as readonly [number, number]) : [Number(fill), 0];
    const numbers = values as Float64Array;
    for (let i = 0; i < numbers.length; i += 2) {
      numbers[i] = re;
      numbers[i + 1] = im;
    }
  } else if (stored === "int64" || stored === "uint64") {
    if (typeof fill === "bigint" || Number.isSafeInteger(fill)) {
      (values as BigInt64Array).fill(BigInt(fill as bigint | number));
    }
  } else if (stored !== undefined) {
    (values as Float64Array).fill(Number(fill));
  } else if (values instanceof Uint8Array) {
    const bytes = fill instanceof Uint8Array ? fill : new TextEncoder().encode(String(fill));
    const width = entriesPerElement(dtype);
    for (let i = 0; i < values.length; i += width) values.set(bytes.subarray(0, width), i);
  } else if (dtype === "string" && typeof fill === "string") {
    (values as string[]).fill(fill);
  } else if (dtype === "bytes" && fill instanceof Uint8Array) {
    (values as Uint8Array[]).fill(fill);
  }
}
