import type { ArraySpec, Attr, Attrs, CodecSpec, Dataset, Group, Json } from "../core/array.ts";
import { type DType, dtypeName, isFloat, itemSize, storageType, swapSize } from "../core/dtype.ts";
import { GyreError } from "../errors.ts";
import { attributesOf, fillToJson, integerToJson, type JsonObject, zeroFill } from "./zarr-fill.ts";
import { supported } from "./zarr-v2.ts";

/** numcodecs that Zarr v3 knows only under the prefix `numcodecs.`; those of the v3 registry keep their names. */
const NUMCODECS: ReadonlySet<string> = new Set([
  "adler32",
  "astype",
  "bitround",
  "bz2",
  "crc32",
  "delta",
  "fixedscaleoffset",
  "fletcher32",
  "jenkins_lookup3",
  "lz4",
  "lzma",
  "packbits",
  "pcodec",
  "quantize",
  "shuffle",
  "zfpy",
  "zlib",
]);

const WITHOUT_NAME: ReadonlySet<string> = new Set([
  "scaleoffset",
  "nbit",
  "szip",
  "lzf",
  "hdf5-lz4",
  "bitshuffle",
  "json2",
  "vlen-array",
  "base64",
  "categorize",
]);

const BLOSC_SHUFFLES = ["noshuffle", "shuffle", "bitshuffle"] as const;

/** Metadata of an array in Zarr v3. Throws Unsupported, naming the codec or type, for what v3 cannot say. */
export function toZarrV3(spec: ArraySpec): JsonObject {
  return {
    zarr_format: 3,
    node_type: "array",
    shape: spec.shape,
    data_type: dtypeToV3(spec.dtype),
    chunk_grid: { name: "regular", configuration: { chunk_shape: spec.chunks } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: fillToJson(spec.dtype, spec.fill ?? zeroFill(spec.dtype)),
    codecs: spec.codecs.map((codec) => codecToV3(codec, spec)),
    attributes: arrayAttributes(spec),
    dimension_names: spec.dims,
    storage_transformers: [],
  };
}

/** Metadata of a group in Zarr v3, with `consolidated_metadata` for the root when `children` are given. */
export function groupV3(group: Group, children?: Iterable<readonly [string, JsonObject]>): JsonObject {
  return {
    zarr_format: 3,
    node_type: "group",
    attributes: attributesOf(group.attrs),
    ...(children === undefined
      ? {}
      : {
          consolidated_metadata: {
            kind: "inline",
            must_understand: false,
            metadata: Object.fromEntries(children),
          },
        }),
  };
}

/**
 * Metadata of every node below the root by its path, parents before children. Variables that v3 cannot describe are
 * left out; asking `toZarrV3` for one says why.
 */
export function* nodesV3(dataset: Dataset): Generator<readonly [string, JsonObject]> {
  for (const [path, group] of dataset.groups) yield [path, groupV3(group)];
  for (const [name, { spec }] of dataset.variables) {
    const node = supported(() => toZarrV3(spec));
    if (node !== undefined) yield [name, node];
  }
}

/** The root `zarr.json` of a dataset with everything below it inline. */
export function consolidateV3(dataset: Dataset): JsonObject {
  return groupV3(dataset, nodesV3(dataset));
}

function dtypeToV3(dtype: DType): Json {
  if (typeof dtype === "string") return dtype === "bytes" ? "variable_length_bytes" : dtype;
  switch (dtype.kind) {
    case "enum":
      return dtype.base;
    case "fixed-bytes":
      return { name: "null_terminated_bytes", configuration: { length_bytes: dtype.length } };
    case "fixed-utf32":
      return { name: "fixed_length_utf32", configuration: { length_bytes: dtype.length * 4 } };
    case "raw":
      return { name: "raw_bytes", configuration: { length_bytes: dtype.length } };
    case "datetime64":
    case "timedelta64":
      return { name: `numpy.${dtype.kind}`, configuration: { unit: dtype.unit, scale_factor: dtype.scale } };
    case "struct":
      return { name: "structured", configuration: { fields: structToV3(dtype) } };
    case "vlen":
      throw withoutType(dtype);
  }
}

function structToV3(dtype: Extract<DType, { kind: "struct" }>): Json {
  let end = 0;
  const members = dtype.fields.map((field): Json => {
    const size = itemSize(field.dtype);
    if (size === undefined || field.offset !== end || field.shape.length > 0) throw withoutType(dtype);
    end += size;
    return [field.name, dtypeToV3(field.dtype)];
  });
  if (end !== dtype.size) throw withoutType(dtype);
  return members;
}

function codecToV3({ name, configuration = {} }: CodecSpec, spec: ArraySpec): Json {
  if (WITHOUT_NAME.has(name) || name.includes(":")) {
    throw new GyreError("Unsupported", `codec ${name} has no name in Zarr v3`, { subject: name });
  }
  if (name === "bytes") return bytesToV3(configuration.endian ?? "little", spec.dtype);
  if (name === "transpose") return { name, configuration: { order: axesOf(configuration.order, spec.shape.length) } };
  if (name === "blosc") return { name, configuration: bloscToV3(configuration, spec.dtype) };
  if (name === "zstd") return { name, configuration: { level: 0, checksum: false, ...configuration } };
  if (name === "gzip") return { name, configuration: { level: 5, ...configuration } };
  // v3's own crc32c is always at the end and takes no configuration.
  if (name === "crc32c")
    return configuration.location === "start" ? { name: `numcodecs.${name}`, configuration } : { name };
  return { name: NUMCODECS.has(name) ? `numcodecs.${name}` : name, configuration };
}

/** v3 structures have members in one order only, little. */
function bytesToV3(endian: Json, dtype: DType): Json {
  if (typeof dtype === "object" && dtype.kind === "struct" && endian === "big") throw withoutType(dtype);
  return swapSize(dtype) === 1 ? { name: "bytes" } : { name: "bytes", configuration: { endian } };
}

function axesOf(order: Json | undefined, rank: number): Json {
  if (Array.isArray(order)) return order;
  const axes = Array.from({ length: rank }, (_, i) => i);
  return order === "F" ? axes.reverse() : axes;
}

function bloscToV3(configuration: JsonObject, dtype: DType): JsonObject {
  const size = itemSize(dtype) ?? 1;
  const { cname = "lz4", clevel = 5, shuffle = 1, blocksize = 0, typesize = size } = configuration;
  // numcodecs' -1: bit shuffle for single bytes, byte shuffle for all else.
  const number = shuffle === -1 ? (size === 1 ? 2 : 1) : shuffle;
  return {
    typesize,
    cname,
    clevel,
    shuffle: typeof number === "number" ? (BLOSC_SHUFFLES[number] ?? "shuffle") : number,
    blocksize,
  };
}

function arrayAttributes(spec: ArraySpec): JsonObject {
  const out = attributesOf(spec.attrs);
  const fill = fillAttribute(spec.attrs, spec.dtype);
  if (fill !== undefined) out._FillValue = fill;
  return out;
}

/** `_FillValue` as xarray writes it into v3 attributes: floats as base64 of a little-endian double, bytes in base64. */
function fillAttribute(attrs: Attrs, dtype: DType): Json | undefined {
  const attr: Attr | undefined = attrs.get("_FillValue");
  const value = Array.isArray(attr?.value) ? attr.value[0] : attr?.value;
  if (typeof value === "number" && isFloat(dtype)) {
    return Buffer.from(new Float64Array([value]).buffer).toString("base64");
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "bigint" && storageType(dtype) !== undefined) return integerToJson(value);
  return undefined;
}

function withoutType(dtype: DType): GyreError {
  return new GyreError("Unsupported", `Zarr v3 has no type for ${dtypeName(dtype)}`, { subject: dtypeName(dtype) });
}
