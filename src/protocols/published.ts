import type { ArraySpec, Attr, CodecSpec, Dataset, Variable } from "../core/array.ts";
import { type DType, dtypeName, isFloat, storageType } from "../core/dtype.ts";
import { GyreError } from "../errors.ts";

/** A dataset as one form of Zarr shows it, and what its chunks need before they go out. */
export interface Published {
  /** Variables carry the specs that the metadata states; those that the form cannot say are left out. */
  readonly dataset: Dataset;
  /** Variables whose stored chunks are what the metadata states, byte for byte. */
  readonly stored: ReadonlySet<string>;
  /** Why variables were left out, by name. */
  readonly refused: ReadonlyMap<string, GyreError>;
}

/**
 * Compressors that every Zarr client of that version has without plugins; chunks stored with one of them and nothing
 * else are passed through.
 */
const SHARED: Readonly<Record<2 | 3, ReadonlySet<string>>> = {
  2: new Set(["zlib", "gzip", "zstd", "blosc", "lz4"]),
  3: new Set(["gzip", "zstd", "blosc", "crc32c"]),
};

/**
 * What a view may name. Zstandard at its fastest level is the default: zarr-python, zarrita and GDAL have it in both
 * versions, and Node compresses with it in native code, several times faster than blosc in WebAssembly.
 */
const COMPRESSORS: Readonly<Record<string, readonly CodecSpec[]>> = {
  zstd: [{ name: "zstd", configuration: { level: 1 } }],
  gzip: [{ name: "gzip", configuration: { level: 1 } }],
  blosc: [{ name: "blosc", configuration: { cname: "lz4", clevel: 5, shuffle: 1, blocksize: 0 } }],
  none: [],
};

/** Part of the entity tags of encoded chunks: changes when the same values would be encoded into other bytes. */
export const ENCODER = "e1";

const computed = new WeakMap<Dataset, Map<string, Published>>();

/** The form of the computed API: few codecs, no filters. `codec` is that of a view. */
export function publishedDataset(dataset: Dataset, version: 2 | 3, codec?: string): Published {
  let forms = computed.get(dataset);
  if (forms === undefined) computed.set(dataset, (forms = new Map()));
  const key = `${version} ${codec ?? ""}`;
  let form = forms.get(key);
  if (form === undefined) forms.set(key, (form = publish(dataset, version, codec)));
  return form;
}

const raw = new WeakMap<Dataset, Dataset>();

/**
 * The form of the raw API: what is stored, with attributes as Zarr clients take them. Variables of types that clients
 * do not share are left out: one of them in the metadata, and zarr-python opens none.
 */
export function storedDataset(dataset: Dataset): Dataset {
  const known = raw.get(dataset);
  if (known !== undefined) return known;
  const variables = new Map<string, Variable>();
  for (const [name, variable] of dataset.variables) {
    if (layout(variable.spec.dtype) !== undefined) variables.set(name, withSpec(variable, plainSpec(variable.spec)));
  }
  const made = { ...dataset, variables };
  raw.set(dataset, made);
  return made;
}

function publish(dataset: Dataset, version: 2 | 3, codec: string | undefined): Published {
  const variables = new Map<string, Variable>();
  const stored = new Set<string>();
  const refused = new Map<string, GyreError>();
  for (const [name, variable] of dataset.variables) {
    const spec = plainSpec(variable.spec);
    if (codec === undefined && variable.read === undefined && isShared(spec, version)) {
      stored.add(name);
      variables.set(name, withSpec(variable, spec));
      continue;
    }
    const codecs = codecsFor(spec.dtype, codec ?? "zstd");
    if (codecs === undefined) refused.set(name, noForm(variable));
    else variables.set(name, withSpec(variable, { ...spec, codecs }));
  }
  return { dataset: { ...dataset, variables }, stored, refused };
}

function isShared({ codecs, dtype }: ArraySpec, version: 2 | 3): boolean {
  const [first, ...rest] = codecs;
  return first?.name === layout(dtype) && rest.every(({ name }) => SHARED[version].has(name)) && rest.length <= 1;
}

/** The array-to-bytes codec that all clients have for a type; undefined for ragged arrays and nested structures. */
function layout(dtype: DType): string | undefined {
  if (dtype === "string") return "vlen-utf8";
  if (dtype === "bytes") return "vlen-bytes";
  if (typeof dtype !== "object") return "bytes";
  const isNested = dtype.kind === "struct" && dtype.fields.some(({ dtype: type }) => itemKind(type) === "struct");
  return dtype.kind === "vlen" || isNested ? undefined : "bytes";
}

function itemKind(dtype: DType): string {
  return typeof dtype === "string" ? dtype : dtype.kind;
}

function codecsFor(dtype: DType, codec: string): readonly CodecSpec[] | undefined {
  const name = layout(dtype);
  const compressor = COMPRESSORS[codec];
  if (name === undefined || compressor === undefined) return undefined;
  const first = name === "bytes" ? { name, configuration: { endian: "little" } } : { name };
  return [first, ...compressor];
}

/** Why a variable is in no form of Zarr. */
export function noForm({ name, spec }: Variable): GyreError {
  return new GyreError("Unsupported", `${name} is of type ${dtypeName(spec.dtype)}, which Zarr clients do not share`, {
    subject: name,
  });
}

function withSpec(variable: Variable, spec: ArraySpec): Variable {
  if (spec === variable.spec) return variable;
  const { name, mutable = false } = variable;
  const locate: Variable["locate"] = (chunk, call) => variable.locate(chunk, call);
  return { name, spec, mutable, locate, read: variable.read?.bind(variable) };
}

function plainSpec(spec: ArraySpec): ArraySpec {
  return withPlainFill(withFlags(spec));
}

/** `_FillValue` as one value; without it where the type cannot hold it (NaN on integers) or xarray cannot mask it. */
function withPlainFill(spec: ArraySpec): ArraySpec {
  const attr = spec.attrs.get("_FillValue");
  if (attr === undefined) return spec;
  const value = Array.isArray(attr.value) ? attr.value[0] : attr.value;
  const stored = storageType(spec.dtype);
  const isBytes = itemKind(spec.dtype) === "raw" || itemKind(spec.dtype) === "struct";
  const isFitting = stored === undefined || isFloat(stored) || typeof value === "bigint" || Number.isInteger(value);
  const holds = isFitting && !isBytes;
  if (holds && value === attr.value) return spec;
  const attrs = new Map(spec.attrs);
  if (holds && value !== undefined) attrs.set("_FillValue", { dtype: attr.dtype, value });
  else attrs.delete("_FillValue");
  return { ...spec, attrs };
}

/** Zarr has no enumerations: their names become `flag_values` and `flag_meanings` (CF 3.5). */
function withFlags(spec: ArraySpec): ArraySpec {
  const { dtype, attrs } = spec;
  if (typeof dtype !== "object" || dtype.kind !== "enum" || attrs.has("flag_values") || attrs.has("flag_meanings")) {
    return spec;
  }
  const meanings = [...dtype.members.keys()].map((name) => name.trim().replace(/\s+/g, "_"));
  const flags: [string, Attr][] = [
    ["flag_values", { dtype: dtype.base, value: [...dtype.members.values()] }],
    ["flag_meanings", { dtype: "string", value: meanings.join(" ") }],
  ];
  return { ...spec, dtype: dtype.base, attrs: new Map([...attrs, ...flags]) };
}
