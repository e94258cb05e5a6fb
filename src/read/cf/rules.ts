import type { ArraySpec, Attrs } from "../../core/array.ts";
import { numericAttr, textAttr } from "../../core/attrs.ts";
import { type DType, type FloatType, type IntegerType, isFloat, isInteger } from "../../core/dtype.ts";

export interface CfOptions {
  /** Mask what lies outside `valid_min`, `valid_max`, `valid_range`, as netCDF4-python does and xarray does not. */
  readonly validRange?: boolean;
  /**
   * Without `_FillValue` the type's default fill is missing, but for bytes, as ncdump does; `all`: for bytes as well, as
   * netCDF4-python does. For NetCDF files only; xarray never does it.
   */
  readonly defaultFill?: boolean | "all";
  /** `spec.fill` is missing too: Zarr v2, where xarray takes `fill_value` for `_FillValue`. */
  readonly fillIsMissing?: boolean;
}

/** What a number's attributes say of its decoding, once for all blocks of a variable. */
export interface CfRules {
  /** The stored type, after `_Unsigned`. */
  readonly stored: IntegerType | FloatType;
  readonly target: IntegerType | FloatType;
  readonly missing: readonly (number | bigint)[];
  readonly min: number | bigint | undefined;
  readonly max: number | bigint | undefined;
  readonly scale: number | undefined;
  readonly offset: number | undefined;
}

/** NetCDF's default fill values (`NC_FILL_*`). */
const DEFAULT_FILLS: Readonly<Partial<Record<DType & string, number | bigint>>> = {
  int8: -127,
  uint8: 255,
  int16: -32767,
  uint16: 65535,
  int32: -2147483647,
  uint32: 4294967295,
  int64: -9223372036854775806n,
  uint64: 18446744073709551614n,
  float32: 9.969209968386869e36,
  float64: 9.969209968386869e36,
};

/** Attributes that decoding uses up. */
export const PACKING = ["scale_factor", "add_offset", "_Unsigned"] as const;
export const MASKING = ["_FillValue", "missing_value", "valid_min", "valid_max", "valid_range"] as const;

/** Undefined for what is neither integer nor float, or where no attribute changes anything. */
export function cfRules(
  spec: Pick<ArraySpec, "dtype" | "attrs" | "fill">,
  options: CfOptions = {},
): CfRules | undefined {
  const { dtype, attrs } = spec;
  if (!isInteger(dtype) && !isFloat(dtype)) return undefined;
  const stored = isInteger(dtype) ? signedness(dtype, textAttr(attrs, "_Unsigned")) : dtype;
  const cast = (value: number | bigint): number | bigint | undefined => castTo(value, dtype, stored);
  const scale = numericAttr(attrs, "scale_factor")?.[0];
  const offset = numericAttr(attrs, "add_offset")?.[0];
  const [min, max] = options.validRange === false ? [] : validRange(attrs, cast);
  const rules: CfRules = {
    stored,
    target: scale === undefined && offset === undefined ? stored : floatType(stored, attrs),
    missing: missingValues(spec, stored, options)
      .map(cast)
      .filter((value) => value !== undefined),
    min,
    max,
    scale,
    offset,
  };
  const isPlain = rules.target === dtype && rules.missing.length === 0 && min === undefined && max === undefined;
  return isPlain && scale === undefined && offset === undefined ? undefined : rules;
}

/** `_Unsigned` of the NetCDF Users' Guide: classic files have no unsigned types. */
function signedness(dtype: IntegerType, attribute: string | undefined): IntegerType {
  const flag = attribute?.toLowerCase();
  if (flag === "true" && !dtype.startsWith("u")) return `u${dtype}` as IntegerType;
  if (flag === "false" && dtype.startsWith("u")) return dtype.slice(1) as IntegerType;
  return dtype;
}

/** The float in which packed values are computed: xarray's choice, and double where the attributes are integers. */
function floatType(stored: IntegerType | FloatType, attrs: Attrs): FloatType {
  const scale = attrs.get("scale_factor")?.dtype;
  const offset = attrs.get("add_offset")?.dtype;
  if (offset === undefined) return scale === "float32" ? "float32" : "float64";
  if (scale !== "float32" || offset !== "float32") return "float64";
  return stored === "int32" || stored === "uint32" ? "float64" : "float32";
}

function missingValues(
  { dtype, attrs, fill }: Pick<ArraySpec, "dtype" | "attrs" | "fill">,
  stored: DType,
  options: CfOptions,
): (number | bigint)[] {
  const values = [...numbers(attrs, "missing_value"), ...numbers(attrs, "_FillValue")];
  if (options.fillIsMissing && (typeof fill === "number" || typeof fill === "bigint")) values.push(fill);
  const { defaultFill = false } = options;
  // The range of bytes is too small to lose a value that nobody declared.
  const isByte = dtype === "int8" || dtype === "uint8";
  const applies = defaultFill === "all" || (defaultFill && !isByte);
  // What is meant to be of the other sign was not filled with the default of its own.
  if (applies && stored === dtype && !attrs.has("_FillValue")) {
    const standard = DEFAULT_FILLS[dtype as DType & string];
    if (standard !== undefined) values.push(standard);
  }
  return values;
}

/** Numbers of an attribute without loss to 64-bit integers. */
function numbers(attrs: Attrs, name: string): (number | bigint)[] {
  const value = attrs.get(name)?.value;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((v) => typeof v === "number" || typeof v === "bigint");
}

type Bound = number | bigint | undefined;

/** As in netCDF4-python: a range of which one end is no value of the stored type says nothing. */
function validRange(attrs: Attrs, cast: (value: number | bigint) => Bound): readonly [Bound, Bound] {
  const range = numbers(attrs, "valid_range").map(cast);
  if (range.length === 2) return range.includes(undefined) ? [undefined, undefined] : [range[0], range[1]];
  return [numbers(attrs, "valid_min").map(cast)[0], numbers(attrs, "valid_max").map(cast)[0]];
}

/**
 * An attribute's number as the stored type holds it; undefined when it cannot hold it, and then no value can equal it.
 * Floats are rounded: a double 1e20 is meant to hide the float 1e20.
 */
function castTo(
  value: number | bigint,
  onDisk: IntegerType | FloatType,
  stored: IntegerType | FloatType,
): number | bigint | undefined {
  if (stored === "float32") return Math.fround(Number(value));
  if (stored === "float16") return Math.f16round(Number(value));
  if (stored === "float64") return Number(value);
  if (typeof value === "number" && !Number.isInteger(value)) return undefined;
  let whole = BigInt(value);
  if (!fits(whole, stored)) {
    if (!fits(whole, onDisk as IntegerType)) return undefined;
    const bits = Number(stored.replace(/\D/g, ""));
    whole = stored.startsWith("u") ? BigInt.asUintN(bits, whole) : BigInt.asIntN(bits, whole);
  }
  return stored.endsWith("64") ? whole : Number(whole);
}

function fits(value: bigint, dtype: IntegerType): boolean {
  const bits = Number(dtype.replace(/\D/g, ""));
  return (dtype.startsWith("u") ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value)) === value;
}
