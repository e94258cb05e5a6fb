import { createHash } from "node:crypto";
import type { Attr, Attrs, Block, Scalar } from "../../src/core/array.ts";
import { product, strides } from "../../src/core/array.ts";
import { asValues, type DType, entriesPerElement, itemSize, storageType } from "../../src/core/dtype.ts";
import type { Findings } from "./findings.ts";
import { isPrinted, ourWords, pythonWords } from "./python-text.ts";

/** SHA-256 of the values in C order, little-endian, as the records have it; undefined for variable-length values. */
export function digest(block: Block): string | undefined {
  if (!ArrayBuffer.isView(block.data)) return undefined;
  const { buffer, byteOffset, byteLength } = block.data;
  return createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");
}

/** The element at a multi-index: number, bigint, text (bytes up to the first NUL at the end), list. */
export function valueAt(block: Block, index: readonly number[]): unknown {
  const steps = strides(block.shape);
  return elementAt(
    block,
    index.reduce((sum, n, i) => sum + n * steps[i]!, 0),
  );
}

export function elementAt(block: Block, at: number): unknown {
  const { data, dtype } = block;
  if (Array.isArray(data)) {
    const element = data[at];
    return typeof element === "string" ? element : Array.from(element as ArrayLike<unknown>);
  }
  const width = entriesPerElement(dtype);
  if (storageType(dtype) !== undefined) return width === 1 ? data[at] : [data[2 * at], data[2 * at + 1]];
  if (typeof dtype === "object" && dtype.kind === "struct") {
    return dtype.fields.flatMap((field) => {
      const count = product(field.shape);
      const start = at * width + field.offset;
      const bytes = (data as Uint8Array).slice(start, start + count * (itemSize(field.dtype) ?? 0));
      const member = { dtype: field.dtype, shape: field.shape, data: asValues(field.dtype, bytes) };
      return Array.from({ length: count }, (_, i) => elementAt(member, i));
    });
  }
  return bytesText((data as Uint8Array).subarray(at * width, (at + 1) * width), dtype);
}

function bytesText(bytes: Uint8Array, dtype: DType): string {
  const wide = typeof dtype === "object" && dtype.kind === "fixed-utf32";
  if (wide) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let text = "";
    for (let i = 0; i + 4 <= bytes.byteLength; i += 4) text += String.fromCodePoint(view.getUint32(i, true));
    return text.replace(/\0+$/, "");
  }
  return new TextDecoder().decode(bytes).replace(/\0+$/, "");
}

/** NumPy's name of a type, as the records use it: `int16`, `|S1`, `string`. */
export function numpyName(dtype: DType): string {
  if (typeof dtype === "string") return dtype;
  switch (dtype.kind) {
    case "fixed-bytes":
      return `|S${dtype.length}`;
    case "fixed-utf32":
      return `<U${dtype.length}`;
    case "enum":
      return dtype.base;
    case "vlen":
      return numpyName(dtype.base);
    case "raw":
      return `|V${dtype.length}`;
    case "struct":
      return `struct${itemSize(dtype)}(${dtype.fields.map((f) => f.name).join(",")})`;
    default:
      return `${dtype.kind}[${dtype.unit}]`;
  }
}

/** Bookkeeping of dimension scales, which NetCDF readers hide; h5py lists it. */
const HIDDEN = new Set([
  "CLASS",
  "NAME",
  "REFERENCE_LIST",
  "DIMENSION_LIST",
  "_Netcdf4Dimid",
  "_Netcdf4Coordinates",
  "_NCProperties",
]);
/** Longer lists are cut in the records. */
const LONGEST_LIST = 64;

/** Compares attributes by name and value. */
export function compareAttributes(
  findings: Findings,
  path: string,
  ours: Attrs,
  theirs: Record<string, unknown>,
): void {
  const names = new Set([...ours.keys(), ...Object.keys(theirs)]);
  for (const name of names) {
    const own = ours.get(name);
    if (own === undefined && HIDDEN.has(name)) continue;
    if (own === undefined) findings.fail(`${path}/${name}`, "absent", JSON.stringify(theirs[name]));
    else if (!(name in theirs)) findings.fail(`${path}/${name}`, JSON.stringify(plainAttr(own)), "absent");
    else compareValue(findings, `${path}/${name}`, plainAttr(own), theirs[name]);
  }
}

function compareValue(findings: Findings, path: string, ours: unknown, theirs: unknown): void {
  if (isReference(theirs)) findings.equal(path, isReference(ours), true);
  else if (typeof theirs === "string" && theirs.startsWith("Empty(")) findings.equal(path, ours, []);
  else if (isPrinted(theirs) && typeof ours !== "string") findings.equal(path, ourWords(ours), pythonWords(theirs));
  else if (Array.isArray(theirs) && theirs.some(isPrinted))
    findings.equal(path, ourWords(ours), theirs.flatMap(pythonWords));
  else {
    const own = flat(ours);
    const cut =
      Array.isArray(own) && Array.isArray(theirs) && theirs.length === LONGEST_LIST ? own.slice(0, LONGEST_LIST) : own;
    findings.equal(path, asUnreadable(cut, theirs), flat(theirs));
  }
}

/** We give the path that a reference points to, h5py says only that it is one. */
function isReference(value: unknown): boolean {
  const first = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY)[0] : value;
  return typeof first === "string" && (first.startsWith("/") || first.startsWith("<HDF5 "));
}

function plainAttr(attr: Attr): unknown {
  const value = attr.value as Scalar | readonly Scalar[];
  const one = (v: unknown): unknown =>
    v instanceof Uint8Array ? new TextDecoder().decode(v) : typeof v === "bigint" ? v.toString() : v;
  return Array.isArray(value) ? value.map(one) : one(value);
}

/** A list of one is a scalar in some tools and a list in others; NUL at the end of a text is padding. */
function flat(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 1 ? flat(value[0]) : value.flat(Number.POSITIVE_INFINITY).map(flat);
  if (typeof value === "string") return value.replaceAll("\0", "");
  if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))) return value.toString();
  return value;
}

/** Where a text is no UTF-8 the records have U+FFFD; we keep the bytes as Latin-1. */
function asUnreadable(ours: unknown, theirs: unknown): unknown {
  const unreadable = typeof ours === "string" && typeof theirs === "string" && theirs.includes("\uFFFD");
  return unreadable ? ours.replace(/[^\0-\x7f]/g, "\uFFFD") : ours;
}

export interface Stats {
  readonly size: number;
  readonly valid: number;
  readonly min?: number;
  readonly max?: number;
  readonly mean?: number;
  readonly sum?: number;
}

/** Statistics in float64 over values that are finite and not masked. */
export function statistics(values: ArrayLike<number | bigint>, isMasked?: (i: number) => boolean): Stats {
  let valid = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (!Number.isFinite(value) || isMasked?.(i)) continue;
    valid++;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  return valid === 0
    ? { size: values.length, valid }
    : { size: values.length, valid, min, max, sum, mean: sum / valid };
}

export function compareStats(findings: Findings, path: string, ours: Stats, theirs: Stats, tolerance: number): void {
  findings.equal(`${path}/size`, ours.size, theirs.size);
  findings.equal(`${path}/valid`, ours.valid, theirs.valid);
  if (theirs.valid === 0) return;
  for (const key of ["min", "max"] as const) {
    if (theirs[key] !== undefined) findings.close(`${path}/${key}`, ours[key], theirs[key], tolerance);
  }
  // Sums cancel: what counts is the error beside the largest value that was added.
  const largest = Math.max(Math.abs(theirs.min ?? 0), Math.abs(theirs.max ?? 0));
  if (theirs.mean !== undefined && Number.isFinite(largest)) {
    const error = Math.abs((ours.mean ?? Number.NaN) - theirs.mean);
    if (!(error <= Math.max(tolerance, 1e-9) * Math.max(largest, 1e-300))) {
      findings.fail(`${path}/mean`, String(ours.mean), String(theirs.mean));
    }
  }
}
