import type { CodecSpec, Json } from "../core/array.ts";
import type { DType, NumericType } from "../core/dtype.ts";
import { NUMERIC_TYPES } from "../core/dtype.ts";
import { corrupt } from "./failure.ts";

export type Configuration = NonNullable<CodecSpec["configuration"]>;

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number of a codec's configuration, `fallback` when absent or null; without a fallback it is required. */
export function integerOption(
  codec: string,
  configuration: Configuration,
  key: string,
  fallback?: number,
  { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Bounds = {},
): number {
  const value = configuration[key] ?? fallback;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
    throw corrupt(codec, `${key} ${JSON.stringify(value)} is not a whole number from ${min} to ${max}`);
  }
  return value;
}

export function numberOption(codec: string, configuration: Configuration, key: string, fallback?: number): number {
  const value = configuration[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw corrupt(codec, `${key} ${JSON.stringify(value)} is not a number`);
  }
  return value;
}

/** One of a few words. */
export function wordOption<Word extends string>(
  codec: string,
  configuration: Configuration,
  key: string,
  words: readonly Word[],
  fallback?: Word,
): Word {
  const value = configuration[key] ?? fallback;
  const word = words.find((w) => w === value);
  if (word === undefined) throw corrupt(codec, `${key} ${JSON.stringify(value)} is not one of ${words.join(", ")}`);
  return word;
}

/** A list of at most `limit` whole numbers, none negative. */
export function integersOption(codec: string, configuration: Configuration, key: string, limit = 65_536): number[] {
  const value = configuration[key];
  const isCount = (n: Json): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(value) || value.length > limit || !value.every(isCount)) {
    throw corrupt(codec, `${key} is not a list of whole numbers`);
  }
  return value as number[];
}

/** The type that a NumPy type string (`<i4`, `|b1`, `<M8[ns]`) or a Zarr v3 name (`int32`) says, and its byte order. */
export function parseTypeName(text: string): { readonly dtype: DType; readonly endian: "little" | "big" } | undefined {
  const name = NUMERIC_TYPES.find((type) => type === text);
  if (name !== undefined) return { dtype: name, endian: "little" };
  const match = /^([<>|=])?([biufcmMSUV])(\d{0,9})(?:\[(\d{0,9})([a-zA-Zμ]{1,2})\])?$/.exec(text);
  if (match === null) return undefined;
  const [, order, kind, digits, scale, unit] = match as unknown as readonly (string | undefined)[];
  const size = Number(digits);
  const dtype = numpyType(kind as string, size, unit, scale ? Number(scale) : 1);
  return dtype === undefined ? undefined : { dtype, endian: order === ">" ? "big" : "little" };
}

function numpyType(kind: string, size: number, unit: string | undefined, scale: number): DType | undefined {
  const numeric = (prefix: string): NumericType | undefined => NUMERIC_TYPES.find((t) => t === `${prefix}${size * 8}`);
  switch (kind) {
    case "b":
      return size === 1 ? "bool" : undefined;
    case "i":
      return numeric("int");
    case "u":
      return numeric("uint");
    case "f":
      return numeric("float");
    case "c":
      return numeric("complex");
    case "m":
    case "M":
      return { kind: kind === "m" ? "timedelta64" : "datetime64", unit: unit ?? "generic", scale };
    case "S":
      return { kind: "fixed-bytes", length: size };
    case "U":
      return { kind: "fixed-utf32", length: size };
    default:
      return { kind: "raw", length: size };
  }
}

/** A type of a codec's configuration (`dtype`, `astype`); `fallback` when absent. */
export function typeOption(codec: string, configuration: Configuration, key: string, fallback?: DType): DType {
  const value = configuration[key];
  if ((value === undefined || value === null) && fallback !== undefined) return fallback;
  const parsed = typeof value === "string" ? parseTypeName(value) : undefined;
  if (parsed === undefined) throw corrupt(codec, `${key} ${JSON.stringify(value)} is not a known type`);
  return parsed.dtype;
}
