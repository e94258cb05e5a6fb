import type { ArraySpec, CodecSpec } from "../../core/array.ts";
import { textAttr } from "../../core/attrs.ts";
import type { CubeDifference } from "../../core/cube.ts";
import { dtypeName, isComplex, isNumeric, type NumericType, sameDType } from "../../core/dtype.ts";
import { compareInstants, parseTimeUnits, timeConversion } from "../../core/time.ts";
import { parseUnit, sameUnits, unitConversion } from "../../core/units.ts";
import { toPortable } from "../index/portable.ts";
import type { StoredTime, VariableSummary } from "./member.ts";
import { PACKED_RANGE, PACKING, promoted, unpackedType } from "./unpack.ts";

/** Members that store a variable in one and the same way. */
export interface Manner {
  readonly summary: VariableSummary;
  readonly members: number;
  /** The address of one of them. */
  readonly example: string;
}

/** Groups what members say of a variable; summaries are interned, so equal ones are one object in each part. */
export function mannersOf(entries: Iterable<{ readonly summary: VariableSummary; readonly source: string }>): Manner[] {
  const manners = new Map<
    ArraySpec,
    Map<StoredTime | undefined, { summary: VariableSummary; members: number; example: string }>
  >();
  for (const { summary, source } of entries) {
    let byTime = manners.get(summary.spec);
    if (byTime === undefined) manners.set(summary.spec, (byTime = new Map()));
    const known = byTime.get(summary.time);
    if (known === undefined) byTime.set(summary.time, { summary, members: 1, example: source });
    else known.members++;
  }
  return [...manners.values()].flatMap((byTime) => [...byTime.values()]);
}

/** Attributes that say what values mean and are shown as the reference has them, whatever a member says. */
const MEANING = ["flag_values", "flag_masks", "flag_meanings", "positive"] as const;

/** Properties in which stored values or their meaning can differ, as text that people can read. */
const PROPERTIES: readonly (readonly [string, (summary: VariableSummary) => string])[] = [
  ["dtype", ({ spec }) => dtypeName(spec.dtype)],
  ["byte order", ({ spec }) => endian(spec.codecs) ?? "none"],
  ["codecs", ({ spec }) => codecText(spec.codecs)],
  ["chunks", ({ spec }) => spec.chunks.join("x")],
  ["fill", ({ spec }) => JSON.stringify(toPortable(spec.fill))],
  ...[...PACKING, ...PACKED_RANGE, ...MEANING].map(
    (name) => [name, ({ spec }: VariableSummary) => attrText(spec, name)] as const,
  ),
  ["units", ({ spec, time }) => time?.units ?? textAttr(spec.attrs, "units") ?? "none"],
  ["calendar", ({ time }) => time?.calendar ?? "none"],
];

const MOST_FOUND = 8;

/** Every property in which members differ, most common value first. */
export function differencesOf(manners: readonly Manner[]): CubeDifference[] {
  const differences: CubeDifference[] = [];
  for (const [property, textOf] of PROPERTIES) {
    const found = new Map<string, { members: number; example: string }>();
    for (const { summary, members, example } of manners) {
      const text = textOf(summary);
      const known = found.get(text);
      if (known === undefined) found.set(text, { members, example });
      else known.members += members;
    }
    if (found.size < 2) continue;
    const sorted = [...found].map(([value, rest]) => ({ value, ...rest })).sort((a, b) => b.members - a.members);
    differences.push({ property, found: sorted.slice(0, MOST_FOUND) });
  }
  return differences;
}

/** True when stored numbers of one member mean what the same numbers of the other mean. */
export function sameMeaning(a: VariableSummary, b: VariableSummary): boolean {
  if (!sameDType(a.spec.dtype, b.spec.dtype)) return false;
  if (PACKING.some((name) => attrText(a.spec, name) !== attrText(b.spec, name))) return false;
  if (a.time !== undefined && b.time !== undefined) return sameTime(a.time, b.time);
  const [from, to] = [textAttr(a.spec.attrs, "units"), textAttr(b.spec.attrs, "units")];
  return from === undefined || to === undefined || unitConversion(from, to) === undefined || sameUnits(from, to);
}

function sameTime(a: StoredTime, b: StoredTime): boolean {
  if (a.units === b.units && a.calendar === b.calendar) return true;
  const from = parseTimeUnits(a.units, a.calendar);
  const to = parseTimeUnits(b.units, b.calendar);
  return from.calendar === to.calendar && from.unit === to.unit && compareInstants(from.epoch, to.epoch) === 0;
}

/**
 * Why values of this manner cannot stand beside those of `reference`, whatever is done to them; undefined when they
 * can. Units that are not understood are taken as they are: the report shows them.
 */
export function incompatible(manner: VariableSummary, reference: VariableSummary): string | undefined {
  const own = manner.spec;
  const other = reference.spec;
  if (own.dims.join() !== other.dims.join()) return `dimensions (${own.dims}) beside (${other.dims})`;
  const plain = (spec: ArraySpec): boolean => isNumeric(spec.dtype) && !isComplex(spec.dtype);
  if (!sameDType(own.dtype, other.dtype) && !(plain(own) && plain(other))) {
    const [found, usual] = [dtypeName(own.dtype), dtypeName(other.dtype)];
    return found === usual ? `another ${found} than most members have` : `${found} beside ${usual}`;
  }
  if ((manner.time === undefined) !== (reference.time === undefined)) return "times beside what is no time";
  if (manner.time !== undefined && reference.time !== undefined) {
    return timeMapping(manner.time, reference.time) === undefined
      ? `calendar ${manner.time.calendar ?? "standard"} beside ${reference.time.calendar ?? "standard"}`
      : undefined;
  }
  const [from, to] = [textAttr(own.attrs, "units"), textAttr(other.attrs, "units")];
  if (from === undefined || to === undefined || unitConversion(from, to) !== undefined) return undefined;
  const areUnderstood = parseUnit(from) !== undefined && parseUnit(to) !== undefined;
  return areUnderstood ? `units ${from} beside ${to}` : undefined;
}

/**
 * How times of one member become those of another; undefined where their calendars have no common axis. What is said in
 * the same words is the same, also where it means no point in time (`days since 0000-00-00` of climatologies).
 */
export function timeMapping(from: StoredTime, to: StoredTime): ((value: number) => number) | undefined {
  if (from.units === to.units && from.calendar === to.calendar) return (value) => value;
  return timeConversion(parseTimeUnits(from.units, from.calendar), parseTimeUnits(to.units, to.calendar));
}

/** The type that holds the decoded values of all manners, and NaN where a member is missing. */
export function commonType(manners: readonly Manner[], reference: VariableSummary, hasMissing: boolean): NumericType {
  const types = manners.map(({ summary }) => unpackedType(summary.spec));
  if (hasMissing) types.push("float32");
  const isConverted = manners.some(({ summary }) => conversion(summary, reference) !== undefined);
  return promoted(isConverted ? [...types, "float64"] : types);
}

/** What turns decoded values of one member into the units of `reference`; undefined when nothing must be done. */
export function conversion(
  summary: VariableSummary,
  reference: VariableSummary,
): ((value: number) => number) | undefined {
  if (summary.time !== undefined && reference.time !== undefined) {
    return sameTime(summary.time, reference.time) ? undefined : timeMapping(summary.time, reference.time);
  }
  const [from, to] = [textAttr(summary.spec.attrs, "units"), textAttr(reference.spec.attrs, "units")];
  const linear = from === undefined || to === undefined || from === to ? undefined : unitConversion(from, to);
  if (linear === undefined || (linear.scale === 1 && linear.offset === 0)) return undefined;
  return (value) => value * linear.scale + linear.offset;
}

function endian(codecs: readonly CodecSpec[]): string | undefined {
  const found = codecs.find((c) => c.name === "bytes")?.configuration?.endian;
  return typeof found === "string" ? found : undefined;
}

/** Codecs without the byte order, which is a property of its own. */
function codecText(codecs: readonly CodecSpec[]): string {
  return codecs
    .map(({ name, configuration = {} }) => {
      const rest = Object.entries(configuration).filter(([key]) => !(name === "bytes" && key === "endian"));
      return rest.length === 0 ? name : `${name}${JSON.stringify(Object.fromEntries(rest))}`;
    })
    .join(" ");
}

function attrText(spec: ArraySpec, name: string): string {
  const attr = spec.attrs.get(name);
  return attr === undefined ? "none" : String(attr.value);
}
