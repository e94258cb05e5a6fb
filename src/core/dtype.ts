import { GyreError } from "../errors.ts";

/** Names as in Zarr v3 (core data types) and NumPy. */
export type IntegerType = "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64";
export type FloatType = "float16" | "float32" | "float64";
export type ComplexType = "complex64" | "complex128";
export type NumericType = "bool" | IntegerType | FloatType | ComplexType;

/** One member of a structured type; `shape` is that of a sub-array member, `[]` for a scalar. */
export interface Field {
  readonly name: string;
  readonly dtype: DType;
  /** Byte offset within the element. */
  readonly offset: number;
  readonly shape: readonly number[];
}

/**
 * The type of an array's elements. Byte order is not part of it: as in Zarr v3 it belongs to the `bytes` codec, and
 * decoded values are always in the machine's order.
 */
export type DType =
  | NumericType
  /** Variable-length UTF-8 text. */
  | "string"
  /** Variable-length bytes. */
  | "bytes"
  /** Fixed-length bytes, padded with NUL (NumPy `S`, HDF5 and NetCDF `char`); `length` in bytes. */
  | { readonly kind: "fixed-bytes"; readonly length: number }
  /** Fixed-length text in UTF-32 (NumPy `U`); `length` in code points. */
  | { readonly kind: "fixed-utf32"; readonly length: number }
  /** Uninterpreted bytes (HDF5 opaque, references, NumPy `V`); `length` in bytes. */
  | { readonly kind: "raw"; readonly length: number; readonly tag?: string }
  /** NumPy `datetime64`/`timedelta64`: int64 counts of `scale` x `unit`; the smallest int64 is NaT. */
  | { readonly kind: "datetime64" | "timedelta64"; readonly unit: string; readonly scale: number }
  /** A named integer type whose values have names. */
  | {
      readonly kind: "enum";
      readonly base: IntegerType;
      readonly members: ReadonlyMap<string, number | bigint>;
      readonly name?: string;
    }
  | { readonly kind: "struct"; readonly fields: readonly Field[]; readonly size: number; readonly name?: string }
  /** A ragged array: each element is a one-dimensional array of `base` (HDF5/NetCDF-4 vlen). */
  | { readonly kind: "vlen"; readonly base: DType; readonly name?: string };

export type TypedArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float16Array
  | Float32Array
  | Float64Array;

/**
 * Decoded elements, C order, machine byte order.
 * - numbers: the typed array of that width (`bool` as Uint8Array of 0/1; complex as interleaved re, im);
 * - `enum`: as its base; `datetime64`, `timedelta64`: BigInt64Array;
 * - `fixed-bytes`, `fixed-utf32`, `raw`, `struct`: Uint8Array of `count * itemSize` bytes (UTF-32 little-endian, struct
 *   members in little-endian);
 * - `string`: string[]; `bytes`: Uint8Array[]; `vlen`: one such array per element.
 */
export type Values = TypedArray | string[] | Uint8Array[] | Values[];

const SIZES: Readonly<Record<NumericType, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
  complex64: 8,
  complex128: 16,
};

const ARRAYS = {
  bool: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  float16: Float16Array,
  float32: Float32Array,
  float64: Float64Array,
  complex64: Float32Array,
  complex128: Float64Array,
} as const;

export const NUMERIC_TYPES = Object.keys(SIZES) as readonly NumericType[];

export function isNumeric(dtype: DType): dtype is NumericType {
  return typeof dtype === "string" && dtype in SIZES;
}

export function isInteger(dtype: DType): dtype is IntegerType {
  return typeof dtype === "string" && /^u?int\d+$/.test(dtype);
}

export function isFloat(dtype: DType): dtype is FloatType {
  return dtype === "float16" || dtype === "float32" || dtype === "float64";
}

export function isComplex(dtype: DType): dtype is ComplexType {
  return dtype === "complex64" || dtype === "complex128";
}

/** The typed-array element type that holds `dtype`, or undefined when its elements are bytes, strings or lists. */
export function storageType(dtype: DType): NumericType | undefined {
  if (isNumeric(dtype)) return dtype;
  if (typeof dtype === "string") return undefined;
  if (dtype.kind === "enum") return dtype.base;
  if (dtype.kind === "datetime64" || dtype.kind === "timedelta64") return "int64";
  return undefined;
}

/** Bytes per element as stored without compression; undefined for variable-length types. */
export function itemSize(dtype: DType): number | undefined {
  const stored = storageType(dtype);
  if (stored !== undefined) return SIZES[stored];
  if (typeof dtype === "string") return undefined;
  switch (dtype.kind) {
    case "fixed-bytes":
    case "raw":
      return dtype.length;
    case "fixed-utf32":
      return dtype.length * 4;
    case "struct":
      return dtype.size;
    default:
      return undefined;
  }
}

/** Bytes of one number within an element: what a byte swap must reverse (4 for complex64, 1 for bytes). */
export function swapSize(dtype: DType): number {
  const stored = storageType(dtype);
  if (stored !== undefined) return isComplex(stored) ? SIZES[stored] / 2 : SIZES[stored];
  return typeof dtype === "object" && dtype.kind === "fixed-utf32" ? 4 : 1;
}

/** A zeroed container for `count` elements. */
export function allocate(dtype: DType, count: number): Values {
  const stored = storageType(dtype);
  if (stored !== undefined) return new ARRAYS[stored](isComplex(stored) ? count * 2 : count);
  const size = itemSize(dtype);
  if (size !== undefined) return new Uint8Array(count * size);
  if (dtype === "string") return new Array<string>(count).fill("");
  if (dtype === "bytes") return new Array<Uint8Array>(count).fill(new Uint8Array(0));
  const { base } = dtype as Extract<DType, { kind: "vlen" }>;
  return Array.from({ length: count }, () => allocate(base, 0));
}

/** Entries of the container per element: 2 for complex numbers, the size in bytes for byte-like types, else 1. */
export function entriesPerElement(dtype: DType): number {
  const stored = storageType(dtype);
  if (stored !== undefined) return isComplex(stored) ? 2 : 1;
  return itemSize(dtype) ?? 1;
}

/** Views machine-order bytes as values, without a copy where alignment allows. Throws BadSource on a short buffer. */
export function asValues(dtype: DType, bytes: Uint8Array): TypedArray {
  const stored = storageType(dtype);
  if (stored === undefined) return bytes;
  const type = ARRAYS[stored];
  const width = type.BYTES_PER_ELEMENT;
  if (bytes.byteLength % width !== 0) {
    throw new GyreError("BadSource", `${bytes.byteLength} bytes are not a whole number of ${stored} values`);
  }
  // Not `slice()`: a Node Buffer's shares its memory.
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return new type(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / width);
}

/** The bytes under a typed array, without a copy. */
export function asBytes(values: TypedArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A short name for people and for error messages: `int16`, `S5`, `struct{x: int32, y: float64}`. */
export function dtypeName(dtype: DType): string {
  if (typeof dtype === "string") return dtype;
  switch (dtype.kind) {
    case "fixed-bytes":
      return `S${dtype.length}`;
    case "fixed-utf32":
      return `U${dtype.length}`;
    case "raw":
      return `V${dtype.length}`;
    case "datetime64":
    case "timedelta64":
      return `${dtype.kind}[${dtype.scale === 1 ? "" : dtype.scale}${dtype.unit}]`;
    case "enum":
      return `enum(${dtype.base})`;
    case "struct":
      return `struct{${dtype.fields.map((f) => `${f.name}: ${dtypeName(f.dtype)}${f.shape.length ? `[${f.shape.join("x")}]` : ""}`).join(", ")}}`;
    case "vlen":
      return `vlen(${dtypeName(dtype.base)})`;
  }
}

/** Structural equality; names of enums and structs are not compared. */
export function sameDType(a: DType, b: DType): boolean {
  return (
    a === b || (typeof a === "object" && typeof b === "object" && JSON.stringify(plain(a)) === JSON.stringify(plain(b)))
  );
}

function plain(dtype: DType): unknown {
  if (typeof dtype === "string") return dtype;
  switch (dtype.kind) {
    case "enum":
      return ["enum", dtype.base, [...dtype.members].map(([k, v]) => [k, String(v)])];
    case "struct":
      return ["struct", dtype.size, dtype.fields.map((f) => [f.name, plain(f.dtype), f.offset, f.shape])];
    case "vlen":
      return ["vlen", plain(dtype.base)];
    case "raw":
      return ["raw", dtype.length];
    default:
      return dtype;
  }
}
