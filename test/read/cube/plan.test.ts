import assert from "node:assert/strict";
import { test } from "node:test";
import type { Dataset } from "../../../src/core/array.ts";
import type { CubeRules } from "../../../src/core/cube.ts";
import { isGyreError } from "../../../src/errors.ts";
import { rawChunk } from "../../../src/read/chunk.ts";
import { type CubeMember, openCube } from "../../../src/read/cube.ts";
import { memberOf, memoryDataset, read, readAll, reader, type StoredMember, type StoredVariable } from "./memory.ts";

const TIME = { concat: "time" };

interface Part {
  readonly name: string;
  readonly times: readonly number[];
  readonly units?: string;
  readonly calendar?: string;
  readonly lat?: readonly number[];
  readonly tas?: Partial<StoredVariable>;
  readonly tasUnits?: string;
  readonly more?: StoredMember["variables"];
}

/** A file with `time`, `lat` and `tas(time, lat)`, whose values are ten times the time, plus the latitude's place. */
function part({
  name,
  times,
  units = "days since 2000-01-01",
  calendar = "standard",
  lat = [10, 20],
  ...rest
}: Part): StoredMember {
  const n = times.length;
  return {
    name,
    variables: {
      time: {
        dtype: "float64",
        dims: ["time"],
        shape: [n],
        attrs: { units: ["string", units], calendar: ["string", calendar] },
        values: times,
      },
      lat: { dtype: "float64", dims: ["lat"], shape: [lat.length], values: lat },
      tas: {
        dtype: "float32",
        dims: ["time", "lat"],
        shape: [n, lat.length],
        chunks: [2, 1],
        zlib: true,
        attrs: { units: ["string", rest.tasUnits ?? "K"] },
        values: times.flatMap((t) => lat.map((_, i) => t * 10 + i)),
        ...rest.tas,
      },
      ...rest.more,
    },
  };
}

async function cubeOf(parts: readonly StoredMember[], rules: CubeRules = TIME): Promise<Dataset> {
  return (await openCube(parts.map(memberOf), rules, { read })).dataset;
}

const values = async (dataset: Dataset, name: string): Promise<unknown[]> =>
  Array.from((await readAll(dataset, name)).data as Float64Array, (v) => (Number.isNaN(v) ? null : v));

const modes = (dataset: Dataset): Record<string, string> =>
  Object.fromEntries(dataset.cube!.variables.map((v) => [v.name, v.mode]));

test("equal members: stored bytes go out untouched, also a short last chunk", async () => {
  const parts = [part({ name: "a", times: [0, 1, 2, 3] }), part({ name: "b", times: [4, 5, 6] })];
  const dataset = await cubeOf(parts);
  assert.deepEqual(modes(dataset), { time: "inline", lat: "raw", tas: "raw" });
  const tas = dataset.variables.get("tas")!;
  assert.equal(tas.read, undefined);
  const second = (await memoryDataset(parts[1]!)).variables.get("tas")!;
  for (const [own, theirs] of [
    [
      [2, 1],
      [0, 1],
    ],
    [
      [3, 0],
      [1, 0],
    ],
  ] as const) {
    assert.deepEqual(await tas.locate(own), await second.locate(theirs));
    assert.equal((await rawChunk(reader, tas, own))!.source, "raw");
  }
  assert.equal(await tas.locate([4, 0]), undefined);
  assert.deepEqual((await values(dataset, "tas")).slice(-4), [50, 51, 60, 61]);
});

test("a short chunk in the middle: values as stored, on a grid of the cube's own", async () => {
  const packed = { dtype: "int16", attrs: { units: ["string", "K"], scale_factor: ["float64", 0.5] } } as const;
  const dataset = await cubeOf([
    part({ name: "a", times: [0, 1, 2], tas: packed }),
    part({ name: "b", times: [3, 4, 5], tas: packed }),
  ]);
  const tas = dataset.variables.get("tas")!;
  assert.equal(modes(dataset).tas, "regridded");
  assert.equal(tas.spec.dtype, "int16");
  assert.equal(tas.spec.attrs.get("scale_factor")?.value, 0.5);
  assert.deepEqual(await values(dataset, "tas"), [0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51]);
  const raw = (await rawChunk(reader, tas, [1, 0]))!;
  assert.equal(raw.source, "recoded");
});

test("another codec alone: only the chunks of that member are encoded again", async () => {
  const dataset = await cubeOf([
    part({ name: "a", times: [0, 1] }),
    part({ name: "b", times: [2, 3], tas: { zlib: false, endian: "big" } }),
    part({ name: "c", times: [4, 5] }),
  ]);
  const tas = dataset.variables.get("tas")!;
  const sources = await Promise.all([0, 1, 2].map(async (t) => (await rawChunk(reader, tas, [t, 0]))!.source));
  assert.deepEqual(sources, ["raw", "recoded", "raw"]);
  assert.deepEqual(await values(dataset, "tas"), [0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51]);
  const properties = dataset.cube!.variables.find((v) => v.name === "tas")!.differences.map((d) => d.property);
  assert.deepEqual(properties, ["byte order", "codecs"]);
});

test("chunks that were never written keep the fill of their member", async () => {
  const fill = (value: number): Partial<StoredVariable> => ({
    attrs: { units: ["string", "K"], _FillValue: ["float32", value] },
  });
  const a = part({ name: "a", times: [0, 1], tas: fill(-1) });
  const b = part({ name: "b", times: [2, 3], tas: fill(-2) });
  const unwritten = (stored: StoredMember): CubeMember => ({
    ...memberOf(stored),
    open: async () => {
      const dataset = await memoryDataset(stored);
      const tas = dataset.variables.get("tas")!;
      const variables = new Map(dataset.variables).set("tas", { ...tas, locate: async () => undefined });
      return { ...dataset, variables };
    },
  });
  const { dataset } = await openCube([unwritten(a), unwritten(b)], TIME, { read });
  assert.equal(modes(dataset).tas, "decoded");
  assert.deepEqual(await values(dataset, "tas"), new Array(8).fill(null));
});

test("units are converted where they differ, refused where they cannot be", async () => {
  const celsius = part({ name: "b", times: [2], tasUnits: "degC", tas: { shape: [1, 2] } });
  const dataset = await cubeOf([part({ name: "a", times: [0, 1] }), celsius, part({ name: "c", times: [3, 4] })]);
  assert.equal(dataset.variables.get("tas")!.spec.attrs.get("units")?.value, "K");
  const [first, second] = (await values(dataset, "tas")).slice(4, 6) as number[];
  assert.ok(Math.abs(first! - 293.15) < 1e-9 && Math.abs(second! - 294.15) < 1e-9, `${first} ${second}`);

  const metres = part({ name: "b", times: [2], tasUnits: "m" });
  const other = await cubeOf([part({ name: "a", times: [0, 1] }), metres]);
  assert.deepEqual(await values(other, "tas"), [0, 1, 10, 11, null, null]);
  assert.deepEqual(other.cube!.left, [{ source: "memory:/b", reason: "tas: units m beside K" }]);
});

test("calendars without a common axis are refused, the two Gregorian ones are not", async () => {
  const a = part({ name: "a", times: [0, 1] });
  const dataset = await cubeOf([
    a,
    part({ name: "b", times: [2, 3], calendar: "360_day" }),
    part({ name: "c", times: [4, 5], calendar: "proleptic_gregorian" }),
  ]);
  assert.deepEqual(await values(dataset, "time"), [0, 1, 4, 5]);
  assert.match(dataset.cube!.left[0]!.reason, /calendar 360_day/);
  assert.equal(dataset.cube!.members, 2);
});

test("gaps are named, overlaps go to the member that begins first", async () => {
  const dataset = await cubeOf([
    part({ name: "a", times: [0, 1, 2, 3] }),
    part({ name: "b", times: [2, 3, 4], tas: { values: [-1, -1, -1, -1, 40, 41] } }),
    part({ name: "c", times: [8, 9] }),
  ]);
  assert.deepEqual(await values(dataset, "time"), [0, 1, 2, 3, 4, 8, 9]);
  assert.deepEqual((await values(dataset, "tas")).slice(4, 10), [20, 21, 30, 31, 40, 41]);
  assert.deepEqual(dataset.cube!.gaps, [{ dimension: "time", after: 4, before: 8 }]);
  assert.deepEqual(dataset.cube!.overlaps, [{ dimension: "time", source: "memory:/b", entries: 2 }]);
  assert.equal(dataset.problems!.length, 2);
});

test("members whose steps lie between each other's are put in order", async () => {
  const dataset = await cubeOf([
    part({ name: "even", times: [0, 2, 4] }),
    part({ name: "odd", times: [1, 3, 5], units: "days since 2000-01-01 00:00:00" }),
  ]);
  assert.deepEqual(await values(dataset, "tas"), [0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51]);
  assert.equal(dataset.cube!.overlaps.length, 0);
});

test("the odd grid is left out, whichever member comes first", async () => {
  const odd = part({ name: "a-odd", times: [0, 1], lat: [20, 10] });
  const wide = part({ name: "a-wide", times: [2, 3], lat: [10, 20, 30] });
  const near = part({ name: "near", times: [8, 9], lat: [10, Math.fround(20.00001)] });
  const dataset = await cubeOf([
    odd,
    wide,
    part({ name: "b", times: [4, 5] }),
    part({ name: "c", times: [6, 7] }),
    near,
  ]);
  assert.deepEqual(await values(dataset, "time"), [4, 5, 6, 7, 8, 9]);
  assert.deepEqual(dataset.cube!.left, [
    { source: "memory:/a-wide", reason: "dimension lat has 3 entries, in most members 2" },
    { source: "memory:/a-odd", reason: "coordinate lat: 20 at 0 where most members have 10" },
  ]);
});

test("equal numbers in different units are different places", async () => {
  const inRadians: StoredMember["variables"] = {
    lat: { dtype: "float64", dims: ["lat"], shape: [2], values: [10, 20], attrs: { units: ["string", "radian"] } },
  };
  const degrees: StoredMember["variables"] = {
    lat: { ...inRadians.lat!, attrs: { units: ["string", "degree"] } },
  };
  const dataset = await cubeOf([
    part({ name: "a", times: [0], more: degrees }),
    part({ name: "b", times: [1], more: degrees }),
    part({ name: "c", times: [2], more: inRadians }),
  ]);
  assert.deepEqual(await values(dataset, "time"), [0, 1]);
  assert.match(dataset.cube!.left[0]!.reason, /coordinate lat/);
});

test("a member that cannot be read leaves a gap, not the others", async () => {
  const good = [part({ name: "a", times: [0, 1] }), part({ name: "c", times: [4, 5] })].map(memberOf);
  const broken: CubeMember = {
    source: "memory:/b",
    identity: "b",
    open: () =>
      memoryDataset({ name: "b", variables: { time: { dtype: "int8", dims: ["time"], shape: [1], values: [1] } } }),
  };
  const { dataset } = await openCube([...good, broken], TIME, { read });
  assert.deepEqual(await values(dataset, "tas"), [0, 1, 10, 11, 40, 41, 50, 51]);
  assert.match(dataset.cube!.left[0]!.reason, /times beside what is no time/);
});

test("a new dimension: raw chunks with another index in front, values given or found", async () => {
  const runs = [
    part({ name: "r1", times: [0, 1] }),
    part({ name: "r2", times: [0, 1] }),
    part({ name: "r10", times: [0, 1] }),
  ];
  const dataset = await cubeOf(runs, { newDim: { name: "run", pattern: "r(\\d+)$" } });
  assert.deepEqual(await values(dataset, "run"), [1n, 2n, 10n]);
  const tas = dataset.variables.get("tas")!;
  assert.deepEqual(
    [tas.spec.dims, tas.spec.shape, tas.spec.chunks],
    [
      ["run", "time", "lat"],
      [3, 2, 2],
      [1, 2, 1],
    ],
  );
  assert.equal((await rawChunk(reader, tas, [2, 0, 1]))!.source, "raw");
  assert.deepEqual(await values(dataset, "tas"), [0, 1, 10, 11, 0, 1, 10, 11, 0, 1, 10, 11]);
  const named = await cubeOf(runs, { newDim: { name: "run", values: ["x", "y", "z"] } });
  assert.deepEqual((await readAll(named, "run")).data, ["x", "y", "z"]);
  await assert.rejects(cubeOf(runs, { newDim: { name: "run", values: [1] } }), (error) =>
    isGyreError(error, "BadRequest"),
  );
});

test("variables are added up and dropped", async () => {
  const only = (name: string): StoredMember => {
    const { tas, ...rest } = part({ name, times: [0, 1] }).variables;
    return { name, variables: { ...rest, [name]: tas!, [`${name}_old`]: tas! } };
  };
  const dataset = await cubeOf([only("tas"), only("pr")], { drop: ["*_old"] });
  assert.deepEqual([...dataset.variables.keys()].sort(), ["lat", "pr", "tas", "time"]);
  assert.deepEqual(await values(dataset, "pr"), [0, 1, 10, 11]);
});

test("nothing that fits together is an error that says why", async () => {
  await assert.rejects(
    cubeOf([]),
    (error) => isGyreError(error, "BadSource") && /no members|dimension time/.test(error.message),
  );
  const noTime: StoredMember = {
    name: "x",
    variables: { lat: { dtype: "int8", dims: ["lat"], shape: [1], values: [1] } },
  };
  await assert.rejects(cubeOf([noTime]), /no member of the cube has the dimension time/);
});

test("ten thousand members: each opened once to plan, few at a time to read", async () => {
  const template = await memoryDataset(part({ name: "t", times: [0] }));
  let opened = 0;
  const members = Array.from(
    { length: 10_000 },
    (_, i): CubeMember => ({
      source: `memory:/${String(i).padStart(5, "0")}`,
      identity: String(i),
      open: async () => {
        opened++;
        const time = {
          ...template.variables.get("time")!,
          locate: async () => ({ inline: new Uint8Array(Float64Array.of(i).buffer) }),
        };
        return { ...template, variables: new Map(template.variables).set("time", time) };
      },
    }),
  );
  const { dataset, summaries } = await openCube(members, TIME, { read });
  assert.equal(opened, 10_001);
  assert.deepEqual(dataset.variables.get("tas")!.spec.shape, [10_000, 2]);
  assert.equal(new Set(summaries.map((s) => s.variables.get("tas")!.spec)).size, 1, "equal specs are one object");
  const known = new Map(summaries.map((s) => [s.identity, s]));
  opened = 0;
  const again = await openCube(members, TIME, { read, known });
  assert.equal(opened, 1, "only the first, for its attributes");
  assert.equal(again.dataset.version, dataset.version);
});
