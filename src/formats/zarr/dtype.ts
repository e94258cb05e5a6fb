import { parseTypeName } from "../../codecs/configuration.ts";
import type { Json } from "../../core/array.ts";
import { type DType, dtypeName, type Field, itemSize, NUMERIC_TYPES, swapSize } from "../../core/dtype.ts";
import { GyreError } from "../../errors.ts";
import { isObject, type JsonObject, wholeNumbers } from "./json.ts";

const MAX_DEPTH = 8;
const MAX_FIELDS = 4096;
/** Bytes of one element. */
const MAX_ITEM = 2 ** 24;

export interface TypeV2 {
  readonly dtype: DType;
  readonly endian: "little" | "big";
}

/** `dtype` of Zarr v2: NumPy's name of a type, or the list of a structure's members. Not for `|O`. */
export function dtypeFromV2(json: Json | undefined, depth = 0): TypeV2 {
  if (typeof json === "string") {
    const found = parseTypeName(json);
    const size = found && itemSize(found.dtype);
    if (found === undefined || size === undefined || size < 1 || size > MAX_ITEM) throw unknown(json);
    return found;
  }
  if (!Array.isArray(json) || depth > MAX_DEPTH) throw unknown(json);
  const orders = new Set<"little" | "big">();
  const dtype = structOf(json, (member) => {
    const type = dtypeFromV2(member, depth + 1);
    if (isOrdered(type.dtype)) orders.add(type.endian);
    return type.dtype;
  });
  if (orders.size > 1) throw unsupported("a structure with members of both byte orders");
  return { dtype, endian: orders.has("big") ? "big" : "little" };
}

/** `data_type` of Zarr v3: core types, those of zarr-extensions, and the names that zarr-python writes. */
export function dtypeFromV3(json: Json | undefined, depth = 0): DType {
  if (depth > MAX_DEPTH) throw unknown(json);
  const name = isObject(json) ? json.name : json;
  const configuration = isObject(json) && isObject(json.configuration) ? json.configuration : {};
  const numeric = NUMERIC_TYPES.find((type) => type === name);
  if (numeric !== undefined) return numeric;
  switch (name) {
    case "string":
      return "string";
    case "bytes":
    case "variable_length_bytes":
      return "bytes";
    case "null_terminated_bytes":
      return { kind: "fixed-bytes", length: lengthOf(configuration, 1) };
    case "fixed_length_utf32":
      return { kind: "fixed-utf32", length: lengthOf(configuration, 4) };
    case "raw_bytes":
      return { kind: "raw", length: lengthOf(configuration, 1) };
    case "numpy.datetime64":
    case "numpy.timedelta64":
      return timeOf(name === "numpy.datetime64" ? "datetime64" : "timedelta64", configuration);
    case "structured":
    case "struct":
      return structOf(configuration.fields, (member) => dtypeFromV3(member, depth + 1));
    default:
      return rawOf(name);
  }
}

/** `r24`: raw bits, a multiple of eight (v3 core, data types). */
function rawOf(name: Json | undefined): DType {
  const bits = typeof name === "string" && /^r(\d{1,10})$/.exec(name)?.[1];
  const length = bits ? Number(bits) / 8 : 0;
  if (!Number.isInteger(length) || length < 1 || length > MAX_ITEM) throw unknown(name);
  return { kind: "raw", length };
}

function lengthOf(configuration: JsonObject, unit: number): number {
  const [bytes = 0] = wholeNumbers([configuration.length_bytes ?? 0], unit) ?? [];
  if (bytes === 0 || bytes % unit !== 0 || bytes > MAX_ITEM) throw unsupported(`a type of ${bytes} bytes`);
  return bytes / unit;
}

function timeOf(kind: "datetime64" | "timedelta64", { unit, scale_factor: scale = 1 }: JsonObject): DType {
  if (typeof unit !== "string" || !/^[a-zμ]{1,7}$/i.test(unit) || !Number.isSafeInteger(scale)) throw unknown(kind);
  return { kind, unit, scale: scale as number };
}

/** Members one after the other, as `[name, type, shape?]` or `{name, data_type}`. */
function structOf(json: Json | undefined, typeOf: (member: Json | undefined) => DType): DType {
  if (!Array.isArray(json) || json.length === 0 || json.length > MAX_FIELDS) throw unknown(json);
  let size = 0;
  const fields = json.map((member): Field => {
    const [name, type, shape = []] = isObject(member)
      ? [member.name, member.data_type]
      : Array.isArray(member)
        ? member
        : [];
    const dtype = typeOf(type);
    const lengths = wholeNumbers(typeof shape === "number" ? [shape] : shape, 1);
    if (typeof name !== "string" || lengths === undefined) throw unknown(json);
    const offset = size;
    size += lengths.reduce((n, length) => n * length, itemSize(dtype) ?? Number.NaN);
    if (!(size <= MAX_ITEM)) throw unsupported(`a structure with a member ${name} of type ${dtypeName(dtype)}`);
    return { name, dtype, offset, shape: lengths };
  });
  return { kind: "struct", fields, size };
}

function isOrdered(dtype: DType): boolean {
  if (typeof dtype === "object" && dtype.kind === "struct") return dtype.fields.some((f) => isOrdered(f.dtype));
  return swapSize(dtype) > 1;
}

function unknown(json: Json | undefined): GyreError {
  return unsupported(`data type ${JSON.stringify(json)?.slice(0, 200)}`);
}

function unsupported(what: string): GyreError {
  return new GyreError("Unsupported", `${what} is not supported`, { subject: what });
}
