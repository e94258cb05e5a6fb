import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInstant, parseInterval } from "../../src/core/interval.ts";

test("an instant is an RFC 3339 date-time", () => {
  for (const [text, iso] of [
    ["2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000Z"],
    ["2000-01-01t00:00:00z", "2000-01-01T00:00:00.000Z"],
    ["1990-12-31T15:59:50.123456-08:00", "1990-12-31T23:59:50.123Z"],
    ["1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["2020-02-29T12:00:00.5+05:30", "2020-02-29T06:30:00.500Z"],
  ] as const) {
    assert.equal(parseInstant(text)?.toISOString(), iso, text);
  }
  for (const text of [
    "",
    "2000-01-01",
    "2000-01-01T00:00:00",
    "2000-13-01T00:00:00Z",
    "2001-02-29T00:00:00Z",
    "2000-01-01T24:00:00Z",
    "2000-01-01T00:60:00Z",
    "2000-01-01T00:00:00+25:00",
    "2000-01-01T00:00:00Z ",
    "20000101T000000Z",
    "2020-02-29T12:00:00,5Z",
  ]) {
    assert.equal(parseInstant(text), undefined, text);
  }
});

test("an interval may be open at one end", () => {
  const start = new Date("2000-01-01T00:00:00Z");
  const end = new Date("2001-01-01T00:00:00Z");
  assert.deepEqual(parseInterval("2000-01-01T00:00:00Z"), { start, end: start });
  assert.deepEqual(parseInterval("2000-01-01T00:00:00Z/2001-01-01T00:00:00Z"), { start, end });
  for (const text of ["2000-01-01T00:00:00Z/..", "2000-01-01T00:00:00Z/"])
    assert.deepEqual(parseInterval(text), { start });
  for (const text of ["../2001-01-01T00:00:00Z", "/2001-01-01T00:00:00Z"])
    assert.deepEqual(parseInterval(text), { end });
});

test("what is no interval is refused with what would be one", () => {
  for (const [text, why] of [
    ["../..", /open at both ends/],
    ["/", /open at both ends/],
    ["", /names no time/],
    ["..", /names no time/],
    ["a/b/c", /more than one slash/],
    ["2001-01-01T00:00:00Z/2000-01-01T00:00:00Z", /ends before it starts/],
    ["2000-01-01/2001-01-01", /no RFC 3339/],
  ] as const) {
    assert.throws(() => parseInterval(text), { name: "GyreError(BadRequest)", message: why }, text);
  }
});
