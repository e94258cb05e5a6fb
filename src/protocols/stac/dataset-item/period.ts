import type { Dataset, Variable } from "../../../core/array.ts";
import { textAttr } from "../../../core/attrs.ts";
import { axisOf, referencesOf } from "../../../core/axes.ts";
import { type Calendar, monthLength } from "../../../core/calendar.ts";
import {
  compareInstants,
  decodeTime,
  formatInstant,
  type Instant,
  looksLikeTime,
  parseTimeUnits,
  type TimeUnits,
} from "../../../core/time.ts";
import { isGyreError } from "../../../errors.ts";
import type { CoordinateReader } from "./coordinate-values.ts";
import { boundsNames } from "./grid.ts";

/** From when to when a dataset is of, as RFC 3339 says it. */
export interface Period {
  /** The coordinate that says it. */
  readonly coordinate: Variable;
  readonly calendar: Calendar;
  readonly start: string;
  readonly end: string;
  /** A day or a year of the model's that our calendar does not have was replaced by the nearest. */
  readonly isClamped: boolean;
}

/** The period of a dataset's time coordinate with the edges of its steps; undefined where it has none. */
export async function findPeriod(
  reader: CoordinateReader,
  variables: readonly Variable[],
): Promise<Period | undefined> {
  for (const coordinate of timesOf(reader.dataset, variables)) {
    const units = unitsOf(coordinate);
    if (units === undefined) continue;
    const bounds = reader.bounds(coordinate);
    const values = await reader.numbers(coordinate);
    const edges = bounds === undefined ? undefined : await reader.numbers(bounds);
    const ends = extremes([...(values?.data ?? []), ...(edges?.data ?? [])], units);
    if (ends === undefined) continue;
    const [start, end] = ends.map((instant) => rfc3339(instant, units.calendar)) as [Clamped, Clamped];
    return {
      coordinate,
      calendar: units.calendar,
      start: start.text,
      end: end.text,
      isClamped: start.isClamped || end.isClamped,
    };
  }
  return undefined;
}

/** Time coordinates, the most telling first: what has the standard name, a dimension of its own, then what is named. */
function timesOf(dataset: Dataset, variables: readonly Variable[]): readonly Variable[] {
  const bounds = boundsNames(dataset);
  const named = variables.flatMap((v) => referencesOf(dataset, v).flatMap((name) => dataset.variables.get(name) ?? []));
  const found = [...new Set([...named, ...dataset.variables.values()])].filter(
    (v) => v.spec.dims.length <= 2 && !bounds.has(v.name) && axisOf(v) === "time",
  );
  const weight = ({ name, spec }: Variable): number => {
    const isAxis = spec.dims.length === 1 && spec.dims[0] === name.slice(name.lastIndexOf("/") + 1);
    const standardName = textAttr(spec.attrs, "standard_name");
    return (standardName === "time" ? 2 : standardName === undefined ? 1 : 0) + (isAxis ? 1 : 0);
  };
  return found.sort((a, b) => weight(b) - weight(a));
}

/** Undefined where the units mean no point in time that can be found. */
function unitsOf({ spec: { dtype, attrs } }: Variable): TimeUnits | undefined {
  if (typeof dtype === "object" && dtype.kind === "datetime64") {
    const unit = NUMPY_UNITS.get(dtype.unit);
    if (unit === undefined) return undefined;
    return { calendar: "proleptic_gregorian", unit: unit * dtype.scale, epoch: { day: 0, micros: 0 } };
  }
  const units = textAttr(attrs, "units");
  if (units === undefined || !looksLikeTime(units)) return undefined;
  try {
    return parseTimeUnits(units, textAttr(attrs, "calendar"));
  } catch (error) {
    if (!isGyreError(error, "BadSource")) throw error;
    return undefined;
  }
}

/** Microseconds of NumPy's units. */
const NUMPY_UNITS: ReadonlyMap<string, number> = new Map([
  ["ns", 0.001],
  ["us", 1],
  ["ms", 1e3],
  ["s", 1e6],
  ["m", 60e6],
  ["h", 3600e6],
  ["D", 86_400e6],
  ["W", 604_800e6],
]);

function extremes(values: readonly number[], units: TimeUnits): readonly [Instant, Instant] | undefined {
  let [first, last]: [Instant | undefined, Instant | undefined] = [undefined, undefined];
  for (const value of values) {
    const instant = decodeTime(value, units);
    if (instant === undefined) continue;
    if (first === undefined || compareInstants(instant, first) < 0) first = instant;
    if (last === undefined || compareInstants(instant, last) > 0) last = instant;
  }
  return first === undefined || last === undefined ? undefined : [first, last];
}

interface Clamped {
  readonly text: string;
  readonly isClamped: boolean;
}

/** Calendars with other days than ours: the same date where we have it, else the last day of its month. */
const MODEL_CALENDARS: ReadonlySet<Calendar> = new Set(["360_day", "noleap", "all_leap"]);

/** An instant of any calendar as RFC 3339 writes it: in the Gregorian calendar, from year 0 to 9999, to the millisecond. */
export function rfc3339({ day: days, micros }: Instant, calendar: Calendar): Clamped {
  const millis = Math.round(micros / 1000);
  const instant = { day: days + Math.floor(millis / 86_400_000), micros: (millis % 86_400_000) * 1000 };
  const isModel = MODEL_CALENDARS.has(calendar);
  // The others count the same days, so that a day has its Gregorian date.
  const text = formatInstant(instant, isModel ? calendar : "proleptic_gregorian");
  const match = /^(-?\d+)-(\d\d)-(\d\d)T(.*)$/.exec(text) as RegExpExecArray;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (text.startsWith("-")) return { text: "0000-01-01T00:00:00Z", isClamped: true };
  if (year > 9999) return { text: "9999-12-31T23:59:59Z", isClamped: true };
  const last = monthLength("proleptic_gregorian", year, month);
  const date = `${match[1]!.padStart(4, "0")}-${match[2]}-${String(Math.min(day, last)).padStart(2, "0")}`;
  return { text: `${date}T${match[4]!.replace(/(\.\d*?)0+$/, "$1")}Z`, isClamped: day > last };
}

/** A date of an attribute as RFC 3339, where it can be understood: ISO 8601, or digits alone. */
export function dateAttr(text: string | undefined): string | undefined {
  const match =
    text === undefined || text.length > 100
      ? null
      : /^\s*(\d{4})[-:]?(\d{2})[-:]?(\d{2})(?:[T ]+(\d{1,2}):?(\d{2})(?::?(\d{2})(?:\.\d+)?)?)?\s*(Z|UTC|GMT)?/i.exec(
          text,
        );
  if (match === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0"] = match;
  const at = new Date(Date.UTC(+year!, +month! - 1, +day!, +hour, +minute, +second));
  if (Number.isNaN(at.getTime()) || at.getUTCDate() !== Number(day) || Number(hour) > 23) return undefined;
  return at.toISOString().replace(".000", "");
}
