import { type ArraySpec, type Block, product } from "../../core/array.ts";
import { allocate, isFloat, isInteger, itemSize, type NumericType, type TypedArray } from "../../core/dtype.ts";
import { decodeCf, decodedSpec } from "../cf.ts";

/** Attributes that only say how values are stored; decoded values must not carry them. */
export const PACKING = ["scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned"] as const;
/** Attributes in terms of stored values (NUG 8.1): meaningless, or wrong, beside values stored in another way. */
export const PACKED_RANGE = ["valid_min", "valid_max", "valid_range", "actual_range"] as const;

/** Ranges are left to the reader, as in xarray: a range that one member has must not hide values of its own kind. */
const CF = { validRange: false } as const;

/** The type that holds decoded values of a member, and NaN where it can miss some, without loss. */
export function unpackedType(spec: ArraySpec): NumericType {
  const dtype = decodedSpec(spec, CF).dtype as NumericType;
  const canMiss = spec.attrs.has("_FillValue") || spec.attrs.has("missing_value");
  if (!isInteger(dtype) || !canMiss) return dtype;
  return itemSize(dtype)! <= 2 ? "float32" : "float64";
}

/** Stored values of a member as `dtype`, missing ones as NaN, in other units where `convert` says how. */
export function unpacked(
  block: Block,
  spec: ArraySpec,
  dtype: NumericType,
  convert?: (value: number) => number,
): Block {
  const { data, mask, shape, dtype: decoded } = decodeCf(block, spec, CF);
  if (decoded === dtype && mask === undefined && convert === undefined) return { dtype, shape, data };
  const source = data as TypedArray;
  const target = allocate(dtype, product(shape)) as Float64Array | BigInt64Array;
  if (target instanceof BigInt64Array || target instanceof BigUint64Array) {
    for (let i = 0; i < source.length; i++) target[i] = BigInt(source[i]!);
    return { dtype, shape, data: target };
  }
  if (convert === undefined) for (let i = 0; i < source.length; i++) target[i] = Number(source[i]);
  else for (let i = 0; i < source.length; i++) target[i] = convert(Number(source[i]));
  if (mask !== undefined) for (let i = 0; i < mask.length; i++) if (mask[i] === 1) target[i] = Number.NaN;
  return { dtype, shape, data: target };
}

/** The smallest type that holds all of `types`, as NumPy promotes them. */
export function promoted(types: readonly NumericType[]): NumericType {
  return types.reduce((a, b) => {
    if (a === b || b === "bool") return a;
    if (a === "bool") return b;
    if (isFloat(a) && isFloat(b)) return itemSize(a)! >= itemSize(b)! ? a : b;
    if (isInteger(a) && isInteger(b)) return promotedIntegers(a, b);
    const [float, integer] = isFloat(a) ? [a, b] : [b, a];
    const needed = Math.min(8, itemSize(integer)! * 2);
    return needed > itemSize(float)! ? (`float${needed * 8}` as NumericType) : float;
  });
}

function promotedIntegers(a: NumericType, b: NumericType): NumericType {
  const isSigned = (t: NumericType): boolean => t.startsWith("int");
  const bits = (t: NumericType): number => itemSize(t)! * 8;
  if (isSigned(a) === isSigned(b)) return bits(a) >= bits(b) ? a : b;
  const [signed, unsigned] = isSigned(a) ? [a, b] : [b, a];
  const needed = Math.max(bits(signed), bits(unsigned) * 2);
  return needed > 64 ? "float64" : (`int${needed}` as NumericType);
}
