import type { CodecRegistry } from "../../codecs/codec.ts";
import type { Attr, CodecSpec, Json } from "../../core/array.ts";
import { attrsFromJson } from "../../core/attrs.ts";
import { type DType, isFloat } from "../../core/dtype.ts";
import { badSource, GyreError } from "../../errors.ts";
import { type ArrayLayout, isHidden, MAX_RANK, namedDims } from "./array.ts";
import { dtypeFromV3 } from "./dtype.ts";
import { fillFromJson } from "./fill.ts";
import { isObject, type JsonObject, wholeNumbers } from "./json.ts";

const KNOWN_MEMBERS: ReadonlySet<string> = new Set([
  "zarr_format",
  "node_type",
  "shape",
  "data_type",
  "chunk_grid",
  "chunk_key_encoding",
  "codecs",
  "fill_value",
  "attributes",
  "dimension_names",
  "storage_transformers",
  "consolidated_metadata",
]);

/** Reads the `zarr.json` of an array (Zarr v3 core, "Array metadata"). Throws BadSource or Unsupported. */
export function layoutFromV3(url: URL, node: JsonObject, registry: CodecRegistry): ArrayLayout {
  const fail = (reason: string): GyreError => badSource(url, undefined, reason);
  refuseExtensions(node);
  const shape = wholeNumbers(node.shape, 0);
  const grid = named(node.chunk_grid);
  if (grid?.name !== "regular") throw unsupported(`chunk grid ${JSON.stringify(node.chunk_grid)?.slice(0, 100)}`);
  const chunks = wholeNumbers(grid.configuration?.chunk_shape, 1);
  if (shape === undefined || shape.length > MAX_RANK) throw fail("shape is no list of sizes");
  if (chunks?.length !== shape.length) throw fail("chunk_shape is no list of sizes, one per dimension");
  const dtype = dtypeFromV3(node.data_type);
  const fill = fillFromJson(dtype, node.fill_value);
  if (fill === undefined) throw fail(`fill_value ${JSON.stringify(node.fill_value)} is no value of the type`);
  const attributes = isObject(node.attributes) ? node.attributes : {};
  return {
    dtype,
    shape,
    chunks,
    codecs: codecsFromV3(url, node.codecs, registry),
    fill,
    dims:
      dimensionNames(node.dimension_names, shape.length) ??
      namedDims(attributes, shape.length) ??
      shape.map(() => null),
    attrs: attributesOf(attributes, dtype),
    key: keyEncoding(node.chunk_key_encoding),
  };
}

/** A list of codecs, those inside `sharding_indexed` included when that is read in turn. */
export function codecsFromV3(url: URL, json: Json | undefined, registry: CodecRegistry): CodecSpec[] {
  if (!Array.isArray(json) || json.length === 0 || json.length > 32) {
    throw badSource(url, undefined, "codecs is no list of codecs");
  }
  return json.map((entry) => {
    const codec = named(entry);
    if (codec === undefined) throw badSource(url, undefined, "a codec has no name");
    const known = registry.get(codec.name)?.name ?? codec.name.replace(/^numcodecs\./, "");
    return { ...codec, name: known };
  });
}

/** Extension points are `{name, configuration}` or, without configuration, the name alone (v3.1). */
function named(json: Json | undefined): CodecSpec | undefined {
  if (typeof json === "string") return { name: json };
  if (!isObject(json) || typeof json.name !== "string") return undefined;
  return isObject(json.configuration) ? { name: json.name, configuration: json.configuration } : { name: json.name };
}

/** What a reader does not know it must refuse, unless told that it need not understand it (v3 core, "Extensions"). */
function refuseExtensions(node: JsonObject): void {
  if (Array.isArray(node.storage_transformers) && node.storage_transformers.length > 0) {
    throw unsupported(`storage transformer ${named(node.storage_transformers[0])?.name ?? "without a name"}`);
  }
  for (const [name, member] of Object.entries(node)) {
    if (KNOWN_MEMBERS.has(name) || (isObject(member) && member.must_understand === false)) continue;
    throw unsupported(`metadata extension ${name}`);
  }
}

function dimensionNames(json: Json | undefined, rank: number): (string | null)[] | undefined {
  const isName = (name: Json): name is string | null => name === null || typeof name === "string";
  return Array.isArray(json) && json.length === rank && json.every(isName) ? json : undefined;
}

function keyEncoding(json: Json | undefined): (chunk: readonly number[]) => string {
  const { name, configuration } = named(json) ?? { name: "default" };
  const separator = configuration?.separator ?? (name === "v2" ? "." : "/");
  if ((name !== "default" && name !== "v2") || (separator !== "/" && separator !== ".")) {
    throw unsupported(`chunk key encoding ${name} with separator ${JSON.stringify(separator)}`);
  }
  if (name === "v2") return (chunk) => (chunk.length === 0 ? "0" : chunk.join(separator));
  return (chunk) => ["c", ...chunk].join(separator);
}

function attributesOf(json: JsonObject, dtype: DType): Map<string, Attr> {
  const attrs = attrsFromJson(json);
  for (const name of attrs.keys()) if (isHidden(name)) attrs.delete(name);
  const fill = attrs.get("_FillValue")?.value;
  // xarray writes the _FillValue of floats as base64 of a little-endian double.
  if (isFloat(dtype) && typeof fill === "string" && /^[A-Za-z0-9+/]{11}=$/.test(fill)) {
    attrs.set("_FillValue", { dtype, value: Buffer.from(fill, "base64").readDoubleLE() });
  }
  return attrs;
}

function unsupported(what: string): GyreError {
  return new GyreError("Unsupported", `${what} is not supported`, { subject: what });
}
