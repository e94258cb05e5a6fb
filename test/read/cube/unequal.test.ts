import assert from "node:assert/strict";
import { test } from "node:test";
import type { ArraySpec, Attr, Dataset, Dimension, Variable } from "../../../src/core/array.ts";
import type { CubeRules } from "../../../src/core/cube.ts";
import type { DType } from "../../../src/core/dtype.ts";
import { GyreError, isGyreError } from "../../../src/errors.ts";
import { type CubeMember, openCube } from "../../../src/read/cube.ts";
import { memberOf, memoryDataset, read, readAll, type StoredMember, type StoredVariable } from "./memory.ts";

const TIME = { concat: "time" };
const DAYS = "days since 2000-01-01";
const HOURS = "hours since 2000-01-01";

function axis(values: readonly number[], units = DAYS, more: Partial<StoredVariable> = {}): StoredVariable {
  const attrs = { units: ["string", units], ...more.attrs } as const;
  return { dtype: "float64", dims: ["time"], shape: [values.length], values, ...more, attrs };
}

function along(values: readonly number[], more: Partial<StoredVariable> = {}): StoredVariable {
  return { dtype: "float32", dims: ["time"], shape: [values.length], values, ...more };
}

function member(name: string, variables: StoredMember["variables"]): CubeMember {
  return memberOf({ name, variables });
}

async function cubeOf(members: readonly CubeMember[], rules: CubeRules = TIME): Promise<Dataset> {
  return (await openCube(members, rules, { read })).dataset;
}

const values = async (dataset: Dataset, name: string): Promise<unknown[]> =>
  Array.from((await readAll(dataset, name)).data as Float64Array, (v) => (Number.isNaN(v) ? null : v));

const textOf = (dataset: Dataset, name: string, attr: string): unknown =>
  dataset.variables.get(name)?.spec.attrs.get(attr)?.value;

/** A member with one more variable `kind(time)` of bytes, of any type. */
function withBytes(name: string, time: number, dtype: DType, bytes: Uint8Array): CubeMember {
  const spec: ArraySpec = {
    dtype,
    dims: ["time"],
    shape: [1],
    chunks: [1],
    codecs: [{ name: "bytes", configuration: { endian: "little" } }],
    fill: null,
    attrs: new Map<string, Attr>(),
  };
  const kind: Variable = { name: "kind", spec, locate: async () => ({ inline: bytes }) };
  const base = member(name, { time: axis([time]) });
  return {
    ...base,
    open: async () => {
      const dataset = await base.open();
      return { ...dataset, variables: new Map([...dataset.variables, ["kind", kind]]) };
    },
  };
}

test("numbers with other names, and structures with other places, are other types", async () => {
  const clouds = (...names: string[]): DType => ({
    kind: "enum",
    base: "int8",
    members: new Map(names.map((name, i) => [name, i])),
  });
  const named = await cubeOf([
    withBytes("a", 0, clouds("clear", "cloudy"), Uint8Array.of(1)),
    withBytes("b", 1, clouds("cloudy", "clear"), Uint8Array.of(1)),
    withBytes("c", 2, clouds("clear", "cloudy"), Uint8Array.of(0)),
  ]);
  assert.deepEqual(await values(named, "kind"), [1, 0, 0], "the second is not known");
  assert.match(named.cube!.left[0]!.reason, /^kind: /);

  const pair = (size: number): DType => ({
    kind: "struct",
    size,
    fields: [{ name: "x", dtype: "int8", offset: size - 1, shape: [] }],
  });
  const packed = await cubeOf([
    withBytes("a", 0, pair(1), Uint8Array.of(7)),
    withBytes("b", 1, pair(1), Uint8Array.of(8)),
    withBytes("c", 2, pair(2), Uint8Array.of(0, 9)),
  ]);
  assert.match(packed.cube!.left[0]!.reason, /^kind: /);
});

test("bounds without units of their own say theirs where members count time differently", async () => {
  const bounds = (list: readonly number[]): StoredVariable => ({
    dtype: "float64",
    dims: ["time", "nv"],
    shape: [list.length / 2, 2],
    values: list,
  });
  const bounded = { attrs: { bounds: ["string", "time_bnds"] } } as const;
  // Most members count hours, but bounds are only in those that count days.
  const dataset = await cubeOf([
    member("a", { time: axis([24], HOURS, bounded) }),
    member("b", { time: axis([48], HOURS, bounded) }),
    member("c", { time: axis([3], DAYS, bounded), time_bnds: bounds([3, 4]) }),
  ]);
  assert.equal(textOf(dataset, "time", "units"), HOURS);
  assert.equal(textOf(dataset, "time_bnds", "units"), DAYS);
  assert.deepEqual(await values(dataset, "time_bnds"), [null, null, null, null, 3, 4]);

  const alike = await cubeOf([
    member("a", { time: axis([1], DAYS, bounded), time_bnds: bounds([1, 2]) }),
    member("b", { time: axis([2], DAYS, bounded), time_bnds: bounds([2, 3]) }),
  ]);
  assert.equal(textOf(alike, "time_bnds", "units"), undefined);
});

test("units that mean no point in time are the same units where they are the same text", async () => {
  const broken = "days since 0000-00-00";
  const dataset = await cubeOf([
    member("a", {
      time: axis([15], broken),
      tas: along([1]),
      age: along([5], { attrs: { units: ["string", "days since rain"] } }),
    }),
    member("b", {
      time: axis([45], broken),
      tas: along([2]),
      age: along([6], { attrs: { units: ["string", "days since rain"] } }),
    }),
    member("c", { time: axis([75], "days since 0000-00-01"), tas: along([3]) }),
  ]);
  assert.deepEqual(await values(dataset, "time"), [15, 45]);
  assert.deepEqual(await values(dataset, "tas"), [1, 2]);
  assert.deepEqual(await values(dataset, "age"), [5, 6]);
  assert.match(dataset.cube!.left[0]!.reason, /not a date/);
});

test("what few members have along the axis and most have not is shown as most have it", async () => {
  const fixed: StoredVariable = { dtype: "float32", dims: [], shape: [], values: [9] };
  const dataset = await cubeOf([
    member("a", { time: axis([0]), area: along([1]) }),
    member("b", { time: axis([1]), area: fixed }),
    member("c", { time: axis([2]), area: fixed }),
  ]);
  assert.deepEqual(dataset.variables.get("area")!.spec.shape, []);
  assert.deepEqual(await values(dataset, "area"), [9]);
});

test("a packed axis is stated unpacked, whatever type holds it", async () => {
  for (const dtype of ["float64", "int64"] as const) {
    const packed = (list: readonly number[]): StoredVariable =>
      axis(list, DAYS, { dtype, attrs: { scale_factor: ["float64", 2] } });
    const dataset = await cubeOf([member("a", { time: packed([0, 1]) }), member("b", { time: packed([2, 3]) })]);
    assert.deepEqual((await values(dataset, "time")).map(Number), [0, 2, 4, 6]);
    assert.equal(textOf(dataset, "time", "scale_factor"), undefined, dtype);
  }
});

test("coordinates are compared as what they mean: without sign, and with what is missing", async () => {
  const unsigned = (list: readonly number[]): StoredVariable =>
    axis(list, DAYS, { dtype: "int8", attrs: { _Unsigned: ["string", "true"] } });
  const dataset = await cubeOf([
    member("a", { time: unsigned([-56, -55]), tas: along([200, 201]) }),
    member("b", { time: unsigned([100, 101]), tas: along([100, 101]) }),
  ]);
  assert.deepEqual((await values(dataset, "time")).map(Number), [100, 101, 200, 201]);
  assert.deepEqual(await values(dataset, "tas"), [100, 101, 200, 201]);

  const holed = await cubeOf([
    member("a", { time: axis([0, -999], DAYS, { attrs: { _FillValue: ["float64", -999] } }) }),
    member("b", { time: axis([1, 2]) }),
    member("c", { time: axis([3, 4]) }),
  ]);
  assert.deepEqual(await values(holed, "time"), [1, 2, 3, 4]);
  assert.match(holed.cube!.left[0]!.reason, /missing values/);
});

/** Like `member`, with group `hourly` that has a dimension `time` of its own. */
function grouped(name: string, root: StoredMember["variables"], inside: StoredMember["variables"]): CubeMember {
  const base = member(name, root);
  return {
    ...base,
    open: async () => {
      const outer = await base.open();
      const inner = await memoryDataset({ name, variables: inside });
      const own = [...inner.variables].map(
        ([key, variable]) => [`hourly/${key}`, { ...variable, name: `hourly/${key}` }] as const,
      );
      const group = { attrs: new Map<string, Attr>(), dimensions: inner.dimensions as Map<string, Dimension> };
      return { ...outer, groups: new Map([["hourly", group]]), variables: new Map([...outer.variables, ...own]) };
    },
  };
}

test("a dimension of the same name and another length in a group is not the axis", async () => {
  const dataset = await cubeOf([
    grouped("a", { time: axis([0, 1]), tas: along([1, 2]) }, { tas: along([10, 11, 12]) }),
    grouped("b", { time: axis([2, 3]), tas: along([3, 4]) }, { tas: along([20, 21, 22]) }),
  ]);
  assert.deepEqual(await values(dataset, "tas"), [1, 2, 3, 4]);
  assert.equal(dataset.variables.has("hourly/tas"), false);
  assert.match(dataset.cube!.left[0]!.reason, /^hourly\/tas: /);

  const alike = await cubeOf([
    grouped("a", { time: axis([0, 1]) }, { tas: along([10, 11]) }),
    grouped("b", { time: axis([2, 3]) }, { tas: along([20, 21]) }),
  ]);
  assert.deepEqual(await values(alike, "hourly/tas"), [10, 11, 20, 21]);
  assert.equal(alike.groups.get("hourly")!.dimensions.get("time")!.size, 4);
});

test("an axis that descends stays so", async () => {
  const level = (list: readonly number[]): StoredVariable => ({
    dtype: "float64",
    dims: ["level"],
    shape: [list.length],
    values: list,
  });
  const dataset = await cubeOf(
    [
      member("a", { level: level([500, 300]), t: { ...level([5, 3]), dtype: "float32" } }),
      member("b", { level: level([1000, 850]), t: { ...level([10, 8]), dtype: "float32" } }),
    ],
    { concat: "level" },
  );
  assert.deepEqual(await values(dataset, "level"), [1000, 850, 500, 300]);
  assert.deepEqual(await values(dataset, "t"), [10, 8, 5, 3]);
});

test("times that differ in the last bits are one time", async () => {
  const dataset = await cubeOf([
    member("a", { time: axis([0, 0.3]), tas: along([0, 3]) }),
    member("b", { time: axis([0.1 + 0.2, 0.4]), tas: along([-1, 4]) }),
  ]);
  assert.deepEqual(await values(dataset, "time"), [0, 0.3, 0.4]);
  assert.deepEqual(await values(dataset, "tas"), [0, 3, 4]);
  assert.equal(dataset.cube!.overlaps[0]!.entries, 1);
});

test("chunks are handed on only where they begin and end as the cube's do", async () => {
  const mode = (dataset: Dataset): string | undefined =>
    dataset.cube!.variables.find(({ name }) => name === "tas")?.mode;
  const stored = (list: readonly number[]): StoredVariable =>
    along(list, { chunks: [2], attrs: { _FillValue: ["float32", -1] } });
  // The second member's first entry is the first one's last: its chunks begin one entry off.
  const overlapping = await cubeOf([
    member("a", { time: axis([0, 1, 2, 3]), tas: stored([0, 10, 20, 30]) }),
    member("b", { time: axis([3, 4, 5]), tas: stored([-5, 40, 50]) }),
  ]);
  assert.equal(mode(overlapping), "regridded");
  assert.deepEqual(await values(overlapping, "tas"), [0, 10, 20, 30, 40, 50]);
  // One entry that only another variable has lies before the last member's chunks.
  const shifted = await cubeOf([
    member("a", { time: axis([0, 1]), tas: stored([0, 10]) }),
    member("b", { time: axis([2]), pr: along([7]) }),
    member("c", { time: axis([3, 4]), tas: stored([30, 40]) }),
  ]);
  assert.equal(mode(shifted), "regridded");
  assert.deepEqual(await values(shifted, "tas"), [0, 10, -1, 30, 40]);
});

test("what was never written is each member's own fill, and a gap is what the attribute says", async () => {
  const filled = (fill: number): StoredVariable => along([0, 0], { fill, without: ["0"] });
  const own = await cubeOf([
    member("a", { time: axis([0, 1]), tas: filled(1) }),
    member("b", { time: axis([2, 3]), tas: filled(2) }),
  ]);
  assert.deepEqual(await values(own, "tas"), [1, 1, 2, 2]);
  const marked = (list: readonly number[]): StoredVariable =>
    along(list, { fill: 0, attrs: { _FillValue: ["float32", -1] } });
  const gap = await cubeOf([
    member("a", { time: axis([0]), tas: marked([5]) }),
    member("b", { time: axis([1]), pr: along([7]) }),
    member("c", { time: axis([2]), tas: marked([6]) }),
  ]);
  assert.deepEqual(await values(gap, "tas"), [5, -1, 6]);
});

test("a new dimension in front of codecs that see the shape, and of chunks that are stored cut", async () => {
  const runs: CubeRules = { newDim: { name: "run", values: [1, 2] } };
  const grid = (values: readonly number[], more: Partial<StoredVariable> = {}): StoredVariable => ({
    dtype: "int16",
    dims: ["y", "x"],
    shape: [2, 3],
    values,
    ...more,
  });
  const [first, second] = [
    [1, 2, 3, 4, 5, 6],
    [7, 8, 9, 10, 11, 12],
  ] as const;
  const codecs = [{ name: "transpose", configuration: { order: [1, 0] } }];
  const turned = await cubeOf(
    [member("a", { h: grid(first, { codecs }) }), member("b", { h: grid(second, { codecs }) })],
    runs,
  );
  assert.deepEqual(await values(turned, "h"), [...first, ...second]);

  /** Its one chunk, of three rows, is stored with the two that there are. */
  const cut = (name: string, numbers: readonly number[]): CubeMember => {
    const base = member(name, { h: grid(numbers, { chunks: [3, 3] }) });
    const inline = new Uint8Array(Int16Array.from(numbers).buffer);
    return {
      ...base,
      open: async () => {
        const dataset = await base.open();
        const h = { ...dataset.variables.get("h")!, locate: async () => ({ inline, shape: [2, 3] }) };
        return { ...dataset, variables: new Map([["h", h]]) };
      },
    };
  };
  const stored = await cubeOf([cut("a", first), cut("b", second)], runs);
  assert.equal(stored.cube!.variables.find(({ name }) => name === "h")?.mode, "raw");
  assert.deepEqual(await values(stored, "h"), [...first, ...second]);
});

test("computed members have no bytes to hand on; ranges that only some state are stated by none", async () => {
  const computed = (name: string, time: number, value: number): CubeMember => {
    const base = member(name, { time: axis([time]), tas: along([value]) });
    return {
      ...base,
      open: async () => {
        const dataset = await base.open();
        const tas = dataset.variables.get("tas")!;
        const derived: Variable = {
          ...tas,
          locate: async () => undefined,
          read: (selection, call) => read(dataset, tas, selection, call),
        };
        return { ...dataset, variables: new Map([...dataset.variables, ["tas", derived]]) };
      },
    };
  };
  const derived = await cubeOf([computed("a", 0, 5), computed("b", 1, 6)]);
  assert.deepEqual(await values(derived, "tas"), [5, 6]);

  const ranged = await cubeOf([
    member("a", { time: axis([0]), tas: along([5], { attrs: { valid_max: ["float32", 5] } }) }),
    member("b", { time: axis([1]), tas: along([6]) }),
    member("c", { time: axis([2]), tas: along([4], { attrs: { valid_max: ["float32", 5] } }) }),
  ]);
  assert.equal(textOf(ranged, "tas", "valid_max"), undefined);
  assert.deepEqual(await values(ranged, "tas"), [5, 6, 4]);
});

test("integers that are missing in different ways become floats, those of different sign a wider type", async () => {
  const small = (value: number, fill: number): StoredVariable =>
    along([value, fill], { dtype: "int16", attrs: { _FillValue: ["int16", fill] } });
  const holed = await cubeOf([
    member("a", { time: axis([0, 1]), n: small(5, -1) }),
    member("b", { time: axis([2, 3]), n: small(-1, -2) }),
  ]);
  assert.equal(holed.variables.get("n")!.spec.dtype, "float32");
  assert.deepEqual(await values(holed, "n"), [5, null, -1, null]);
  const signed = await cubeOf([
    member("a", { time: axis([0]), n: along([-1], { dtype: "int8" }) }),
    member("b", { time: axis([1]), n: along([200], { dtype: "uint8" }) }),
  ]);
  assert.equal(signed.variables.get("n")!.spec.dtype, "int16");
  assert.deepEqual(await values(signed, "n"), [-1, 200]);
});

test("a member whose store is busy is waited for, one that is broken takes its label with it", async () => {
  const failing = (name: string, tag: "Busy" | "BadSource"): CubeMember => ({
    source: `memory:/${name}`,
    identity: name,
    open: () => Promise.reject(new GyreError(tag, "no answer")),
  });
  const good = (name: string, value: number): CubeMember => member(name, { tas: { ...along([value]), dims: ["x"] } });
  const isBusy = (error: unknown): boolean => isGyreError(error, "Busy");
  await assert.rejects(cubeOf([good("a", 1), failing("b", "Busy")], {}), isBusy);
  const runs = await cubeOf([good("a", 1), failing("b", "BadSource"), good("c", 3)], {
    newDim: { name: "run", values: ["first", "second", "third"] },
  });
  assert.deepEqual((await readAll(runs, "run")).data, ["first", "third"]);
  assert.deepEqual(await values(runs, "tas"), [1, 3]);
});
