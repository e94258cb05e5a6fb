import assert from "node:assert/strict";
import { test } from "node:test";
import type { Block, Dataset } from "../../../src/core/array.ts";
import { textAttr } from "../../../src/core/attrs.ts";
import type { CubeRules } from "../../../src/core/cube.ts";
import { decodeTime, parseTimeUnits } from "../../../src/core/time.ts";
import { decodeCf } from "../../../src/read/cf.ts";
import { openCube } from "../../../src/read/cube.ts";
import { type Expected, fixture, memberOf, read, readAll } from "./memory.ts";

/** Values as xarray shows them: masked ones null, times in seconds since 2000-01-01. */
async function shown(dataset: Dataset, name: string): Promise<{ shape: readonly number[]; values: (number | null)[] }> {
  const { spec } = dataset.variables.get(name)!;
  const block = decodeCf(await readAll(dataset, name), spec, { validRange: false });
  return { shape: block.shape, values: numbers(block) };
}

function numbers(block: Block): (number | null)[] {
  return Array.from(block.data as Float64Array, (v) => (Number.isNaN(Number(v)) ? null : Number(v)));
}

function secondsOf(dataset: Dataset, name: string, values: readonly (number | null)[]): number[] {
  const own = dataset.variables.get(name)!.spec.attrs;
  const attrs = own.has("units") ? own : dataset.variables.get("time")!.spec.attrs;
  const units = parseTimeUnits(textAttr(attrs, "units")!, textAttr(attrs, "calendar"));
  return values.map((value) => {
    const { day, micros } = decodeTime(value!, units)!;
    return (day - 10957) * 86400 + micros / 1e6;
  });
}

async function assertLikeXarray(dataset: Dataset, expected: Record<string, Expected>): Promise<void> {
  assert.deepEqual(
    [...dataset.variables.keys()].filter((name) => name !== "realization").sort(),
    Object.keys(expected).sort(),
  );
  for (const [name, { dims, shape, dtype, values, seconds }] of Object.entries(expected)) {
    const { spec } = dataset.variables.get(name)!;
    const own = await shown(dataset, name);
    // xarray repeats bounds for every member; equal bounds of a shared coordinate are shared here.
    const isShared = name === "time_bnds" && dims[0] === "realization";
    assert.deepEqual(spec.dims, isShared ? dims.slice(1) : dims, name);
    assert.deepEqual(own.shape, isShared ? shape.slice(1) : shape, name);
    const once = own.values.length;
    if (seconds !== undefined) assert.deepEqual(secondsOf(dataset, name, own.values), seconds.slice(0, once), name);
    else assert.deepEqual(own.values, values, `${name} (${dtype})`);
  }
}

const cases: readonly { name: string; rules: CubeRules; modes: Record<string, string> }[] = [
  {
    name: "mixed",
    rules: { concat: "time" },
    modes: { lat: "raw", lon: "raw", time: "inline", time_bnds: "decoded", tas: "decoded", pr: "regridded" },
  },
  {
    name: "union",
    rules: { concat: "time" },
    modes: { lat: "raw", lon: "raw", time: "inline", time_bnds: "raw", tas: "raw", pr: "decoded" },
  },
  {
    name: "ensemble",
    rules: { newDim: { name: "realization", pattern: "_r(\\d+)\\.nc$" } },
    modes: { lat: "raw", lon: "raw", time: "raw", time_bnds: "raw", tas: "decoded", pr: "raw", realization: "inline" },
  },
];

for (const { name, rules, modes } of cases) {
  test(`${name}: values are those of xarray's open_mfdataset`, async () => {
    const { members, expected } = fixture(name);
    const { dataset } = await openCube(members.map(memberOf), rules, { read });
    await assertLikeXarray(dataset, expected);
    const found = Object.fromEntries(dataset.cube!.variables.map((v) => [v.name, v.mode]));
    assert.deepEqual(found, modes);
  });

  test(`${name}: members in any order give the same cube`, async () => {
    const { members, expected } = fixture(name);
    const { dataset } = await openCube(members.toReversed().map(memberOf), rules, { read });
    await assertLikeXarray(dataset, expected);
  });
}

test("mixed: what differs is named with the members that differ", async () => {
  const { members } = fixture("mixed");
  const { dataset } = await openCube(members.map(memberOf), { concat: "time" }, { read });
  const tas = dataset.cube!.variables.find((v) => v.name === "tas")!;
  const properties = new Set(tas.differences.map((d) => d.property));
  for (const property of ["dtype", "byte order", "codecs", "chunks", "scale_factor", "add_offset", "_FillValue"]) {
    assert.ok(properties.has(property), property);
  }
  const order = tas.differences.find((d) => d.property === "byte order")!;
  assert.deepEqual(order.found.at(-1), { value: "big", members: 1, example: "memory:/d.nc" });
  const time = dataset.cube!.variables.find((v) => v.name === "time")!;
  assert.ok(time.differences.some((d) => d.property === "units" && d.found.length === 3));
});

test("mixed: selections with steps, lists and single steps are those of the whole", async () => {
  const { members } = fixture("mixed");
  const { dataset } = await openCube(members.map(memberOf), { concat: "time" }, { read });
  const tas = dataset.variables.get("tas")!;
  const whole = numbers(await readAll(dataset, "tas"));
  const at = (t: number, y: number, x: number): number | null => whole[(t * 3 + y) * 4 + x]!;
  const strided = await tas.read!([{ start: 1, stop: 11, step: 3 }, 2, { start: 3, stop: -1, step: -2 }]);
  assert.deepEqual(strided.shape, [4, 2]);
  assert.deepEqual(
    numbers(strided),
    [1, 4, 7, 10].flatMap((t) => [at(t, 2, 3), at(t, 2, 1)]),
  );
  const listed = await tas.read!([[10, 0, 5, 5], [0], 1]);
  assert.deepEqual(
    numbers(listed),
    [10, 0, 5, 5].map((t) => at(t, 0, 1)),
  );
  assert.deepEqual(numbers(await tas.read!([6, 0, 0])), [at(6, 0, 0)]);
  const backwards = await tas.read!([{ start: 10, stop: -1, step: -1 }, 0, 0]);
  assert.deepEqual(
    numbers(backwards),
    Array.from({ length: 11 }, (_, i) => at(10 - i, 0, 0)),
  );
});
