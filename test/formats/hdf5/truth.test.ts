import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Attrs, Dataset, Dimension, Variable } from "../../../src/core/array.ts";
import { attrToJson } from "../../../src/core/attrs.ts";
import { allocate, asValues, type DType, type Field, itemSize, type Values } from "../../../src/core/dtype.ts";
import { bytesOf, openLocal, readAll } from "./reading.ts";

// Real files, and what netCDF4-python and h5py found in them.
const DATA = process.env.GYRE_DATA
  ? pathToFileURL(`${process.env.GYRE_DATA}/`)
  : new URL("../../../../shared/data/", import.meta.url);
const skip = existsSync(new URL("truth/", DATA)) ? false : "the shared data folder is not there";

interface TruthVariable {
  readonly dims?: readonly string[];
  readonly shape: readonly number[] | null;
  readonly dtype: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly chunking?: "contiguous" | readonly number[];
  readonly chunks?: readonly number[] | null;
  readonly filters?: Readonly<Record<string, unknown>> | readonly number[];
  readonly stored_sha256_C_little_endian?: string;
  readonly sha256_C_little_endian?: string;
  readonly stored_samples?: readonly { readonly index: readonly number[]; readonly value: unknown }[];
  readonly first?: readonly unknown[];
  readonly value?: unknown;
}

interface TruthGroup {
  readonly dimensions: Readonly<Record<string, Dimension>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, TruthVariable>>;
  readonly groups: Readonly<Record<string, TruthGroup>>;
}

/** Counts checks and gathers differences, so that one run shows them all. */
class Comparison {
  checks = 0;
  values = 0;
  readonly differences: string[] = [];

  same(what: string, ours: unknown, theirs: unknown): void {
    this.checks++;
    if (!equal(ours, theirs)) this.differences.push(`${what}: ${show(ours)} but truth ${show(theirs)}`);
  }
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 200) ?? "nothing";
}

/** Lists of one are themselves; numbers agree when they do in single precision; undecodable text is a question mark. */
function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => equal(x, b[i]));
  if (Array.isArray(b) && b.length === 1) return equal(a, b[0]);
  if (Array.isArray(a) && a.length === 1) return equal(a[0], b);
  if (typeof a === "number" && typeof b === "number") return Object.is(a, b) || Math.fround(a) === Math.fround(b);
  if (typeof a === "string" && typeof b === "string" && a !== b) {
    return b.toLowerCase() === a.toLowerCase().replace("infinity", "inf") || a.replace(/[^\0-\x7f]/g, "\ufffd") === b;
  }
  return a === b || (a === "" && b === null);
}

function sha256(values: Values): string {
  return createHash("sha256").update(bytesOf(values)).digest("hex");
}

/** NumPy's name of what the model says. */
function numpyName(dtype: DType): string {
  if (typeof dtype === "string") return dtype === "string" || dtype === "bytes" ? "string" : dtype;
  if (dtype.kind === "enum") return dtype.base;
  if (dtype.kind === "fixed-bytes") return dtype.length === 1 ? "|S1" : "string";
  return dtype.kind;
}

function sameType(comparison: Comparison, what: string, { spec }: Variable, theirs: string): void {
  const { dtype } = spec;
  const kind = typeof dtype === "string" ? dtype : dtype.kind;
  if (theirs === "object") comparison.same(`${what} type`, kind === "string" || kind === "vlen", true);
  else if (/^[[{]/.test(theirs)) comparison.same(`${what} type`, kind, theirs.includes("O") ? "string" : "struct");
  else comparison.same(`${what} type`, numpyName(dtype), TYPES.get(theirs) ?? theirs.replace(/^\|S..+/, "string"));
}

const TYPES = new Map([
  [">c16", "complex128"],
  [">c8", "complex64"],
  [">f8", "float64"],
  [">u4", "uint32"],
  [">i8", "int64"],
]);

/** Python's notation: `(4.3+0j)`, `-3.4j`. */
function complexParts(text: string): number[] {
  const numbers = text.match(/-?\d+(?:\.\d+)?/g)!.map(Number);
  return numbers.length === 1 ? [0, numbers[0]!] : numbers;
}

function sameAttributes(
  comparison: Comparison,
  what: string,
  attrs: Attrs,
  theirs: Readonly<Record<string, unknown>>,
): void {
  for (const [name, value] of Object.entries(theirs)) {
    const attr = attrs.get(name);
    comparison.same(`${what}@${name} is there`, attr !== undefined, true);
    if (attr === undefined || attr.dtype === "json") continue;
    const text = JSON.stringify(value);
    // The truth has no values for these.
    if (/HDF5 object reference|Empty\(/.test(text) || (typeof attr.dtype === "object" && attr.dtype.kind === "raw"))
      continue;
    // Nor does it have more than 64 of a list.
    const json = attrToJson(attr);
    const complex = attr.dtype === "complex64" || attr.dtype === "complex128";
    const ours =
      Array.isArray(json) && Array.isArray(value) && value.length === 64 ? json.slice(0, value.length) : json;
    comparison.same(`${what}@${name}`, ours, complex ? complexParts(String(value)) : value);
  }
}

test("NetCDF-4 files are as netCDF4-python sees them", { skip }, async (t) => {
  let records = 0;
  let equalRecords = 0;
  let values = 0;
  const all: string[] = [];
  for (const file of truthFiles("netcdf4/")) {
    const truth = JSON.parse(readFileSync(new URL(`truth/${file}.json`, DATA), "utf8"));
    if (truth.disk_format !== "HDF5") continue;
    const dataset = await openLocal(new URL(file, DATA));
    const comparison = new Comparison();
    comparison.same("problems", dataset.problems ?? [], []);
    await compareGroup(comparison, dataset, truth.root as TruthGroup, "");
    if (!BEYOND_PYTHON.has(file)) {
      comparison.same("variables", dataset.variables.size, countVariables(truth.root as TruthGroup));
    }
    records++;
    values += comparison.values;
    if (comparison.differences.length === 0) equalRecords++;
    all.push(...comparison.differences.map((difference) => `${file} ${difference}`));
  }
  t.diagnostic(`records ${records}, equal ${equalRecords}, variables compared by sha256: ${values}`);
  assert.deepEqual(all, []);
  assert.ok(records >= 46 && values >= 450, `${records} records, ${values} arrays`);
});

/** Files with variables of types that netCDF4-python 1.6.2 leaves out; their values have tests of their own. */
const BEYOND_PYTHON: ReadonlySet<string> = new Set(
  ["ref_tst_opaque_data", "test_atomic_array", "test_vlen3", "test_vlen5"].map((name) => `netcdf4/types/${name}.nc`),
);

function countVariables(group: TruthGroup): number {
  const below = Object.values(group.groups).reduce((n, child) => n + countVariables(child), 0);
  return Object.keys(group.variables).length + below;
}

async function compareGroup(comparison: Comparison, dataset: Dataset, truth: TruthGroup, path: string): Promise<void> {
  const group = path === "" ? dataset : dataset.groups.get(path);
  comparison.same(`group /${path}`, group !== undefined, true);
  if (group === undefined) return;
  const ours = [...group.dimensions].map(([name, { size, unlimited }]) => `${name}=${size}${unlimited}`).sort();
  const theirs = Object.entries(truth.dimensions).map(([name, { size, unlimited }]) => `${name}=${size}${unlimited}`);
  comparison.same(`dimensions of /${path}`, ours, theirs.sort());
  comparison.same(`attributes of /${path}`, [...group.attrs.keys()], Object.keys(truth.attributes));
  sameAttributes(comparison, `/${path}`, group.attrs, truth.attributes);
  for (const [name, variable] of Object.entries(truth.variables)) {
    const full = path === "" ? name : `${path}/${name}`;
    const found = dataset.variables.get(full);
    comparison.same(`variable ${full}`, found !== undefined, true);
    // It reads ragged arrays as if they were plain ones.
    const ragged = typeof found?.spec.dtype === "object" && found.spec.dtype.kind === "vlen";
    if (found !== undefined && !ragged) await compareVariable(comparison, full, found, variable);
  }
  for (const [name, child] of Object.entries(truth.groups)) {
    await compareGroup(comparison, dataset, child, path === "" ? name : `${path}/${name}`);
  }
}

async function compareVariable(
  comparison: Comparison,
  what: string,
  ours: Variable,
  truth: TruthVariable,
): Promise<void> {
  const { spec } = ours;
  comparison.same(`${what} dims`, spec.dims, truth.dims);
  comparison.same(`${what} shape`, spec.shape, truth.shape);
  sameType(comparison, what, ours, truth.dtype);
  comparison.same(`${what} attributes`, [...spec.attrs.keys()], Object.keys(truth.attributes));
  sameAttributes(comparison, what, spec.attrs, truth.attributes);
  if (Array.isArray(truth.chunking)) comparison.same(`${what} chunks`, spec.chunks, truth.chunking);
  const filters = truth.filters as Readonly<Record<string, unknown>> | undefined;
  for (const name of ["zlib", "shuffle", "fletcher32", "szip"]) {
    if (filters === undefined) continue;
    comparison.same(
      `${what} ${name}`,
      spec.codecs.some((codec) => codec.name === name),
      Boolean(filters[name]),
    );
  }
  const data = await readAll(ours);
  if (truth.stored_sha256_C_little_endian !== undefined) {
    comparison.values++;
    comparison.same(`${what} values`, sha256(data), truth.stored_sha256_C_little_endian);
  } else if (spec.dtype === "string") {
    for (const { index, value } of truth.stored_samples ?? []) {
      const at = index.reduce((n, k, d) => n * spec.shape[d]! + k, 0);
      comparison.same(`${what}[${index}]`, (data as string[])[at], value);
    }
  }
}

test("HDF5 files are as h5py sees them", { skip }, async (t) => {
  let records = 0;
  let equalRecords = 0;
  let values = 0;
  const all: string[] = [];
  for (const file of truthFiles("hdf5/")) {
    const truth = JSON.parse(readFileSync(new URL(`truth/${file}.json`, DATA), "utf8"));
    const dataset = await openLocal(new URL(file, DATA));
    const comparison = new Comparison();
    for (const [path, object] of Object.entries(truth.objects) as [string, TruthVariable & { type: string }][]) {
      const name = path.slice(1);
      const ours = object.type === "group" ? dataset.groups.get(name) : dataset.variables.get(name);
      comparison.same(`${object.type} ${name}`, ours !== undefined, true);
      if (ours === undefined) continue;
      if ("spec" in ours) await compareArray(comparison, name, ours, object);
      else sameAttributes(comparison, path, ours.attrs, visible(dataset, object.attributes));
    }
    sameAttributes(comparison, "/", dataset.attrs, visible(dataset, truth.root_attributes));
    records++;
    values += comparison.values;
    if (comparison.differences.length === 0) equalRecords++;
    all.push(...comparison.differences.map((difference) => `${file} ${difference}`));
  }
  t.diagnostic(`records ${records}, equal ${equalRecords}, variables compared by value: ${values}`);
  assert.deepEqual(all, []);
  assert.ok(records >= 29 && values >= 2180, `${records} records, ${values} arrays`);
});

/** NetCDF keeps these to itself. */
function visible(dataset: Dataset, attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const hidden = /^(CLASS|NAME|DIMENSION_LIST|REFERENCE_LIST|_NC.*|_nc3_strict|_Netcdf4.*)$/;
  const entries = Object.entries(attributes);
  return Object.fromEntries(dataset.format === "netcdf4" ? entries.filter(([name]) => !hidden.test(name)) : entries);
}

async function compareArray(comparison: Comparison, what: string, ours: Variable, truth: TruthVariable): Promise<void> {
  const { spec } = ours;
  comparison.same(`${what} shape`, spec.shape, truth.shape ?? [0]);
  sameType(comparison, what, ours, truth.dtype);
  if (truth.chunks) comparison.same(`${what} chunks`, spec.chunks, truth.chunks);
  const translated = spec.codecs[0]?.name !== "bytes";
  if (Array.isArray(truth.filters) && !translated) {
    comparison.same(`${what} filters`, spec.codecs.length - 1, truth.filters.length);
  }
  const hidden = /^(CLASS|NAME|DIMENSION_LIST|REFERENCE_LIST|_Netcdf4.*)$/;
  const attributes = Object.entries(truth.attributes).filter(([name]) => spec.attrs.has(name) || !hidden.test(name));
  sameAttributes(comparison, what, spec.attrs, Object.fromEntries(attributes));
  const data = await readAll(ours);
  const theirs = truth.first ?? (truth.value === undefined ? undefined : [truth.value]);
  if (truth.sha256_C_little_endian !== undefined) {
    comparison.values++;
    comparison.same(`${what} values`, sha256(data), truth.sha256_C_little_endian);
  } else if (theirs !== undefined && theirs.length > 0) {
    comparison.values++;
    const elements = elementsOf(spec.dtype, data);
    theirs.forEach((value, i) => {
      comparison.same(`${what}[${i}]`, tokens(elements[i]), tokens(value));
    });
  }
}

/** Elements one by one, in plain JavaScript. */
function elementsOf(dtype: DType, data: Values): unknown[] {
  if (dtype === "complex64" || dtype === "complex128") {
    const pairs = data as Float64Array;
    return Array.from({ length: pairs.length / 2 }, (_, i) => [pairs[2 * i], pairs[2 * i + 1]]);
  }
  if (typeof dtype === "object" && dtype.kind === "fixed-bytes") {
    const text = new TextDecoder();
    const bytes = data as Uint8Array;
    const count = bytes.length / dtype.length;
    return Array.from({ length: count }, (_, i) =>
      text.decode(bytes.subarray(i * dtype.length, (i + 1) * dtype.length)).replace(/\0+$/, ""),
    );
  }
  if (typeof dtype === "object" && dtype.kind === "struct") {
    const bytes = data as Uint8Array;
    const count = bytes.length / dtype.size;
    return Array.from({ length: count }, (_, i) => dtype.fields.map((field) => member(field, bytes, i * dtype.size)));
  }
  return Array.from(data as ArrayLike<unknown>);
}

function member({ dtype, offset, shape }: Field, bytes: Uint8Array, at: number): unknown[] {
  const count = shape.reduce((n, size) => n * size, 1);
  const own = bytes.slice(at + offset, at + offset + count * itemSize(dtype)!);
  return elementsOf(dtype, allocate(dtype, 0) instanceof Uint8Array ? own : asValues(dtype, own));
}

/** Numbers and texts in the order in which they are printed, whatever the notation around them. */
function tokens(value: unknown): unknown[] {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as ArrayLike<unknown>).flatMap(tokens);
  if (typeof value === "number" || typeof value === "bigint") return [Number(value)];
  if (typeof value !== "string") return [value];
  const printed = /^\(.*\)$/.test(value) || value.startsWith("{");
  if (!printed) return [value];
  if (value.startsWith("{")) return Object.values(JSON.parse(value)).flatMap(tokens);
  const found = value.replace(/dtype=\w+/g, "").matchAll(/b'([^']*)'|-?\d+\.?\d*(?:e[+-]?\d+)?/g);
  return [...found].map(([all, text]) => text ?? Number(all));
}

function truthFiles(folder: string): string[] {
  const entries = readdirSync(new URL(`truth/${folder}`, DATA), { recursive: true }) as string[];
  return entries
    .filter((name) => name.endsWith(".json"))
    .map((name) => folder + name.slice(0, -5))
    .sort();
}
