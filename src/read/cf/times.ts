import type { ArraySpec } from "../../core/array.ts";
import { textAttr } from "../../core/attrs.ts";
import {
  decodeTime,
  formatInstant,
  type Instant,
  looksLikeTime,
  parseTimeUnits,
  type TimeUnits,
} from "../../core/time.ts";
import type { DecodedBlock } from "../cf.ts";

/** Microseconds of NumPy's units; months and years have no length. */
const NUMPY_UNITS: Readonly<Record<string, number>> = {
  ns: 0.001,
  us: 1,
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  h: 3600e6,
  D: 86400e6,
  W: 604800e6,
};

const NOT_A_TIME = -(2n ** 63n);

/**
 * How a variable counts time; undefined when it does not. Bounds have no units of their own (CF 7.1): pass those of
 * their coordinate. Throws BadSource when the units mean time but no point in it.
 */
export function timeUnitsOf(spec: Pick<ArraySpec, "dtype" | "attrs">): TimeUnits | undefined {
  const { dtype, attrs } = spec;
  if (typeof dtype === "object" && dtype.kind === "datetime64") {
    const unit = Object.hasOwn(NUMPY_UNITS, dtype.unit) ? NUMPY_UNITS[dtype.unit]! * dtype.scale : undefined;
    return unit === undefined || (unit < 1 && dtype.scale !== 1)
      ? undefined
      : { calendar: "proleptic_gregorian", unit, epoch: { day: 0, micros: 0 } };
  }
  const units = textAttr(attrs, "units");
  return units !== undefined && looksLikeTime(units) ? parseTimeUnits(units, textAttr(attrs, "calendar")) : undefined;
}

/** Points in time of decoded values; undefined where one is missing. */
export function timesOf(block: DecodedBlock, units: TimeUnits): (Instant | undefined)[] {
  const values = block.data as Float64Array | BigInt64Array;
  const { mask } = block;
  const out = new Array<Instant | undefined>(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    out[i] = mask?.[i] === 1 || value === NOT_A_TIME ? undefined : decodeTime(value, units);
  }
  return out;
}

/** The same as ISO text in the axis' own calendar, null where missing. */
export function timeTexts(block: DecodedBlock, units: TimeUnits): (string | null)[] {
  return timesOf(block, units).map((time) => (time === undefined ? null : formatInstant(time, units.calendar)));
}
