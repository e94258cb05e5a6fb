import { parseTimeUnits, type TimeUnits, timeConversion } from "../../core/time.ts";
import type { KeptValues, StoredTime } from "./member.ts";

/** Where a member's entries come to lie: entries `from` on of the member, `count` of them, at `start` of the axis. */
export interface Segment {
  readonly member: number;
  readonly start: number;
  readonly from: number;
  readonly count: number;
}

/** The axis along which members follow each other. */
export interface Axis {
  readonly size: number;
  /** Values in the axis' own units; undefined where the dimension has no coordinate. */
  readonly values?: Float64Array | readonly string[];
  /** Ascending sort keys: equal keys are one place. Descending axes have negated keys. */
  readonly keys: Float64Array;
}

/** What a member brings to the axis: values of its coordinate, already in the axis' units. */
export interface AxisPart {
  readonly member: number;
  readonly values: Float64Array | readonly string[];
}

/** Times closer than this are one: what files with different units say of one moment differs in the last bits. */
const MILLISECOND = 1000;

/** The sorted union of all parts. Values that are equal, or one moment in `time`, share a place. */
export function unionAxis(
  parts: readonly AxisPart[],
  time?: TimeUnits,
): Axis & { keysOf(part: AxisPart): Float64Array } {
  const rank = textRanks(parts);
  const sign = isDescending(parts) ? -1 : 1;
  const resolution = time === undefined || time.unit < MILLISECOND ? undefined : MILLISECOND / time.unit;
  const keysOf = ({ values }: AxisPart): Float64Array => {
    if (isText(values)) return Float64Array.from(values, (text) => rank.get(text)!);
    if (resolution === undefined) return sign === 1 ? values : values.map((v) => -v);
    return values.map((v) => sign * Math.round(v / resolution));
  };
  const keyed = parts.map(keysOf);
  const sorted = new Float64Array(keyed.reduce((n, keys) => n + keys.length, 0));
  let at = 0;
  for (const keys of keyed) {
    sorted.set(keys, at);
    at += keys.length;
  }
  sorted.sort();
  let size = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[size - 1]) sorted[size++] = sorted[i]!;
  const keys = sorted.slice(0, size);
  return { size, keys, keysOf, values: valuesAt(keys, parts, keyed) };
}

/** Each place's value as the first part that has it says it. */
function valuesAt(
  keys: Float64Array,
  parts: readonly AxisPart[],
  keyed: readonly Float64Array[],
): Float64Array | string[] {
  const text = parts.length > 0 && isText(parts[0]!.values);
  const out = text ? new Array<string>(keys.length) : new Float64Array(keys.length).fill(Number.NaN);
  const seen = new Uint8Array(keys.length);
  parts.forEach(({ values }, p) => {
    const own = keyed[p]!;
    let place = 0;
    for (let i = 0; i < own.length; i++) {
      place = placeOf(keys, own[i]!, place);
      if (seen[place] === 1) continue;
      seen[place] = 1;
      out[place] = values[i]!;
    }
  });
  return out;
}

/** Index of `key`, which is there. Tries the neighbour of the last hit first: members are runs. */
function placeOf(keys: Float64Array, key: number, last: number): number {
  if (keys[last] === key) return last;
  if (keys[last + 1] === key) return last + 1;
  let low = 0;
  let high = keys.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Placement {
  /** In order of `start`, without overlaps; what no segment covers is missing. */
  readonly segments: readonly Segment[];
  /** Entries of members that an earlier member of the same variable has already. */
  readonly overlaps: ReadonlyMap<number, number>;
  readonly covered: number;
}

/** Lays members side by side on the axis; where two have the same place the one that begins first keeps it. */
export function place(
  axis: Axis,
  members: readonly { readonly member: number; readonly keys: Float64Array }[],
): Placement {
  const owner = new Int32Array(axis.size).fill(-1);
  const index = new Int32Array(axis.size);
  const overlaps = new Map<number, number>();
  const ordered = members
    .map((m, order) => ({ ...m, order, first: m.keys.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) }))
    .sort((a, b) => a.first - b.first || a.order - b.order);
  let covered = 0;
  for (const { member, keys } of ordered) {
    let at = 0;
    for (let i = 0; i < keys.length; i++) {
      at = placeOf(axis.keys, keys[i]!, at);
      if (owner[at] !== -1) {
        overlaps.set(member, (overlaps.get(member) ?? 0) + 1);
        continue;
      }
      owner[at] = member;
      index[at] = i;
      covered++;
    }
  }
  return { segments: runs(owner, index), overlaps, covered };
}

function runs(owner: Int32Array, index: Int32Array): Segment[] {
  const segments: Segment[] = [];
  for (let start = 0; start < owner.length; ) {
    const member = owner[start]!;
    const from = index[start]!;
    let count = 1;
    while (
      start + count < owner.length &&
      owner[start + count] === member &&
      (member === -1 || index[start + count] === from + count)
    ) {
      count++;
    }
    if (member !== -1) segments.push({ member, start, from, count });
    start += count;
  }
  return segments;
}

/** Steps much longer than the usual one, as positions before them. None when the axis is not nearly regular. */
export function gapsOf({ values }: Axis): number[] {
  if (values === undefined || isText(values) || values.length < 3) return [];
  const steps = new Float64Array(values.length - 1);
  for (let i = 0; i < steps.length; i++) steps[i] = Math.abs(values[i + 1]! - values[i]!);
  const usual = steps.slice().sort()[steps.length >> 1]!;
  const gaps: number[] = [];
  for (let i = 0; i < steps.length; i++) if (steps[i]! > usual * 1.5) gaps.push(i);
  return gaps.length > steps.length / 4 ? [] : gaps;
}

/** Numbers in the units of `to`; undefined when the calendars share no axis. Throws BadSource on broken units. */
export function timesIn(to: TimeUnits, from: StoredTime, kept: KeptValues): Float64Array | undefined {
  if (isText(kept.values)) return undefined;
  const convert = timeConversion(parseTimeUnits(from.units, from.calendar), to);
  return convert === undefined ? undefined : kept.values.map(convert);
}

export function isText(values: Float64Array | readonly string[]): values is readonly string[] {
  return Array.isArray(values);
}

function textRanks(parts: readonly AxisPart[]): Map<string, number> {
  const words = new Set<string>();
  for (const { values } of parts) if (isText(values)) for (const word of values) words.add(word);
  return new Map([...words].sort((a, b) => (a < b ? -1 : 1)).map((word, i) => [word, i]));
}

function isDescending(parts: readonly AxisPart[]): boolean {
  let votes = 0;
  for (const { values } of parts) {
    if (!isText(values) && values.length > 1) votes += Math.sign(values[0]! - values[values.length - 1]!);
  }
  return votes > 0;
}
