import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Variable } from "../../src/core/array.ts";
import { asValues, type FloatType } from "../../src/core/dtype.ts";
import type { Rounding } from "../../src/core/view.ts";
import { roundValues } from "../../src/read/rounding.ts";

interface Golden {
  readonly dtype: FloatType;
  readonly keepbits: number;
  readonly values: string;
  readonly rounded: string;
}

const golden = JSON.parse(
  readFileSync(new URL("../fixtures/protocols/bitround.json", import.meta.url), "utf8"),
) as readonly Golden[];

function variable(dtype: FloatType, attrs: readonly (readonly [string, number])[] = []): Variable {
  const spec = { dtype, dims: ["x"], shape: [1], chunks: [1], codecs: [], fill: null };
  const described = new Map(attrs.map(([name, value]) => [name, { dtype, value }]));
  return { name: "v", spec: { ...spec, attrs: described }, locate: async () => undefined };
}

function rounded<T extends Float32Array | Float64Array | Float16Array>(values: T, how: Rounding, of: Variable): T {
  roundValues(values, of, how);
  return values;
}

test("keeping bits is numcodecs' BitRound, bit for bit", () => {
  assert.ok(golden.length >= 12);
  for (const { dtype, keepbits, values, rounded: expected } of golden) {
    const array = asValues(dtype, new Uint8Array(Buffer.from(values, "base64")));
    roundValues(array, variable(dtype), { kind: "keepbits", value: keepbits });
    const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");
    assert.equal(bytes, expected, `${dtype} ${keepbits}`);
  }
});

test("errors stay below the bound asked for", () => {
  const source = Float64Array.from({ length: 2000 }, (_, i) => Math.sin(i * 12.9898) * 10 ** ((i % 13) - 6));
  for (const bound of [0.5, 0.1, 0.003, 1e-6]) {
    const absolute = rounded(source.slice(), { kind: "abs", value: bound }, variable("float64"));
    const relative = rounded(source.slice(), { kind: "rel", value: bound }, variable("float64"));
    for (const [i, value] of source.entries()) {
      assert.ok(Math.abs(absolute[i]! - value) <= bound, `abs ${bound}: ${value}`);
      assert.ok(Math.abs(relative[i]! - value) <= bound * Math.abs(value), `rel ${bound}: ${value}`);
    }
    assert.ok(new Set(absolute).size < source.length);
  }
});

test("not-a-number, infinities and markers of missing values are not touched", () => {
  const marks = [
    ["_FillValue", 9.969209968386869e36],
    ["missing_value", -999.9],
  ] as const;
  for (const how of [
    { kind: "keepbits", value: 2 },
    { kind: "abs", value: 100 },
    { kind: "rel", value: 0.4 },
  ] as const) {
    const values = Float32Array.of(Number.NaN, Infinity, -Infinity, 9.969209968386869e36, -999.9, 0, 271.3);
    const before = values.slice();
    roundValues(values, variable("float32", marks), how);
    assert.deepEqual(values.subarray(0, 6), before.subarray(0, 6), how.kind);
    assert.notEqual(values[6], before[6]);
  }
});
