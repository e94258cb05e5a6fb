import { GyreError } from "../errors.ts";
import { type Calendar, dateOfDay, dayNumber, monthLength, parseCalendar } from "./calendar.ts";

/** A point in time of one calendar: whole days since its 1970-01-01 and microseconds of the day. */
export interface Instant {
  readonly day: number;
  /** 0 to 86,399,999,999. */
  readonly micros: number;
}

export interface DateTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
}

/** What `units` and `calendar` of a time coordinate say (CF 4.4). */
export interface TimeUnits {
  readonly calendar: Calendar;
  /** Microseconds of one unit; 0.001 for nanoseconds, else whole. */
  readonly unit: number;
  readonly epoch: Instant;
}

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** UDUNITS: 365.242198781 days, and a twelfth of them. */
const YEAR = 31556925974678;
const MONTH = Math.round(YEAR / 12);

/** Units of time as UDUNITS spells them, without plurals. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ...spelled(0.001, "ns", "nsec", "nanosecond", "nanosec"),
  ...spelled(1, "us", "µs", "μs", "usec", "microsecond", "microsec"),
  ...spelled(1e3, "ms", "msec", "millisecond", "millisec"),
  ...spelled(SECOND, "s", "sec", "second"),
  ...spelled(MINUTE, "min", "minute"),
  ...spelled(HOUR, "h", "hr", "hour"),
  ...spelled(DAY, "d", "day"),
  ...spelled(7 * DAY, "week"),
  ...spelled(14 * DAY, "fortnight"),
  ...spelled(MONTH, "month", "mon"),
  ...spelled(YEAR, "year", "yr", "a", "tropical_year"),
  ...spelled(365 * DAY, "common_year"),
  ...spelled(366 * DAY, "leap_year"),
  ...spelled(365.25 * DAY, "julian_year"),
  ...spelled(365.2425 * DAY, "gregorian_year"),
]);

function spelled(micros: number, ...names: readonly string[]): [string, number][] {
  return names.map((name) => [name, micros]);
}

/** Microseconds of a unit of time by its name; undefined for what is not time. */
export function timeUnit(name: string, calendar: Calendar = "standard"): number | undefined {
  const lower = name.toLowerCase();
  const known =
    UNITS.get(lower) ?? (lower.length > 2 && lower.endsWith("s") ? UNITS.get(lower.slice(0, -1)) : undefined);
  if (calendar !== "360_day") return known;
  // A month of the climatological mean length makes no sense where every month has 30 days; cftime agrees.
  return known === MONTH ? 30 * DAY : known === YEAR ? 360 * DAY : known;
}

/** Longer text is no units: a file may hold megabytes of blanks. */
const MAX_UNITS = 200;
const SINCE = /^\s*(\S+)\s+(?:since|after|from|ref|@)\s+(\S.*?)\s*$/is;

/** True when `units` reads like those of a time coordinate, whether or not it can be understood. */
export function looksLikeTime(units: string | undefined): boolean {
  const name = units === undefined || units.length > MAX_UNITS ? undefined : SINCE.exec(units)?.[1];
  return name !== undefined && timeUnit(name) !== undefined;
}

/** Reads `days since 1850-01-01 00:00:00 +01:00`. Throws BadSource with the reason when it means no point in time. */
export function parseTimeUnits(units: string, calendarName?: string): TimeUnits {
  const refuse = (reason: string): GyreError =>
    new GyreError("BadSource", `time units "${units}": ${reason}`, { subject: units });
  const calendar = parseCalendar(calendarName);
  if (calendar === undefined) throw refuse(`unknown calendar "${calendarName}"`);
  const match = units.length > MAX_UNITS ? null : SINCE.exec(units);
  if (match === null) throw refuse("not of the form UNIT since DATE");
  const unit = timeUnit(match[1]!, calendar);
  if (unit === undefined) throw refuse(`"${match[1]}" is not a unit of time`);
  const reference = parseText(match[2]!, calendar);
  if (reference === undefined) throw refuse(`"${match[2]}" is not a date of the calendar ${calendar}`);
  return { calendar, unit, epoch: reference.start };
}

/** Where 2^63 microseconds end; times beyond it are no times (cftime refuses them as well). */
const MAX_DAYS = 106751991;

/**
 * The point in time of a stored number, to the microsecond; undefined for NaN, infinities and what lies more than
 * 292,000 years from the reference. Like cftime it takes a microsecond beside a whole second for noise of the float.
 */
export function decodeTime(value: number | bigint, { unit, epoch }: TimeUnits): Instant | undefined {
  if (typeof value === "bigint" || unit < 1) return decodeWhole(value, unit, epoch);
  if (!(Math.abs(value) * unit <= MAX_DAYS * DAY)) return undefined;
  // Whole units and the fraction apart: their product would lose the microseconds that both can say.
  const whole = Math.trunc(value);
  const days = Math.trunc((whole / DAY) * unit);
  return shifted(epoch, days, cleaned(exactRest(whole, unit, days) + (value - whole) * unit, unit));
}

function decodeWhole(value: number | bigint, unit: number, epoch: Instant): Instant | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return undefined;
  const count = typeof value === "bigint" ? value : BigInt(Math.floor(value));
  const micros = unit < 1 ? count / 1000n : count * BigInt(unit);
  const days = micros / BigInt(DAY);
  if (days > MAX_DAYS || days < -MAX_DAYS) return undefined;
  return shifted(epoch, Number(days), Number(micros % BigInt(DAY)));
}

/** `whole * unit - days * DAY` without rounding: both products may pass 2^53, their difference does not. */
function exactRest(whole: number, unit: number, days: number): number {
  const product = whole * unit;
  if (Math.abs(product) <= Number.MAX_SAFE_INTEGER) return product - days * DAY;
  return Number(BigInt(whole) * BigInt(unit) - BigInt(days) * BigInt(DAY));
}

function cleaned(micros: number, unit: number): number {
  const rounded = rint(micros);
  if (unit <= 1e3) return rounded;
  const ofSecond = rounded - Math.floor(rounded / SECOND) * SECOND;
  return ofSecond === 1 ? Math.floor(micros) : ofSecond === 999999 ? Math.ceil(micros) : rounded;
}

/** To the nearest whole number, halves to even. */
function rint(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function shifted({ day, micros }: Instant, days: number, extra: number): Instant {
  const total = micros + extra;
  const carry = Math.floor(total / DAY);
  return { day: day + days + carry, micros: total - carry * DAY };
}

/** The number that stands for a point in time, the nearest double. */
export function encodeTime(time: Instant, { unit, epoch }: TimeUnits): number {
  const days = time.day - epoch.day;
  const micros = time.micros - epoch.micros;
  const total = days * DAY + micros;
  if (Number.isSafeInteger(total) && Number.isSafeInteger(days * DAY)) return total / unit;
  const exact = BigInt(days) * BigInt(DAY) + BigInt(micros);
  if (unit < 1) return Number(exact * 1000n);
  const per = BigInt(unit);
  return Number(exact / per) + Number(exact % per) / unit;
}

/** A function from numbers in `from` to numbers in `to`; undefined when the calendars have no common axis. */
export function timeConversion(from: TimeUnits, to: TimeUnits): ((value: number) => number) | undefined {
  if (axis(from.calendar) !== axis(to.calendar)) return undefined;
  if (from.unit === to.unit && compareInstants(from.epoch, to.epoch) === 0) return (value) => value;
  return (value) => {
    const time = decodeTime(value, from);
    return time === undefined ? Number.NaN : encodeTime(time, to);
  };
}

/** Calendars on the physical axis of days count the same days; the idealised ones each have their own. */
function axis(calendar: Calendar): string {
  return calendar === "noleap" || calendar === "all_leap" || calendar === "360_day" ? calendar : "physical";
}

export function compareInstants(a: Instant, b: Instant): number {
  return a.day - b.day || a.micros - b.micros;
}

/** The date and time of day in the instant's own calendar. */
function dateTime({ day, micros }: Instant, calendar: Calendar): DateTime {
  const date = dateOfDay(calendar, day);
  return {
    ...date,
    hour: Math.floor(micros / HOUR),
    minute: Math.floor((micros % HOUR) / MINUTE),
    second: Math.floor((micros % MINUTE) / SECOND),
    microsecond: micros % SECOND,
  };
}

/** Undefined when the calendar has no such day or the clock no such time. */
export function instantOf(at: DateTime, calendar: Calendar): Instant | undefined {
  const day = dayNumber(calendar, at);
  const isTime = at.hour >= 0 && at.hour < 24 && at.minute >= 0 && at.minute < 60 && at.second >= 0 && at.second < 60;
  if (day === undefined || !isTime) return undefined;
  return { day, micros: at.hour * HOUR + at.minute * MINUTE + at.second * SECOND + at.microsecond };
}

/** ISO 8601 text in the instant's own calendar, as cftime's `isoformat`: `2000-02-30T12:00:00`, `-0044-03-15T...`. */
export function formatInstant(time: Instant, calendar: Calendar): string {
  const { year, month, day, hour, minute, second, microsecond } = dateTime(time, calendar);
  const two = (n: number): string => String(n).padStart(2, "0");
  const sign = year < 0 ? "-" : "";
  const fraction = microsecond === 0 ? "" : `.${String(microsecond).padStart(6, "0")}`;
  const date = `${sign}${String(Math.abs(year)).padStart(4, "0")}-${two(month)}-${two(day)}`;
  return `${date}T${two(hour)}:${two(minute)}:${two(second)}${fraction}`;
}

/** The stretch of time that a text names, half-open: `2000-02` is a month, `2000-02-01T12:00` a minute. */
export interface Interval {
  readonly start: Instant;
  readonly end: Instant;
}

/** Reads a date or time of selections. Throws BadRequest when the calendar has no such day. */
export function parseTime(text: string, calendar: Calendar): Interval {
  const interval = parseText(text.trim(), calendar);
  if (interval === undefined) {
    throw new GyreError("BadRequest", `"${text}" is not a time of the calendar ${calendar}`, {
      subject: text,
      allowed: ["YYYY", "YYYY-MM", "YYYY-MM-DD", "YYYY-MM-DDTHH:MM:SS[.ffffff]"],
    });
  }
  return interval;
}

const TEXT =
  /^([+-]?\d{1,6})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ]\s*(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?)?)?)?)?\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?$/i;
const PACKED = /^(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(?:(\d{2})(\d{2})?)?)?(Z)?$/i;

function parseText(text: string, calendar: Calendar): Interval | undefined {
  const packed = PACKED.exec(text);
  const found = TEXT.exec(packed === null ? text : spread(packed));
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = found;
  const start = instantOf(
    {
      year: Number(year),
      month: Number(month ?? 1),
      day: Number(day ?? 1),
      hour: Number(hour ?? 0),
      minute: Number(minute ?? 0),
      second: Number(second ?? 0),
      microsecond: Number((fraction ?? "").slice(0, 6).padEnd(6, "0")),
    },
    calendar,
  );
  if (start === undefined) return undefined;
  const end =
    day === undefined
      ? { day: followingDay(calendar, Number(year), month === undefined ? 12 : Number(month)), micros: 0 }
      : shifted(start, 0, hour === undefined ? DAY : minute === undefined ? HOUR : resolution(second, fraction));
  const offset = zoneMicros(zone);
  return { start: shifted(start, 0, -offset), end: shifted(end, 0, -offset) };
}

/** `19700101T1200Z` as `1970-01-01T12:00Z`. */
function spread([, year, month, day, hour, minute, second, zone]: RegExpExecArray): string {
  const time = [hour, minute, second].filter((part) => part !== undefined).join(":");
  return `${year}-${month}-${day}${time === "" ? "" : `T${time}`}${zone ?? ""}`;
}

function resolution(second: string | undefined, fraction: string | undefined): number {
  if (second === undefined) return MINUTE;
  return fraction === undefined || fraction === "" ? SECOND : 10 ** (6 - Math.min(fraction.length, 6));
}

/** The day after the last one of a month. */
function followingDay(calendar: Calendar, year: number, month: number): number {
  const last = dayNumber(calendar, { year, month, day: monthLength(calendar, year, month) });
  return (last as number) + 1;
}

function zoneMicros(zone: string | undefined): number {
  const match = zone === undefined ? null : /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return (match[1] === "-" ? -minutes : minutes) * MINUTE;
}

/** As JavaScript counts milliseconds; undefined for calendars that are not on the axis of physical days. */
export function epochMillis(time: Instant, calendar: Calendar): number | undefined {
  return axis(calendar) === "physical" ? time.day * 86400000 + time.micros / 1000 : undefined;
}
