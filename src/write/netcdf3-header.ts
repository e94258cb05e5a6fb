import type { Attr, Json, Scalar } from "../core/array.ts";
import { allocate, type DType, isFloat, isInteger, type TypedArray } from "../core/dtype.ts";
import { GyreError } from "../errors.ts";
import { orderedBytes } from "./byte-order.ts";
import { type NetcdfType, noType } from "./netcdf-spec.ts";

/** The number after `CDF` at the head of a file. */
export type ClassicVersion = 1 | 2 | 5;

/** An external type of the classic formats. */
export interface ClassicType {
  readonly name: NetcdfType;
  readonly number: number;
  readonly size: number;
}

const TYPES: readonly ClassicType[] = [
  { name: "int8", number: 1, size: 1 },
  { name: "char", number: 2, size: 1 },
  { name: "int16", number: 3, size: 2 },
  { name: "int32", number: 4, size: 4 },
  { name: "float32", number: 5, size: 4 },
  { name: "float64", number: 6, size: 8 },
  { name: "uint8", number: 7, size: 1 },
  { name: "uint16", number: 8, size: 2 },
  { name: "uint32", number: 9, size: 4 },
  { name: "int64", number: 10, size: 8 },
  { name: "uint64", number: 11, size: 8 },
];
/** The last type that CDF-1 and CDF-2 have. */
const LAST_CLASSIC = 6;

export function classicType(name: NetcdfType): ClassicType | undefined {
  return TYPES.find((type) => type.name === name);
}

/** The lowest version that holds these types and sizes. */
export function versionFor(
  variables: readonly { readonly type: ClassicType; readonly size: number }[],
  dimensions: ReadonlyMap<string, number>,
  dataBytes: number,
): ClassicVersion {
  const limit = 2 ** 31 - 1;
  const isLarge = [...dimensions.values()].some((size) => size > limit) || variables.some((v) => v.size > 2 ** 32 - 8);
  if (isLarge || variables.some((v) => v.type.number > LAST_CLASSIC)) return 5;
  // Some room for the header, which comes before the data.
  return dataBytes > limit - (1 << 24) ? 2 : 1;
}

export interface HeaderAttribute {
  readonly name: string;
  readonly type: ClassicType;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** An attribute in a type of the version; whole numbers that have none become the next wider one that does. */
export function headerAttribute(name: string, attr: Attr, version: ClassicVersion, as?: ClassicType): HeaderAttribute {
  const list = (Array.isArray(attr.value) ? attr.value : [attr.value]) as readonly (Scalar | Json)[];
  const isNumber = list.every((item) => typeof item === "number" || typeof item === "bigint");
  if (isNumber && list.length > 0) {
    const type = as !== undefined && as.name !== "char" ? as : numberType(name, attr.dtype, list as number[], version);
    return { name, type, count: list.length, bytes: numbers(type, list as number[]) };
  }
  const texts = attr.dtype === "json" && typeof attr.value !== "string" ? [JSON.stringify(attr.value)] : list;
  // Classic files have no lists of strings: netCDF4-python and others join them with line ends.
  const bytes = texts.map((item) => (item instanceof Uint8Array ? item : new TextEncoder().encode(String(item))));
  const joined = Buffer.concat(bytes.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from("\n"), part])));
  return { name, type: classicType("char")!, count: joined.length, bytes: new Uint8Array(joined) };
}

function numberType(
  name: string,
  dtype: DType | "json",
  list: readonly (number | bigint)[],
  version: ClassicVersion,
): ClassicType {
  const base = typeof dtype === "object" && dtype.kind === "enum" ? dtype.base : dtype;
  const isFraction = dtype === "json" && !list.every(Number.isSafeInteger);
  if (isFraction || isFloat(base as DType)) return classicType(base === "float32" ? "float32" : "float64")!;
  if (dtype !== "json" && !isInteger(base as DType) && base !== "bool") throw noType(name, dtype);
  const own = classicType((base === "bool" || base === "json" ? "int32" : base) as NetcdfType)!;
  if (version === 5 || own.number <= LAST_CLASSIC) return own;
  const fits = list.every((item) => BigInt(item) >= -(2n ** 31n) && BigInt(item) < 2n ** 31n);
  return classicType(fits ? (own.size === 1 ? "int16" : "int32") : "float64")!;
}

function numbers(type: ClassicType, list: readonly (number | bigint)[]): Uint8Array {
  const values = allocate(type.name as DType, list.length) as TypedArray;
  const isBig = values instanceof BigInt64Array || values instanceof BigUint64Array;
  list.forEach((item, i) => {
    values[i] = isBig ? BigInt(item) : Number(item);
  });
  return orderedBytes(values, "big");
}

/** Fields of a header (NetCDF classic format specification), in the widths of a version. */
export class HeaderWriter {
  readonly #version: ClassicVersion;
  readonly #parts: Uint8Array[] = [];

  constructor(version: ClassicVersion) {
    this.#version = version;
  }

  start(records: number): void {
    this.#parts.push(Uint8Array.of(0x43, 0x44, 0x46, this.#version));
    this.count(records);
  }

  /** NON_NEG: 64 bits in CDF-5. */
  count(value: number): void {
    if (this.#version === 5) this.#integer64(value);
    else this.type(value);
  }

  /** A 32-bit number: type numbers, and tags of lists. */
  type(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value);
    this.#parts.push(bytes);
  }

  /** Bytes of a variable; where they do not fit, all bits set, as readers compute them anyway. */
  size(value: number): void {
    this.count(this.#version === 5 ? value : Math.min(value, 0xffffffff));
  }

  /** OFFSET: 64 bits but for CDF-1. */
  offset(value: number): void {
    if (this.#version === 1) this.type(value);
    else this.#integer64(value);
  }

  name(name: string): void {
    const bytes = new TextEncoder().encode(name);
    this.count(bytes.length);
    this.#padded(bytes);
  }

  list<T>(tag: number, items: readonly T[], write: (item: T) => void): void {
    this.type(items.length === 0 ? 0 : tag);
    this.count(items.length);
    for (const item of items) write(item);
  }

  attributes(attributes: readonly HeaderAttribute[]): void {
    this.list(12, attributes, ({ name, type, count, bytes }) => {
      this.name(name);
      this.type(type.number);
      this.count(count);
      this.#padded(bytes);
    });
  }

  done(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }

  #integer64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new GyreError("TooLarge", `${value} is beyond what a file can hold`);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
    this.#parts.push(bytes);
  }

  #padded(bytes: Uint8Array): void {
    this.#parts.push(bytes, new Uint8Array((4 - (bytes.length % 4)) % 4));
  }
}
