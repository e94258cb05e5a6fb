import assert from "node:assert/strict";
import { test } from "node:test";
import { sameUnits, unitConversion } from "../../src/core/units.ts";

const conversions: readonly (readonly [string, string, number, number])[] = [
  ["degC", "K", 0, 273.15],
  ["K", "degC", 300, 26.85],
  ["degF", "degC", 212, 100],
  ["km", "m", 1.5, 1500],
  ["hPa", "Pa", 1013.25, 101325],
  ["millibars", "hPa", 850, 850],
  ["mm/day", "m s-1", 86.4, 1e-6],
  ["hours", "days", 36, 1.5],
  ["min", "s", 2, 120],
  ["g kg-1", "kg kg-1", 12, 0.012],
  ["%", "1", 50, 0.5],
  ["1e-3", "1", 5, 0.005],
  ["kts", "m/s", 3600, 1852],
  ["10^-6 mol m^-3", "umol/m3", 3, 3],
  ["W/m^2", "J m**-2 s**-1", 7, 7],
  ["degrees_north", "radian", 180, Math.PI],
  ["kJ", "J", 1, 1000],
  ["DU", "m", 1, 1e-5],
];

for (const [from, to, value, expected] of conversions) {
  test(`${value} ${from} is ${expected} ${to}`, () => {
    const { scale, offset } = unitConversion(from, to)!;
    assert.ok(Math.abs(value * scale + offset - expected) <= Math.abs(expected) * 1e-12 + 1e-12);
  });
}

test("the same unit in other words", () => {
  for (const [a, b] of [
    ["degC", "celsius"],
    ["kg m-2 s-1", "kg/m^2/s"],
    ["kg m-2 s-1", "s-1 kg m-2"],
    ["degrees_east", "degree_E"],
    ["", "1"],
    ["whatever", "whatever"],
  ] as const) {
    assert.ok(sameUnits(a, b), `${a} and ${b}`);
  }
});

test("different kinds and unknown units have no conversion", () => {
  for (const [a, b] of [
    ["kg m-2 s-1", "mm day-1"],
    ["K", "m"],
    ["furlong", "m"],
    ["days since 1850-01-01", "days"],
    ["m/", "m"],
    ["__proto__", "m"],
  ] as const) {
    assert.equal(unitConversion(a, b), undefined, `${a} and ${b}`);
  }
  assert.ok(!sameUnits("K", "degC"));
  assert.ok(!sameUnits("degC m-1", "degC"));
});
