import type { ArraySpec, Attr, Attrs, CodecSpec, Scalar } from "../../core/array.ts";
import { numericAttr } from "../../core/attrs.ts";
import type { CubeDifference } from "../../core/cube.ts";
import { type DType, isFloat, isNumeric, type NumericType, type Values } from "../../core/dtype.ts";
import type { Segment } from "./axis.ts";
import { commonType, differencesOf, type Manner, mannersOf, sameMeaning } from "./compare.ts";
import { type Draft, type StackedPlan, withStatedUnits } from "./draft.ts";
import type { VariableSummary } from "./member.ts";
import { PACKED_RANGE, PACKING } from "./unpack.ts";

export interface Stack {
  readonly dimension: string;
  readonly isNew: boolean;
  /** Entries along the dimension, and how many of them no segment covers. */
  readonly size: number;
  readonly missing: number;
  readonly segments: readonly Segment[];
  /** The most common manner of storing it: others are brought to its units. */
  readonly reference: VariableSummary;
  /** Known already: then the cube answers for itself. */
  readonly values?:
    | {
        readonly dtype: NumericType | "string";
        readonly data: Values;
        /** As members store them, so that what they say of their packing holds. */
        readonly isStored: boolean;
      }
    | undefined;
}

/** Decides how a variable that runs over members is answered, and writes it down with what differs. */
export function planStack(draft: Draft, name: string, stack: Stack): void {
  const of = (m: number): VariableSummary => draft.members[m]!.variables.get(name)!;
  const holders = [...new Set(stack.segments.map((s) => s.member))];
  const manners = mannersOf(holders.map((m) => ({ summary: of(m), source: draft.members[m]!.source })));
  if (holders.length === 0) return;
  const { reference } = stack;
  const differences = differencesOf(manners);
  const axis = stack.isNew ? 0 : reference.spec.dims.indexOf(stack.dimension);
  const report = (mode: StackedPlan["mode"] | "inline", also: readonly CubeDifference[] = []): void => {
    draft.reports.set(name, { name, mode, missing: stack.missing, differences: [...differences, ...also] });
  };
  if (stack.values !== undefined) {
    const { dtype, data, isStored } = stack.values;
    const attrs = isStored ? reference.spec.attrs : unpackedAttrs(reference.spec.attrs);
    const spec = { ...plainSpec(reference.spec, dtype, [Math.max(1, stack.size)]), shape: [stack.size], attrs };
    draft.variables.set(name, { kind: "inline", spec: { ...spec, fill: null }, values: data });
    report("inline");
    return;
  }
  const { mode, also } = modeOf(stack, axis, manners, of);
  const spec = withStatedUnits(draft, reference, specOf(mode, stack, axis, manners, differences));
  const plan = { kind: "stacked", spec, axis, isNew: stack.isNew, mode, segments: stack.segments } as const;
  draft.variables.set(name, { ...plan, reference: holders.find((m) => of(m) === reference) ?? holders[0]! });
  report(mode, also);
}

function modeOf(
  stack: Stack,
  axis: number,
  manners: readonly Manner[],
  of: (member: number) => VariableSummary,
): { mode: StackedPlan["mode"]; also: CubeDifference[] } {
  const { reference } = stack;
  const { spec } = reference;
  const isPlain = isNumeric(spec.dtype);
  const hasFill = spec.attrs.has("_FillValue");
  const losesMissing = stack.missing > 0 && isPlain && !hasFill;
  if (losesMissing || manners.some(({ summary }) => !sameMeaning(summary, reference)))
    return { mode: "decoded", also: [] };
  const uneven = stack.isNew ? undefined : unevenSegment(stack.segments, spec.chunks[axis]!, stack.size, of, axis);
  const also = uneven === undefined ? [] : [uneven];
  const isRaw =
    uneven === undefined &&
    manners.every(({ summary: s }) => !s.derived && sameChunks(s.spec, spec) && sameFill(s.spec.fill, spec.fill)) &&
    (stack.missing === 0 || !isPlain || sameFill(spec.fill, fillAttr(spec) ?? null)) &&
    (!stack.isNew || manners.every(({ summary: s }) => s.spec.codecs.every(isShapeBlind)));
  return { mode: isRaw ? "raw" : "regridded", also };
}

/** The first segment that does not begin and end with whole chunks; the last one of the axis may end early. */
function unevenSegment(
  segments: readonly Segment[],
  chunk: number,
  size: number,
  of: (member: number) => VariableSummary,
  axis: number,
): CubeDifference | undefined {
  const isUneven = ({ start, from, count }: Segment): boolean =>
    start % chunk !== 0 || from % chunk !== 0 || (count % chunk !== 0 && start + count !== size);
  const uneven = segments.filter(isUneven);
  if (uneven.length === 0) return undefined;
  const lengths = new Map<number, number>();
  for (const { member } of segments) {
    const length = of(member).spec.shape[axis]!;
    lengths.set(length, (lengths.get(length) ?? 0) + 1);
  }
  const found = [...lengths].slice(0, 8).map(([n, members]) => ({ value: String(n), members, example: "" }));
  return { property: `entries along the dimension, beside chunks of ${chunk}`, found };
}

/** Codecs that see bytes or single elements only, so that another dimension of length 1 changes nothing. */
const SHAPE_BLIND = new Set(
  [
    "bytes",
    "gzip",
    "zlib",
    "zstd",
    "blosc",
    "lz4",
    "bz2",
    "lzma",
    "shuffle",
    "bitshuffle",
    "fletcher32",
    "crc32c",
  ].concat(
    ["crc32", "adler32", "jenkins_lookup3", "packbits", "fixedscaleoffset", "quantize", "bitround", "astype"],
    ["vlen-utf8", "vlen-bytes", "imagecodecs_lzw", "imagecodecs_zstd", "imagecodecs_zlib", "imagecodecs_deflate"],
  ),
);

function isShapeBlind({ name }: CodecSpec): boolean {
  return SHAPE_BLIND.has(name.replace(/^numcodecs\./, ""));
}

function specOf(
  mode: StackedPlan["mode"],
  stack: Stack,
  axis: number,
  manners: readonly Manner[],
  differences: readonly CubeDifference[],
): ArraySpec {
  const reference = stack.reference.spec;
  const insert = <T>(list: readonly T[], value: T): T[] => (stack.isNew ? [value, ...list] : list.with(axis, value));
  const dims = insert(reference.dims, stack.dimension);
  const shape = insert(reference.shape, stack.size);
  const attrs = withoutDiffering(reference.attrs, differences);
  if (mode === "raw") {
    const chunks = stack.isNew ? [1, ...reference.chunks] : reference.chunks;
    return { ...reference, dims, shape, chunks, attrs };
  }
  const along = stack.isNew ? 1 : usualLength(stack, axis, manners);
  const chunks = insert(reference.chunks, along);
  const dtype = mode === "decoded" ? commonType(manners, stack.reference, stack.missing > 0) : reference.dtype;
  const plain = { ...plainSpec(reference, dtype, chunks), dims, shape };
  if (mode === "regridded") {
    const fill = stack.missing > 0 ? (fillAttr(reference) ?? reference.fill) : reference.fill;
    return { ...plain, attrs, fill };
  }
  const values = new Map<string, Attr>(unpackedAttrs(attrs));
  if (isFloat(dtype)) values.set("_FillValue", { dtype, value: Number.NaN });
  return { ...plain, attrs: values, fill: isFloat(dtype) ? Number.NaN : null };
}

/** The length along the axis that most members' chunks have, cut to the members. */
function usualLength(stack: Stack, axis: number, manners: readonly Manner[]): number {
  const votes = new Map<number, number>();
  for (const { summary, members } of manners) {
    const length = Math.max(1, Math.min(summary.spec.chunks[axis]!, summary.spec.shape[axis]!, stack.size));
    votes.set(length, (votes.get(length) ?? 0) + members);
  }
  return [...votes].sort((a, b) => b[1] - a[1])[0]![0];
}

/** What computed chunks are stored as: codecs that every Zarr client has. */
function plainSpec(reference: ArraySpec, dtype: DType, chunks: readonly number[]): ArraySpec {
  const zstd: CodecSpec = { name: "zstd", configuration: { level: 1, checksum: false } };
  const layout: CodecSpec =
    dtype === "string"
      ? { name: "vlen-utf8" }
      : dtype === "bytes"
        ? { name: "vlen-bytes" }
        : { name: "bytes", configuration: { endian: "little" } };
  return { ...reference, dtype, chunks, codecs: [layout, zstd] };
}

function unpackedAttrs(attrs: Attrs): Map<string, Attr> {
  const packed = new Set<string>([...PACKING, ...PACKED_RANGE]);
  return new Map([...attrs].filter(([name]) => !packed.has(name)));
}

/** Ranges of valid values that only some members have, or have otherwise, would mask good values of the others. */
function withoutDiffering(attrs: Attrs, differences: readonly CubeDifference[]): Attrs {
  const differing = new Set(differences.map((d) => d.property));
  const drop = PACKED_RANGE.filter((name) => differing.has(name));
  return drop.length === 0 ? attrs : new Map([...attrs].filter(([name]) => !drop.some((d) => d === name)));
}

function fillAttr(spec: ArraySpec): Scalar | undefined {
  const value = spec.attrs.get("_FillValue")?.value;
  if (typeof value === "bigint") return value;
  return numericAttr(spec.attrs, "_FillValue")?.[0];
}

function sameChunks(a: ArraySpec, b: ArraySpec): boolean {
  return a.chunks.every((n, i) => n === b.chunks[i]);
}

function sameFill(a: Scalar | null, b: Scalar | null): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  const loose = (v: Scalar | null): unknown => (typeof v === "bigint" ? Number(v) : v);
  return Object.is(loose(a), loose(b)) || String(a) === String(b);
}
