import type { DType, NumericType, TypedArray, Values } from "../core/dtype.ts";
import { allocate, isComplex, storageType } from "../core/dtype.ts";
import { corrupt } from "./failure.ts";

export type BigArray = BigInt64Array | BigUint64Array;
export type NumberArray = Exclude<TypedArray, BigArray>;

export function isBigArray(values: TypedArray): values is BigArray {
  return values instanceof BigInt64Array || values instanceof BigUint64Array;
}

/** The real number type that an arithmetic codec works on; refuses text, structures and complex numbers. */
export function realType(codec: string, dtype: DType): Exclude<NumericType, "complex64" | "complex128"> {
  const stored = storageType(dtype);
  if (stored === undefined || isComplex(stored)) throw corrupt(codec, "only real numbers can be encoded so");
  return stored;
}

/** The numbers of a chunk whose dtype has passed `realType`. */
export function numbersOf(values: Values): TypedArray {
  return values as TypedArray;
}

/** Casts as C and NumPy do: towards zero, integers wrap. */
export function cast(values: TypedArray, to: NumericType): TypedArray {
  if (to !== "bool" && (allocate(to, 0) as TypedArray).constructor === values.constructor) return values;
  const out = allocate(to, values.length) as TypedArray;
  if (to === "bool") {
    for (let i = 0; i < values.length; i++) (out as Uint8Array)[i] = Number(values[i]) === 0 ? 0 : 1;
  } else if (isBigArray(out)) {
    if (isBigArray(values)) for (let i = 0; i < values.length; i++) out[i] = values[i] as bigint;
    else for (let i = 0; i < values.length; i++) out[i] = toBigInt(values[i] as number);
  } else if (isBigArray(values)) {
    if (to.startsWith("float")) for (let i = 0; i < values.length; i++) out[i] = Number(values[i]);
    else for (let i = 0; i < values.length; i++) out[i] = Number(BigInt.asIntN(32, values[i] as bigint));
  } else {
    for (let i = 0; i < values.length; i++) out[i] = values[i] as number;
  }
  return out;
}

/** Not-a-number and infinities become the smallest int64, as on x86. */
function toBigInt(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : -(2n ** 63n);
}

/** Rounds half to even, as NumPy's `around`. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
