import type { Attr, Scalar } from "../../core/array.ts";
import { asValues, type DType, type NumericType, type TypedArray } from "../../core/dtype.ts";
import { decodeText } from "../text.ts";

interface ExternalType {
  readonly dtype: DType;
  readonly size: number;
  /** Default fill value (netcdf.h, NC_FILL_*). */
  readonly fill: Scalar;
}

const NC_CHAR = 2;

const number = (dtype: NumericType, size: number, fill: Scalar): ExternalType => ({ dtype, size, fill });

/** nc_type by its number: 1 to 6 in every version, 7 to 11 in CDF-5. */
const TYPES: readonly (ExternalType | undefined)[] = [
  undefined,
  number("int8", 1, -127),
  { dtype: { kind: "fixed-bytes", length: 1 }, size: 1, fill: new Uint8Array(1) },
  number("int16", 2, -32767),
  number("int32", 4, -2147483647),
  number("float32", 4, 9.969209968386869e36),
  number("float64", 8, 9.969209968386869e36),
  number("uint8", 1, 255),
  number("uint16", 2, 65535),
  number("uint32", 4, 4294967295),
  number("int64", 8, -9223372036854775806n),
  number("uint64", 8, 18446744073709551614n),
];

export function externalType(code: number, version: number): ExternalType | undefined {
  return code <= (version === 5 ? 11 : 6) ? TYPES[code] : undefined;
}

/** An attribute's value out of its big-endian bytes: text for NC_CHAR, one number or a list otherwise. */
export function attributeValue(code: number, type: ExternalType, bytes: Uint8Array): Attr {
  if (code === NC_CHAR) {
    const dtype: DType = { kind: "fixed-bytes", length: bytes.byteLength };
    return { dtype, value: decodeText(bytes).replace(/\0+$/, "") };
  }
  const values = [...(littleEndian(type, bytes) as Iterable<Scalar>)];
  return { dtype: type.dtype, value: values.length === 1 ? values[0]! : values };
}

/** What missing values of a variable are: its `_FillValue` where that is one value of the variable's own type. */
export function fillOf(type: ExternalType, attr: Attr | undefined): Scalar {
  const value = attr?.value;
  if (type.dtype === attr?.dtype && (typeof value === "number" || typeof value === "bigint")) return value;
  if (typeof type.dtype === "object" && typeof value === "string" && value.length === 1) {
    return Buffer.from(value, "latin1");
  }
  return type.fill;
}

function littleEndian({ dtype, size }: ExternalType, bytes: Uint8Array): TypedArray {
  const copy = Buffer.from(bytes);
  if (size === 2) copy.swap16();
  else if (size === 4) copy.swap32();
  else if (size === 8) copy.swap64();
  return asValues(dtype, copy);
}
