import assert from "node:assert/strict";
import { test } from "node:test";
import type { Calendar } from "../../../../src/core/calendar.ts";
import { parseTime } from "../../../../src/core/time.ts";
import { dateAttr, rfc3339 } from "../../../../src/protocols/stac/dataset-item/period.ts";

test("an instant of any calendar is a date of ours", () => {
  for (const [calendar, text, wanted, isClamped] of [
    ["standard", "2000-02-29T12:00:00.5", "2000-02-29T12:00:00.5Z", false],
    ["standard", "1582-10-04", "1582-10-14T00:00:00Z", false],
    ["julian", "2000-01-01", "2000-01-14T00:00:00Z", false],
    ["proleptic_gregorian", "0001-01-01", "0001-01-01T00:00:00Z", false],
    ["proleptic_gregorian", "0000-06-01", "0000-06-01T00:00:00Z", false],
    ["proleptic_gregorian", "-0044-03-15", "0000-01-01T00:00:00Z", true],
    ["proleptic_gregorian", "12000-01-01", "9999-12-31T23:59:59Z", true],
    ["360_day", "2000-02-30T06:00:00", "2000-02-29T06:00:00Z", true],
    ["360_day", "2001-02-30", "2001-02-28T00:00:00Z", true],
    ["360_day", "2001-03-30", "2001-03-30T00:00:00Z", false],
    ["noleap", "2000-03-01", "2000-03-01T00:00:00Z", false],
    ["all_leap", "2001-02-29", "2001-02-28T00:00:00Z", true],
  ] as const satisfies readonly (readonly [Calendar, string, string, boolean])[]) {
    const said = rfc3339(parseTime(text, calendar).start, calendar);
    assert.deepEqual(said, { text: wanted, isClamped }, `${calendar} ${text}`);
  }
});

test("the noise of a float is less than a millisecond, and may end a day", () => {
  const { start } = parseTime("2000-01-01T00:00:00", "standard");
  assert.equal(rfc3339({ ...start, micros: 18 }, "standard").text, "2000-01-01T00:00:00Z");
  assert.equal(rfc3339({ ...start, micros: 86_399_999_999 }, "standard").text, "2000-01-02T00:00:00Z");
  assert.equal(rfc3339({ ...start, micros: 1500 }, "standard").text, "2000-01-01T00:00:00.002Z");
});

test("dates of attributes are read as people write them, and others are none", () => {
  for (const [text, wanted] of [
    ["2019-01-16T21:54:34Z", "2019-01-16T21:54:34Z"],
    ["2019-01-16 21:54", "2019-01-16T21:54:00Z"],
    ["20190116", "2019-01-16T00:00:00Z"],
    ["20190116T101112Z", "2019-01-16T10:11:12Z"],
    ["2019-02-30", undefined],
    ["2019-01-01T25:00:00", undefined],
    ["yesterday", undefined],
    ["9".repeat(200), undefined],
    [undefined, undefined],
  ] as const) {
    assert.equal(dateAttr(text), wanted, text);
  }
});
