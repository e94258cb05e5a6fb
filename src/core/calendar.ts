/**
 * The calendars of CF 4.4.1 as integer day numbers. A day number counts days from 1970-01-01 of the same calendar;
 * `standard`, `proleptic_gregorian` and `julian` share one physical axis, so their day numbers can be compared.
 *
 * - `standard` (also `gregorian`): Julian until 1582-10-04, Gregorian from 1582-10-15; the days between do not exist.
 * - `tai` and `utc` count as `proleptic_gregorian` and `standard`: leap seconds are not counted.
 * - Year 0 exists in every calendar but `standard`, `utc` and `julian`, where -1 is followed by 1 (as in cftime).
 */
export type Calendar =
  | "standard"
  | "proleptic_gregorian"
  | "julian"
  | "noleap"
  | "all_leap"
  | "360_day"
  | "tai"
  | "utc";

export interface CalendarDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

const NAMES: ReadonlyMap<string, Calendar> = new Map([
  ["standard", "standard"],
  ["gregorian", "standard"],
  ["proleptic_gregorian", "proleptic_gregorian"],
  ["julian", "julian"],
  ["noleap", "noleap"],
  ["no_leap", "noleap"],
  ["365_day", "noleap"],
  ["all_leap", "all_leap"],
  ["366_day", "all_leap"],
  ["360_day", "360_day"],
  ["tai", "tai"],
  ["utc", "utc"],
]);

/** The calendar that a `calendar` attribute names (none: `standard`); undefined for names that CF does not know. */
export function parseCalendar(name: string | undefined): Calendar | undefined {
  return name === undefined ? "standard" : NAMES.get(name.trim().toLowerCase());
}

const BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
const BEFORE_MONTH_LEAP = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366];

/** 1582-10-15, the first Gregorian day of `standard`. */
const GREGORIAN_START = -141427;

const div = (a: number, b: number): number => Math.floor(a / b);

function hasYearZero(calendar: Calendar): boolean {
  return calendar !== "standard" && calendar !== "julian" && calendar !== "utc";
}

function isLeap(year: number, gregorian: boolean): boolean {
  return year % 4 === 0 && (!gregorian || year % 100 !== 0 || year % 400 === 0);
}

/** Days in a month that exists; October 1582 of `standard` counts 31, though ten of them are missing. */
export function monthLength(calendar: Calendar, year: number, month: number): number {
  if (calendar === "360_day") return 30;
  const before = leapYear(calendar, year) ? BEFORE_MONTH_LEAP : BEFORE_MONTH;
  return before[month]! - before[month - 1]!;
}

function leapYear(calendar: Calendar, year: number): boolean {
  switch (calendar) {
    case "noleap":
    case "360_day":
      return false;
    case "all_leap":
      return true;
    case "julian":
      return isLeap(astronomical(year), false);
    case "standard":
    case "utc":
      return isLeap(astronomical(year), year > 1582);
    default:
      return isLeap(year, true);
  }
}

/** Years with a zero, out of years without. */
function astronomical(year: number): number {
  return year < 0 ? year + 1 : year;
}

function historical(year: number): number {
  return year <= 0 ? year - 1 : year;
}

/** The day number of a date; undefined when the calendar has no such day. */
export function dayNumber(calendar: Calendar, { year, month, day }: CalendarDate): number | undefined {
  if (!Number.isSafeInteger(year) || month < 1 || month > 12 || day < 1) return undefined;
  if (year === 0 && !hasYearZero(calendar)) return undefined;
  if (day > monthLength(calendar, year, month)) return undefined;
  switch (calendar) {
    case "noleap":
      return (year - 1970) * 365 + BEFORE_MONTH[month - 1]! + day - 1;
    case "all_leap":
      return (year - 1970) * 366 + BEFORE_MONTH_LEAP[month - 1]! + day - 1;
    case "360_day":
      return (year - 1970) * 360 + (month - 1) * 30 + day - 1;
    case "julian":
      return julianDay(astronomical(year), month, day);
    case "standard":
    case "utc": {
      const order = year * 10000 + month * 100 + day;
      if (year > 0 && order >= 15821015) return gregorianDay(year, month, day);
      return year > 0 && order > 15821004 ? undefined : julianDay(astronomical(year), month, day);
    }
    default:
      return gregorianDay(year, month, day);
  }
}

/** The date of a day number; exists for every integer. */
export function dateOfDay(calendar: Calendar, number: number): CalendarDate {
  switch (calendar) {
    case "noleap":
      return withinYear(1970 + div(number, 365), number - div(number, 365) * 365, BEFORE_MONTH);
    case "all_leap":
      return withinYear(1970 + div(number, 366), number - div(number, 366) * 366, BEFORE_MONTH_LEAP);
    case "360_day": {
      const rest = number - div(number, 360) * 360;
      return { year: 1970 + div(number, 360), month: div(rest, 30) + 1, day: (rest % 30) + 1 };
    }
    case "julian":
      return julianDate(number);
    case "standard":
    case "utc":
      return number >= GREGORIAN_START ? gregorianDate(number) : julianDate(number);
    default:
      return gregorianDate(number);
  }
}

function withinYear(year: number, dayOfYear: number, before: readonly number[]): CalendarDate {
  let month = div(dayOfYear, 32) + 1;
  if (dayOfYear >= before[month]!) month++;
  return { year, month, day: dayOfYear - before[month - 1]! + 1 };
}

// Years begin in March below, so that a leap day is the last of its year: (153 m + 2) / 5 is then the day on which
// month m begins. 719468 days lie between 0000-03-01 (Gregorian) and 1970-01-01.
const EPOCH = 719468;

function dayOfMarchYear(month: number, day: number): number {
  return div(153 * ((month + 9) % 12) + 2, 5) + day - 1;
}

function gregorianDay(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  return y * 365 + div(y, 4) - div(y, 100) + div(y, 400) + dayOfMarchYear(month, day) - EPOCH;
}

/** Julian 0000-03-01 lies two days before the Gregorian one. */
function julianDay(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  return y * 365 + div(y, 4) + dayOfMarchYear(month, day) - EPOCH - 2;
}

function gregorianDate(number: number): CalendarDate {
  const shifted = number + EPOCH;
  const era = div(shifted, 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = div(dayOfEra - div(dayOfEra, 1460) + div(dayOfEra, 36524) - div(dayOfEra, 146096), 365);
  const rest = dayOfEra - (365 * yearOfEra + div(yearOfEra, 4) - div(yearOfEra, 100));
  return fromMarchYear(yearOfEra + era * 400, rest);
}

function julianDate(number: number): CalendarDate {
  const shifted = number + EPOCH + 2;
  const era = div(shifted, 1461);
  const dayOfEra = shifted - era * 1461;
  const yearOfEra = div(dayOfEra - div(dayOfEra, 1460), 365);
  const date = fromMarchYear(yearOfEra + era * 4, dayOfEra - 365 * yearOfEra);
  return { ...date, year: historical(date.year) };
}

function fromMarchYear(year: number, dayOfYear: number): CalendarDate {
  const m = div(5 * dayOfYear + 2, 153);
  const month = m < 10 ? m + 3 : m - 9;
  return { year: month <= 2 ? year + 1 : year, month, day: dayOfYear - div(153 * m + 2, 5) + 1 };
}
