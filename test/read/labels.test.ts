import assert from "node:assert/strict";
import { test } from "node:test";
import type { DimSelection } from "../../src/core/selection.ts";
import { slice } from "../../src/core/selection.ts";
import { parseTimeUnits } from "../../src/core/time.ts";
import { isGyreError } from "../../src/errors.ts";
import { type Coordinate, type LabelRequest, resolveLabels } from "../../src/read/labels.ts";

function numbers(values: readonly number[], more: Partial<Coordinate> = {}): Coordinate {
  return { name: "x", block: { dtype: "float64", shape: [values.length], data: new Float64Array(values) }, ...more };
}

const up = numbers([-60, -30, 0, 30, 60]);
const down = numbers([60, 30, 0, -30, -60]);
const lon = numbers([0, 60, 120, 180, 240, 300], { period: 360 });
const west = numbers([-180, -120, -60, 0, 60, 120], { period: 360 });
const time = numbers([0, 31, 59.5, 90, 120, 365], { time: parseTimeUnits("days since 2000-01-01", "noleap") });
const expectations: readonly (readonly [string, Coordinate, LabelRequest, DimSelection])[] = [
  ["an exact value", up, { value: 30 }, 3],
  ["an exact value as text", down, { value: "30" }, 1],
  ["the nearest value", up, { value: 40, method: "nearest" }, 3],
  ["the nearest value, the larger of two", up, { value: 45, method: "nearest" }, 4],
  ["the nearest value, descending", down, { value: 45, method: "nearest" }, 0],
  ["several values", down, { values: [0, 60] }, [2, 0]],
  ["a range ascending", up, { from: -30, to: 30 }, slice(1, 4)],
  ["a range descending", down, { from: -30, to: 30 }, slice(1, 4)],
  ["a range the other way round", down, { from: 30, to: -30 }, slice(1, 4)],
  ["an open range", down, { to: -1 }, slice(3, 5)],
  ["everything", up, {}, slice(0, 5)],
  ["an empty range", up, { from: 1, to: 2 }, slice(0, 0)],
  ["a longitude at another turn", lon, { value: -60 }, 5],
  ["the nearest longitude across the seam", lon, { value: 355, method: "nearest" }, 0],
  ["a range across the seam of 0..360", lon, { from: -60, to: 60 }, [5, 0, 1]],
  ["a range across the date line", west, { from: 120, to: -120 }, [5, 0, 1]],
  ["a range without a seam", lon, { from: 60, to: 180 }, slice(1, 4)],
  ["the whole turn", lon, { from: -180, to: 180 }, slice(0, 6)],
  ["a month of a time axis", time, { value: "2000-02" }, 1],
  ["a day of a time axis", time, { value: "2000-03-01" }, 2],
  ["a year of a time axis", time, { value: "2000" }, slice(0, 5)],
  ["a stretch of time, both ends included", time, { from: "2000-02-01", to: "2000-04" }, slice(1, 4)],
  ["the nearest time", time, { value: "2000-01-20", method: "nearest" }, 1],
  ["a number on a time axis", time, { value: 365 }, 5],
];

for (const [name, coordinate, request, expected] of expectations) {
  test(`labels: ${name}`, () => assert.deepEqual(resolveLabels(coordinate, request), expected));
}

test("labels: an unordered axis gives a list", () => {
  assert.deepEqual(resolveLabels(numbers([3, 1, 2, 9]), { from: 2, to: 4 }), [0, 2]);
});

test("labels: missing values are never found", () => {
  const data = new Int32Array([1, -9, 3]);
  const masked: Coordinate = {
    name: "x",
    block: { dtype: "int32", shape: [3], data, mask: new Uint8Array([0, 1, 0]) },
  };
  assert.deepEqual(resolveLabels(masked, { from: -100, to: 3 }), [0, 2]);
  assert.equal(resolveLabels(masked, { value: -8, method: "nearest" }), 0);
});

test("labels: a label is rounded like the axis", () => {
  const block = { dtype: "float32", shape: [2], data: new Float32Array([40.1, 50.1]) } as const;
  assert.equal(resolveLabels({ name: "lat", block }, { value: 50.1 }), 1);
});

test("labels: text", () => {
  const block = { dtype: "string", shape: [3], data: ["a", "b", "b"] } as const;
  assert.equal(resolveLabels({ name: "station", block: { ...block, data: [...block.data] } }, { value: "a" }), 0);
  assert.deepEqual(
    resolveLabels({ name: "station", block: { ...block, data: [...block.data] } }, { value: "b" }),
    slice(1, 3),
  );
});

test("labels: what is not there, and what cannot be read", () => {
  assert.throws(
    () => resolveLabels(up, { value: 31 }),
    (e) => isGyreError(e, "NotFound"),
  );
  assert.throws(
    () => resolveLabels(up, { value: 40, method: "nearest", tolerance: 5 }),
    (e) => isGyreError(e, "NotFound"),
  );
  assert.throws(
    () => resolveLabels(up, { value: "north" }),
    (e) => isGyreError(e, "BadRequest"),
  );
  assert.throws(
    () => resolveLabels(time, { value: "2000-02-29" }),
    (e) => isGyreError(e, "BadRequest"),
  );
  assert.throws(
    () => resolveLabels(numbers([]), { value: 1, method: "nearest" }),
    (e) => isGyreError(e, "NotFound"),
  );
});
