import { type DimSelection, slice } from "../core/selection.ts";
import { decodeTime, encodeTime, type Instant, parseTime, type TimeUnits } from "../core/time.ts";
import { GyreError } from "../errors.ts";
import type { DecodedBlock } from "./cf.ts";

/** A value of a coordinate: a number, ISO text of a time (also partial, `2000-02`), or text. */
export type Label = number | string;

/** What to take along one dimension, by the values of its coordinate. */
export type LabelRequest =
  | { readonly value: Label; readonly method?: "exact" | "nearest"; readonly tolerance?: number }
  | { readonly values: readonly Label[]; readonly method?: "exact" | "nearest"; readonly tolerance?: number }
  /** Closed on both sides; a partial time is closed with it: `to: "2000"` ends with 2000. */
  | { readonly from?: Label; readonly to?: Label };

/** A one-dimensional coordinate with decoded values. */
export interface Coordinate {
  readonly name: string;
  readonly block: DecodedBlock;
  /** Set for a time axis: labels are then ISO text in its calendar. */
  readonly time?: TimeUnits;
  /** 360 for longitudes: labels match at any turn, and a range runs eastwards from `from` across the seam. */
  readonly period?: number;
}

/**
 * The positions that labels name: one number for a value, a slice or a list for several. Ascending, descending and
 * unordered axes are alike; positions keep the axis' order, but for a range across the seam of a period, which runs
 * on from `from`. Throws NotFound where a value is not on the axis, BadRequest where a label cannot be read.
 */
export function resolveLabels(coordinate: Coordinate, request: LabelRequest): DimSelection {
  const axis = axisOf(coordinate);
  if ("value" in request) {
    const found = positions(axis, request.value, request);
    return found.length === 1 ? found[0]! : asSelection(found);
  }
  if ("values" in request) return request.values.flatMap((label) => positions(axis, label, request));
  return range(axis, request.from, request.to);
}

interface TextAxis {
  readonly name: string;
  readonly texts: readonly string[];
}

/** Keys are the numbers of the axis, or microseconds from its epoch; NaN where a value is missing. */
interface NumberAxis {
  readonly name: string;
  readonly keys: Float64Array;
  readonly time: TimeUnits | undefined;
  readonly period: number | undefined;
  /** Rounds a label as the axis' own values were rounded. */
  readonly round: (value: number) => number;
}

type Axis = TextAxis | NumberAxis;

function axisOf({ name, block, time, period }: Coordinate): Axis {
  if (block.dtype === "string") return { name, texts: block.data as string[] };
  if (!ArrayBuffer.isView(block.data)) throw refused(name, "holds no values that can be looked up");
  const values = block.data as Float64Array | BigInt64Array;
  const keys = new Float64Array(values.length);
  for (let i = 0; i < keys.length; i++) {
    keys[i] = block.mask?.[i] === 1 ? Number.NaN : time === undefined ? Number(values[i]) : timeKey(values[i]!, time);
  }
  const round = block.dtype === "float32" && time === undefined ? Math.fround : (value: number) => value;
  return { name, keys, time, period, round };
}

function timeKey(value: number | bigint, units: TimeUnits): number {
  const instant = decodeTime(value, units);
  return instant === undefined ? Number.NaN : microseconds(instant, units);
}

function microseconds(instant: Instant, { calendar, epoch }: TimeUnits): number {
  return encodeTime(instant, { calendar, unit: 1, epoch });
}

interface Bounds {
  readonly low: number;
  /** Where the label ends; excluded unless it is `low` itself. */
  readonly high: number;
}

function boundsOf({ name, time, round }: NumberAxis, label: Label): Bounds {
  if (time !== undefined && typeof label === "string") {
    const { start, end } = parseTime(label, time.calendar);
    return { low: microseconds(start, time), high: microseconds(end, time) };
  }
  const number = typeof label === "string" && label.trim() !== "" ? Number(label) : label;
  if (typeof number !== "number" || !Number.isFinite(number)) throw refused(name, `is not looked up by "${label}"`);
  const key = time === undefined ? round(number) : timeKey(number, time);
  if (Number.isNaN(key)) throw refused(name, `has no time ${label}`);
  return { low: key, high: key };
}

interface Matching {
  readonly method?: "exact" | "nearest";
  readonly tolerance?: number;
}

function positions(axis: Axis, label: Label, { method, tolerance }: Matching): number[] {
  if ("texts" in axis) {
    if (method === "nearest") throw refused(axis.name, "holds text, which has no nearest value");
    return found(
      axis,
      label,
      indicesWhere(axis.texts.length, (i) => axis.texts[i] === label),
    );
  }
  const { low, high } = boundsOf(axis, label);
  const { keys, period, time } = axis;
  if (method === "nearest") {
    const nearest = nearestTo(keys, low, period, (tolerance ?? Infinity) * (time?.unit ?? 1));
    return found(axis, label, nearest === undefined ? [] : [nearest]);
  }
  const inside = (key: number): boolean => key === low || (key > low && key < high);
  return found(
    axis,
    label,
    indicesWhere(keys.length, (i) => inside(period === undefined ? keys[i]! : low + eastOf(keys[i]!, low, period))),
  );
}

function found({ name }: Axis, label: Label, indices: number[]): number[] {
  if (indices.length > 0) return indices;
  throw new GyreError("NotFound", `${name} has no value ${label}`, { subject: name });
}

/** As in pandas, the larger of two values at the same distance. */
function nearestTo(keys: Float64Array, key: number, period: number | undefined, tolerance: number): number | undefined {
  let best: number | undefined;
  let least = tolerance;
  for (let i = 0; i < keys.length; i++) {
    const east = period === undefined ? 0 : eastOf(keys[i]!, key, period);
    const distance = period === undefined ? Math.abs(keys[i]! - key) : Math.min(east, period - east);
    const isBetter = distance < least || (distance === least && (best === undefined || keys[i]! > keys[best]!));
    if (isBetter) {
      best = i;
      least = distance;
    }
  }
  return best;
}

/** How far `key` lies east of `from`, from 0 to below one turn. */
function eastOf(key: number, from: number, period: number): number {
  const turned = (key - from) % period;
  return turned < 0 ? turned + period : turned;
}

function range(axis: Axis, from: Label | undefined, to: Label | undefined): DimSelection {
  if ("texts" in axis) throw refused(axis.name, "holds text, which has no ranges");
  const { keys, period } = axis;
  const first = from === undefined ? undefined : boundsOf(axis, from);
  const last = to === undefined ? undefined : boundsOf(axis, to);
  if (period !== undefined && first !== undefined && last !== undefined) {
    return turn(keys, first.low, last.low, period);
  }
  const isReversed = first !== undefined && last !== undefined && first.low > last.low;
  const [lower, upper] = isReversed ? [last, first] : [first, last];
  const low = lower?.low ?? Number.NEGATIVE_INFINITY;
  const high = upper ?? { low: Number.POSITIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  return asSelection(
    indicesWhere(keys.length, (i) => keys[i]! >= low && (keys[i]! <= high.low || keys[i]! < high.high)),
  );
}

function turn(keys: Float64Array, from: number, to: number, period: number): DimSelection {
  const isWhole = Math.abs(to - from) >= period;
  const width = isWhole ? period : eastOf(to, from, period);
  const inside = indicesWhere(keys.length, (i) => eastOf(keys[i]!, from, period) <= width);
  const step = keys.length > 1 && keys[1]! < keys[0]! ? -1 : 1;
  const order = (i: number): number => step * eastOf(keys[i]!, from, period);
  return asSelection(isWhole ? inside : inside.sort((a, b) => order(a) - order(b)));
}

function indicesWhere(count: number, test: (i: number) => boolean): number[] {
  const out: number[] = [];
  for (let i = 0; i < count; i++) if (test(i)) out.push(i);
  return out;
}

/** A slice where the indices run without a gap. */
function asSelection(indices: number[]): DimSelection {
  const first = indices[0] ?? 0;
  return indices.every((index, i) => index === first + i) ? slice(first, first + indices.length) : indices;
}

function refused(name: string, reason: string): GyreError {
  return new GyreError("BadRequest", `${name} ${reason}`, { subject: name });
}
