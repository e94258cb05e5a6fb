import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Calendar, dateOfDay, dayNumber, parseCalendar } from "../../src/core/calendar.ts";
import {
  compareInstants,
  decodeTime,
  encodeTime,
  epochMillis,
  formatInstant,
  instantOf,
  looksLikeTime,
  parseTime,
  parseTimeUnits,
  timeConversion,
  timeUnit,
} from "../../src/core/time.ts";
import { isGyreError } from "../../src/errors.ts";

interface Golden {
  readonly calendar: string;
  readonly units: string;
  readonly number: string;
  readonly iso: string;
  readonly encoded: number;
}

/** See test/fixtures/time/make.py. */
function readGolden(): Golden[] {
  const out: Golden[] = [];
  let calendar = "";
  let units = "";
  for (const line of readFileSync(new URL("../fixtures/time/golden.txt", import.meta.url), "utf8")
    .trim()
    .split("\n")) {
    const [number, iso, encoded] = line.split(",") as [string, string, string | undefined];
    if (iso.includes(" since ")) [calendar, units] = [number, iso];
    else out.push({ calendar, units, number, iso, encoded: Number(encoded ?? number) });
  }
  return out;
}

const golden = readGolden();

test("decodes and encodes every number of cftime's table as cftime does", () => {
  assert.ok(golden.length > 1500);
  const wrong: string[] = [];
  for (const { calendar, units, number, iso, encoded } of golden) {
    const time = parseTimeUnits(units, calendar);
    const instant = decodeTime(Number(number), time)!;
    const text = formatInstant(instant, time.calendar);
    const back = encodeTime(instant, time);
    if (text !== iso) wrong.push(`${number} ${units} (${calendar}): ${text}, cftime ${iso}`);
    if (Math.abs(back - encoded) > Math.abs(back) * 3e-16) {
      wrong.push(`${iso} in ${units} (${calendar}): ${back}, cftime ${encoded}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("whole numbers decode alike as number and as bigint", () => {
  for (const { calendar, units, number } of golden) {
    if (!/^-?\d+$/.test(number)) continue;
    const time = parseTimeUnits(units, calendar);
    assert.deepEqual(decodeTime(BigInt(number), time), decodeTime(Number(number), time));
  }
});

test("day numbers and dates are each other's inverse through all calendars", () => {
  const names = ["standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day"];
  for (const calendar of names as Calendar[]) {
    let previous = "";
    for (let day = -900000; day < 400000; day += 17) {
      const date = dateOfDay(calendar, day);
      assert.equal(dayNumber(calendar, date), day, `${calendar} ${JSON.stringify(date)}`);
      if (calendar === "standard" || calendar === "julian") assert.notEqual(date.year, 0);
      const text = JSON.stringify(date);
      assert.notEqual(text, previous);
      previous = text;
    }
  }
});

test("the mixed calendar has no days between 1582-10-04 and 1582-10-15, and no year 0", () => {
  const day = (d: number): number | undefined => dayNumber("standard", { year: 1582, month: 10, day: d });
  assert.equal(day(15)! - day(4)!, 1);
  assert.equal(day(5), undefined);
  assert.equal(day(14), undefined);
  const newYear = dayNumber("standard", { year: 1, month: 1, day: 1 })!;
  assert.deepEqual(dateOfDay("standard", newYear - 1), { year: -1, month: 12, day: 31 });
  assert.deepEqual(
    dateOfDay("proleptic_gregorian", dayNumber("proleptic_gregorian", { year: 1, month: 1, day: 1 })! - 1),
    {
      year: 0,
      month: 12,
      day: 31,
    },
  );
  assert.throws(
    () => parseTimeUnits("days since 0000-01-01", "gregorian"),
    (e) => isGyreError(e, "BadSource"),
  );
});

test("days that a calendar lacks are refused by name", () => {
  for (const [text, calendar] of [
    ["2001-02-29", "standard"],
    ["2000-02-29", "noleap"],
    ["2000-01-31", "360_day"],
    ["1582-10-10", "standard"],
    ["2000-13-01", "julian"],
    ["2000-01-01T24:00", "standard"],
    ["yesterday", "standard"],
  ] as const) {
    assert.throws(
      () => parseTime(text, calendar),
      (e) => isGyreError(e, "BadRequest") && e.message.includes(text),
    );
  }
  assert.ok(parseTime("2000-02-30", "360_day"));
});

test("partial times name the stretch they leave open", () => {
  const bounds = (text: string, calendar: Calendar = "standard"): string[] => {
    const { start, end } = parseTime(text, calendar);
    return [formatInstant(start, calendar), formatInstant(end, calendar)];
  };
  assert.deepEqual(bounds("2000"), ["2000-01-01T00:00:00", "2001-01-01T00:00:00"]);
  assert.deepEqual(bounds("2000-02"), ["2000-02-01T00:00:00", "2000-03-01T00:00:00"]);
  assert.deepEqual(bounds("2000-02", "360_day"), ["2000-02-01T00:00:00", "2000-03-01T00:00:00"]);
  assert.deepEqual(bounds("-0001-12"), ["-0001-12-01T00:00:00", "0001-01-01T00:00:00"]);
  assert.deepEqual(bounds("2000-02-29T23"), ["2000-02-29T23:00:00", "2000-03-01T00:00:00"]);
  assert.deepEqual(bounds("2000-02-29T23:59:59.25Z"), ["2000-02-29T23:59:59.250000", "2000-02-29T23:59:59.260000"]);
  assert.deepEqual(bounds("2000-01-01T00:00-06:00"), ["2000-01-01T06:00:00", "2000-01-01T06:01:00"]);
  assert.deepEqual(bounds("20000101T1230Z"), ["2000-01-01T12:30:00", "2000-01-01T12:31:00"]);
});

test("units of time are spelled as UDUNITS spells them", () => {
  const days = (text: string): number => timeUnit(text)! / 86400e6;
  assert.equal(days("Hours"), 1 / 24);
  assert.equal(days("week"), 7);
  assert.ok(Math.abs(days("years") - 365.242198781) < 1e-10);
  assert.ok(Math.abs(days("months") * 12 - days("year")) < 1e-10);
  assert.equal(timeUnit("months", "360_day"), 30 * 86400e6);
  assert.equal(timeUnit("K"), undefined);
  assert.ok(looksLikeTime("days since when?"));
  assert.ok(!looksLikeTime("degrees since dawn"));
  assert.ok(!looksLikeTime("days"));
});

test("sloppy references that files really have", () => {
  const iso = (units: string, value = 0): string =>
    formatInstant(decodeTime(value, parseTimeUnits(units))!, "standard");
  assert.equal(iso("hours since 1992-1-1"), "1992-01-01T00:00:00");
  assert.equal(iso("days since 1800-01-01 00:00:0.0"), "1800-01-01T00:00:00");
  assert.equal(iso("seconds since 1970-1-1 00:00:00 UTC"), "1970-01-01T00:00:00");
  assert.equal(iso("hours since 2000-01-01 00:00:00 -6:00"), "2000-01-01T06:00:00");
  assert.equal(iso("Hour Since 2012-05-15T12:00:00Z"), "2012-05-15T12:00:00");
  assert.equal(iso("days since 1850"), "1850-01-01T00:00:00");
  assert.equal(iso("nanoseconds since 1970-01-01", 1e18), "2001-09-09T01:46:40");
});

test("what is no point in time stays absent", () => {
  const units = parseTimeUnits("days since 1850-01-01");
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e300, -1e12])
    assert.equal(decodeTime(value, units), undefined);
  assert.equal(decodeTime(1n << 62n, units), undefined);
  assert.throws(
    () => parseTimeUnits("days since 1850-01-01", "mayan"),
    (e) => isGyreError(e, "BadSource"),
  );
  assert.equal(parseCalendar("none"), undefined);
});

test("converts between units of one axis, and not across axes", () => {
  const noleap = (units: string) => parseTimeUnits(units, "noleap");
  const convert = timeConversion(noleap("days since 1850-01-01"), noleap("hours since 1851-01-01"))!;
  assert.equal(convert(365.5), 12);
  assert.ok(Number.isNaN(convert(Number.NaN)));
  assert.equal(timeConversion(noleap("days since 1850-01-01"), parseTimeUnits("days since 1850-01-01")), undefined);
  const julian = timeConversion(
    parseTimeUnits("days since 1900-01-01", "julian"),
    parseTimeUnits("days since 1900-01-13"),
  )!;
  assert.equal(julian(0), 0);
});

test("instants compare and become JavaScript milliseconds on the physical axis", () => {
  const at = { year: 2000, month: 2, day: 29, hour: 1, minute: 2, second: 3, microsecond: 4000 };
  const time = instantOf(at, "standard")!;
  assert.equal(epochMillis(time, "standard"), Date.UTC(2000, 1, 29, 1, 2, 3, 4));
  assert.equal(epochMillis(time, "360_day"), undefined);
  assert.ok(compareInstants(time, { ...time, micros: time.micros + 1 }) < 0);
  assert.equal(instantOf({ ...at, minute: 60 }, "standard"), undefined);
});
