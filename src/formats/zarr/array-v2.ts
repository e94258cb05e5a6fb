import type { CodecRegistry } from "../../codecs/codec.ts";
import { parseTypeName } from "../../codecs/configuration.ts";
import type { CodecSpec, Json } from "../../core/array.ts";
import { attrsFromJson } from "../../core/attrs.ts";
import type { DType } from "../../core/dtype.ts";
import { badSource, GyreError } from "../../errors.ts";
import { type ArrayLayout, isHidden, MAX_RANK, namedDims } from "./array.ts";
import { dtypeFromV2, type TypeV2 } from "./dtype.ts";
import { fillFromJson } from "./fill.ts";
import { isObject, type JsonObject, wholeNumbers } from "./json.ts";

/** Reads `.zarray` and `.zattrs` (Zarr v2 specification, "Metadata"). Throws BadSource or Unsupported. */
export function layoutFromV2(url: URL, zarray: JsonObject, zattrs: JsonObject, registry: CodecRegistry): ArrayLayout {
  const fail = (reason: string): GyreError => badSource(url, undefined, reason);
  const shape = wholeNumbers(zarray.shape, 0);
  const chunks = wholeNumbers(zarray.chunks, 0)?.map((n, i) => (n === 0 && shape?.[i] === 0 ? 1 : n));
  if (shape === undefined || shape.length > MAX_RANK) throw fail("shape is no list of sizes");
  if (chunks?.length !== shape.length || chunks.includes(0))
    throw fail("chunks is no list of sizes, one per dimension");
  const filters = codecList(url, zarray.filters);
  const { dtype, endian } = typeOf(zarray.dtype, filters);
  const fill = fillFromJson(dtype, zarray.fill_value);
  if (fill === undefined) throw fail(`fill_value ${JSON.stringify(zarray.fill_value)} is no value of the type`);
  const dims = namedDims(zattrs, shape.length);
  const separator = zarray.dimension_separator === "/" ? "/" : ".";
  const attrs = attrsFromJson(zattrs);
  for (const name of attrs.keys()) if (isHidden(name)) attrs.delete(name);
  // For xarray, NCZarr and GDAL the fill value of an array with named dimensions is what CF calls _FillValue.
  if (dims !== undefined && fill !== null && !attrs.has("_FillValue")) attrs.set("_FillValue", { dtype, value: fill });
  const compressor = zarray.compressor === null || zarray.compressor === undefined ? [] : [zarray.compressor];
  return {
    dtype,
    shape,
    chunks,
    codecs: [
      ...(zarray.order === "F" && shape.length > 1 ? [reversal(shape.length)] : []),
      ...chain([...filters, ...codecList(url, compressor)], endian, registry),
    ],
    fill,
    dims: dims ?? shape.map(() => null),
    attrs,
    key: (chunk) => (chunk.length === 0 ? "0" : chunk.join(separator)),
  };
}

/** Codecs of object arrays, and what their elements are. */
const OBJECT_TYPES: ReadonlyMap<string, DType> = new Map([
  ["vlen-utf8", "string"],
  ["vlen-bytes", "bytes"],
  ["json2", "string"],
  ["msgpack2", "string"],
  ["pickle", "string"],
  ["categorize", "string"],
]);

function typeOf(json: Json | undefined, filters: readonly CodecSpec[]): TypeV2 {
  if (json !== "|O") return dtypeFromV2(json);
  for (const { name, configuration } of filters) {
    const plain = OBJECT_TYPES.get(name);
    if (plain !== undefined) return { dtype: plain, endian: "little" };
    if (name !== "vlen-array") continue;
    const { dtype: base, endian } = dtypeFromV2(configuration?.dtype);
    return { dtype: { kind: "vlen", base }, endian };
  }
  throw new GyreError("Unsupported", "an object array without a codec for its elements", { subject: "|O" });
}

function codecList(url: URL, json: Json | undefined): CodecSpec[] {
  if (json === null || json === undefined) return [];
  if (!Array.isArray(json) || json.length > 32) throw badSource(url, undefined, "filters is no list of codecs");
  return json.map((entry: Json): CodecSpec => {
    if (!isObject(entry) || typeof entry.id !== "string") throw badSource(url, undefined, "a codec has no id");
    const { id, ...configuration } = entry;
    return Object.keys(configuration).length > 0 ? { name: id, configuration } : { name: id };
  });
}

/**
 * v2 does not say where numbers become bytes: after the last filter that works on numbers. Filters of an unknown kind
 * are taken to work on bytes.
 */
function chain(codecs: readonly CodecSpec[], endian: "little" | "big", registry: CodecRegistry): CodecSpec[] {
  const named = codecs.map((codec) => ({ ...codec, name: registry.get(codec.name)?.name ?? codec.name }));
  const kinds = named.map((codec) => kindOf(codec, registry));
  if (kinds.includes("array-bytes")) return named;
  const numbers = kinds.lastIndexOf("array-array") + 1;
  const order = numbers > 0 ? encodedEndian(named[numbers - 1]!, endian) : endian;
  const bytes: CodecSpec = { name: "bytes", configuration: { endian: order } };
  return [...named.slice(0, numbers), bytes, ...named.slice(numbers)];
}

function kindOf({ name }: CodecSpec, registry: CodecRegistry): string {
  const known = registry.get(name)?.kind;
  if (known !== undefined) return known;
  return OBJECT_TYPES.has(name) || name === "vlen-array" ? "array-bytes" : "bytes-bytes";
}

/** Byte order of what a filter gives: `>i2` of its `astype`, or that of the array where it says none. */
function encodedEndian({ configuration = {} }: CodecSpec, endian: "little" | "big"): "little" | "big" {
  const type = configuration.encode_dtype ?? configuration.astype ?? configuration.dtype;
  return (typeof type === "string" ? parseTypeName(type)?.endian : undefined) ?? endian;
}

function reversal(rank: number): CodecSpec {
  return { name: "transpose", configuration: { order: Array.from({ length: rank }, (_, i) => rank - 1 - i) } };
}
