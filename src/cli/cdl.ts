import {
  type ArraySpec,
  type Attr,
  type Attrs,
  type CodecSpec,
  chunkGrid,
  type Dataset,
  type Group,
  product,
  type Scalar,
} from "../core/array.ts";
import { type DType, dtypeName, itemSize } from "../core/dtype.ts";

/** CDL's names of types (NetCDF User's Guide, CDL syntax). */
const CDL_TYPES: Readonly<Record<string, string>> = {
  int8: "byte",
  int16: "short",
  int32: "int",
  uint8: "ubyte",
  uint16: "ushort",
  uint32: "uint",
  float32: "float",
  float64: "double",
};
const SUFFIXES: Readonly<Record<string, string>> = {
  int8: "b",
  int16: "s",
  int64: "LL",
  uint8: "UB",
  uint16: "US",
  uint32: "U",
  uint64: "ULL",
  float32: "f",
};

/** A header as `ncdump -h` writes it, with chunks, codecs and sizes as special attributes; line by line. */
export function* cdl(name: string, dataset: Dataset): Generator<string> {
  yield `netcdf ${name} { // ${dataset.format}`;
  yield* group(dataset, "", dataset, "");
  for (const problem of dataset.problems ?? []) yield `// left out: ${problem}`;
  yield "}";
}

function* group(dataset: Dataset, path: string, own: Group, indent: string): Generator<string> {
  const prefix = path === "" ? "" : `${path}/`;
  const within = (name: string): boolean => name.startsWith(prefix) && !name.slice(prefix.length).includes("/");
  if (own.dimensions.size > 0) yield `${indent}dimensions:`;
  for (const [name, { size, unlimited }] of own.dimensions) {
    yield unlimited ? `${indent}\t${name} = UNLIMITED ; // (${size} currently)` : `${indent}\t${name} = ${size} ;`;
  }
  const variables = [...dataset.variables.values()].filter((v) => within(v.name));
  if (variables.length > 0) yield `${indent}variables:`;
  for (const { name, spec } of variables) {
    const short = name.slice(prefix.length);
    const dims = spec.dims.length === 0 ? "" : `(${spec.dims.join(", ")})`;
    yield `${indent}\t${cdlType(spec.dtype)} ${short}${dims} ;`;
    yield* attributes(spec.attrs, `${indent}\t\t${short}`);
    yield* storage(spec, `${indent}\t\t${short}`);
  }
  if (own.attrs.size > 0) yield `${indent}\n${indent}// ${path === "" ? "global" : "group"} attributes:`;
  yield* attributes(own.attrs, `${indent}\t\t`);
  for (const [child, sub] of dataset.groups) {
    if (!within(child)) continue;
    yield `${indent}\n${indent}group: ${child.slice(prefix.length)} {`;
    yield* group(dataset, child, sub, `${indent}  `);
    yield `${indent}} // group ${child}`;
  }
}

function* attributes(attrs: Attrs, before: string): Generator<string> {
  for (const [name, attr] of attrs) yield `${before}:${name} = ${attrText(attr)} ;`;
}

function* storage(spec: ArraySpec, before: string): Generator<string> {
  const size = itemSize(spec.dtype);
  const bytes = size === undefined ? "" : `, ${bytesText(size * product(spec.chunks))} each`;
  if (spec.chunks.length > 0) {
    yield `${before}:_ChunkSizes = ${spec.chunks.join(", ")} ; // ${product(chunkGrid(spec))} chunks${bytes}`;
  }
  yield `${before}:_Codecs = ${JSON.stringify(spec.codecs.map(codecText).join(" | "))} ;`;
}

function codecText({ name, configuration }: CodecSpec): string {
  const settings = Object.entries(configuration ?? {}).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return settings.length === 0 ? name : `${name}(${settings.join(", ")})`.slice(0, 120);
}

function cdlType(dtype: DType): string {
  if (typeof dtype === "string") return CDL_TYPES[dtype] ?? dtype;
  if (dtype.kind === "fixed-bytes" && dtype.length === 1) return "char";
  return dtypeName(dtype);
}

function attrText({ dtype, value }: Attr): string {
  const list = Array.isArray(value) ? (value as readonly Scalar[]) : [value as Scalar];
  if (dtype === "json") return JSON.stringify(value);
  const suffix = typeof dtype === "string" ? (SUFFIXES[dtype] ?? "") : "";
  const point = dtype === "float32" || dtype === "float64";
  return list
    .map((entry) => {
      if (typeof entry === "string") return JSON.stringify(entry);
      if (entry instanceof Uint8Array) return JSON.stringify(new TextDecoder().decode(entry).replace(/\0+$/, ""));
      const text = Number.isNaN(entry) ? "NaN" : String(entry);
      return `${point && /^-?\d+$/.test(text) ? `${text}.` : text}${suffix}`;
    })
    .join(", ");
}

/** `1.5 MiB`: binary units, three digits. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
}
