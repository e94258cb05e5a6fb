import type { ArraySpec, CodecSpec, Dataset, Group, Json, Scalar } from "../core/array.ts";
import { type DType, dtypeName, itemSize, type NumericType, storageType, swapSize } from "../core/dtype.ts";
import { GyreError, isGyreError } from "../errors.ts";
import { attributesOf, fillToJson, type JsonObject } from "./zarr-fill.ts";

/** The two documents of a Zarr v2 array. */
export interface ZarrV2Array {
  readonly zarray: JsonObject;
  readonly zattrs: JsonObject;
}

export interface ZarrV2Options {
  /**
   * xarray, NCZarr and GDAL take `fill_value` for CF's `_FillValue` and mask it. `cf` therefore writes null for an
   * array without that attribute, and whoever serves it must answer a missing chunk with an encoded one where
   * `spec.fill` is not zero. `exact` always writes `spec.fill`.
   */
  readonly fill?: "cf" | "exact";
}

const TYPE_CODES: Readonly<Record<NumericType, string>> = {
  bool: "b1",
  int8: "i1",
  int16: "i2",
  int32: "i4",
  int64: "i8",
  uint8: "u1",
  uint16: "u2",
  uint32: "u4",
  uint64: "u8",
  float16: "f2",
  float32: "f4",
  float64: "f8",
  complex64: "c8",
  complex128: "c16",
};

/** Codecs that neither numcodecs nor imagecodecs has under any id, whatever their configuration. */
const WITHOUT_ID: ReadonlySet<string> = new Set(["sharding_indexed", "transpose", "scaleoffset", "nbit", "lzf"]);

/** v3 names of blosc's shuffles as numcodecs numbers them. */
const BLOSC_SHUFFLES: ReadonlyMap<Json | undefined, number> = new Map([
  ["noshuffle", 0],
  ["shuffle", 1],
  ["bitshuffle", 2],
]);

/** Metadata of an array in Zarr v2. Throws Unsupported, naming the codec or type, for what v2 cannot say. */
export function toZarrV2(spec: ArraySpec, { fill = "cf" }: ZarrV2Options = {}): ZarrV2Array {
  const { order, codecs } = splitOrder(spec);
  const bytes = codecs.find((c) => c.name === "bytes");
  const ids = codecs.filter((c) => c !== bytes).map((c) => toNumcodecs(c));
  const lastIsBytes = ids.length > 0 && codecs.at(-1)!.name !== "bytes" && !isVlen(codecs.at(-1)!.name);
  // A chain that ends in an array codec (`delta` and nothing else) has no compressor: `bytes` stands last in it.
  const compressor = lastIsBytes ? ids.pop()! : null;
  const hasFill = spec.attrs.has("_FillValue");
  const written = spec.fill !== null && (fill === "exact" || hasFill);
  return {
    zarray: {
      zarr_format: 2,
      shape: spec.shape,
      chunks: spec.chunks,
      dtype: dtypeToV2(spec.dtype, bytes?.configuration?.endian === "big" ? ">" : "<"),
      compressor,
      filters: ids.length > 0 ? ids : null,
      fill_value: written ? fillToJson(spec.dtype, spec.fill) : null,
      order,
      dimension_separator: ".",
    },
    zattrs: {
      // Written as `fill_value`, it would be said twice, and NaN has no number in JSON.
      ...attributesOf(spec.attrs, written ? "_FillValue" : undefined),
      _ARRAY_DIMENSIONS: spec.dims,
    },
  };
}

/** `.zattrs` of a group. */
export function groupAttributesV2(group: Group): JsonObject {
  return attributesOf(group.attrs);
}

export const ZGROUP: JsonObject = Object.freeze({ zarr_format: 2 });

/** The documents of the root and of all groups under their keys. */
export function* groupDocumentsV2(dataset: Dataset): Generator<readonly [string, JsonObject]> {
  yield [".zgroup", ZGROUP];
  yield [".zattrs", groupAttributesV2(dataset)];
  for (const [path, group] of dataset.groups) {
    yield [`${path}/.zgroup`, ZGROUP];
    yield [`${path}/.zattrs`, groupAttributesV2(group)];
  }
}

/**
 * Every metadata document of a dataset under its key (`.zgroup`, `tas/.zarray`, `group/.zattrs`), groups first.
 * Variables that v2 cannot describe are left out; asking `toZarrV2` for one says why.
 */
export function* documentsV2(dataset: Dataset, options?: ZarrV2Options): Generator<readonly [string, JsonObject]> {
  yield* groupDocumentsV2(dataset);
  for (const [name, { spec }] of dataset.variables) {
    const documents = supported(() => toZarrV2(spec, options));
    if (documents === undefined) continue;
    yield [`${name}/.zarray`, documents.zarray];
    yield [`${name}/.zattrs`, documents.zattrs];
  }
}

/** `.zmetadata` out of documents: all of one dataset, or of several under their prefixes. */
export function consolidateV2(documents: Iterable<readonly [string, JsonObject]>): JsonObject {
  return { metadata: Object.fromEntries(documents), zarr_consolidated_format: 1 };
}

/** The result, or undefined when it cannot be expressed. */
export function supported<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (isGyreError(error, "Unsupported")) return undefined;
    throw error;
  }
}

/** NumPy's name of a type, or the list of members of a structure, as `dtype` of v2 holds it. */
export function dtypeToV2(dtype: DType, endian: "<" | ">"): Json {
  const stored = storageType(dtype);
  const sign = swapSize(dtype) === 1 ? "|" : endian;
  if (typeof dtype === "string") return stored === undefined ? "|O" : sign + TYPE_CODES[stored];
  switch (dtype.kind) {
    case "enum":
      return sign + TYPE_CODES[dtype.base];
    case "fixed-bytes":
      return `|S${dtype.length}`;
    case "fixed-utf32":
      return `${endian}U${dtype.length}`;
    case "raw":
      return `|V${dtype.length}`;
    case "datetime64":
    case "timedelta64": {
      const unit = dtype.unit === "generic" ? "" : `[${dtype.scale === 1 ? "" : dtype.scale}${dtype.unit}]`;
      return `${endian}${dtype.kind === "datetime64" ? "M8" : "m8"}${unit}`;
    }
    case "struct":
      return structToV2(dtype, endian);
    case "vlen":
      return "|O";
  }
}

/** v2 members follow each other without gaps, so that padding becomes members of its own. */
function structToV2(dtype: Extract<DType, { kind: "struct" }>, endian: "<" | ">"): Json {
  const members: Json[] = [];
  let end = 0;
  const pad = (to: number): void => {
    if (to > end) members.push([`_padding${end}`, `|V${to - end}`]);
  };
  for (const field of [...dtype.fields].sort((a, b) => a.offset - b.offset)) {
    const size = itemSize(field.dtype);
    if (size === undefined || field.offset < end) {
      throw new GyreError("Unsupported", `Zarr v2 has no type for ${dtypeName(dtype)}`, { subject: field.name });
    }
    pad(field.offset);
    const type = dtypeToV2(field.dtype, endian);
    members.push(field.shape.length > 0 ? [field.name, type, field.shape] : [field.name, type]);
    end = field.offset + field.shape.reduce((n, m) => n * m, size);
  }
  pad(dtype.size);
  return members;
}

/** v2 knows only C and Fortran order: a leading full reversal of the axes becomes the latter. */
function splitOrder(spec: ArraySpec): { order: "C" | "F"; codecs: readonly CodecSpec[] } {
  const [first, ...rest] = spec.codecs;
  if (first?.name !== "transpose") return { order: "C", codecs: spec.codecs };
  const axes = first.configuration?.order;
  const rank = spec.shape.length;
  if (Array.isArray(axes) && axes.every((axis, i) => axis === i)) return { order: "C", codecs: rest };
  if (axes === "F" || (Array.isArray(axes) && axes.every((axis, i) => axis === rank - 1 - i))) {
    return { order: "F", codecs: rest };
  }
  throw withoutId("transpose");
}

function isVlen(name: string): boolean {
  return name.startsWith("vlen-") || name === "json2";
}

function toNumcodecs({ name, configuration = {} }: CodecSpec): JsonObject {
  if (WITHOUT_ID.has(name) || name.includes(":")) throw withoutId(name);
  switch (name) {
    case "blosc": {
      const { typesize: _, shuffle, ...rest } = configuration;
      return { id: name, ...rest, shuffle: BLOSC_SHUFFLES.get(shuffle) ?? shuffle ?? 1 };
    }
    case "hdf5-lz4":
      return { id: "imagecodecs_lz4h5" };
    case "bitshuffle": {
      // HDF5's own combinations with a compressor have a framing that imagecodecs does not read.
      if ((configuration.cname ?? "none") !== "none") throw withoutId(`${name} with ${configuration.cname}`);
      const { elementsize = 1, blocksize = 0 } = configuration;
      return { id: "imagecodecs_bitshuffle", itemsize: elementsize, blocksize };
    }
    case "szip": {
      const { mask = 0, ...rest } = configuration;
      return { id: "imagecodecs_szip", header: true, options_mask: mask, ...rest };
    }
    default:
      return { id: name, ...configuration };
  }
}

function withoutId(name: string): GyreError {
  return new GyreError("Unsupported", `codec ${name} has no id in Zarr v2`, { subject: name });
}

/**
 * Whether chunks that are not there read otherwise than the metadata of `fill: "cf"` says: it states no fill without
 * `_FillValue`, and then clients read zeros.
 */
export function hidesFill({ fill, attrs }: ArraySpec): boolean {
  return fill !== null && !attrs.has("_FillValue") && !isZero(fill);
}

function isZero(fill: Scalar): boolean {
  if (fill instanceof Uint8Array) return fill.every((byte) => byte === 0);
  if (Array.isArray(fill)) return fill.every((part) => part === 0);
  return fill === "" || !fill;
}
