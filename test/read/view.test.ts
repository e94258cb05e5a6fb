import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Dataset, Variable } from "../../src/core/array.ts";
import type { DType } from "../../src/core/dtype.ts";
import { all, type Selection, slice } from "../../src/core/selection.ts";
import { isGyreError } from "../../src/errors.ts";
import { parseView } from "../../src/protocols/view.ts";
import { call, createArchive } from "../protocols/archive.ts";
import { createGrid, LONS, tasAt } from "../protocols/grid.ts";

let archive: Awaited<ReturnType<typeof createArchive>>;
let grid: Dataset;

before(async () => {
  archive = await createArchive();
  grid = await createGrid(archive);
});

const seen = (text: string, dataset = grid): Promise<Dataset> => archive.access.view(dataset, parseView(text), call);

async function values(dataset: Dataset, name: string, selection?: Selection): Promise<number[]> {
  const variable = dataset.variables.get(name) as Variable;
  const block = await archive.access.select(dataset, variable, selection ?? all(variable.spec.shape), call);
  return Array.from(block.data as Float64Array);
}

/** Values of `tas` at the places given. */
const tas = (times: readonly number[], lats: readonly number[], lons: readonly number[]): number[] =>
  times.flatMap((t) => lats.flatMap((y) => lons.map((x) => Math.fround(tasAt(t, y, x)))));

test("a box takes cells by their centres, time by the axis' calendar", async () => {
  const view = await seen("bbox=40~-20~185~20,time=2000-02-30");
  assert.deepEqual(view.variables.get("tas")?.spec.shape, [1, 2, 4]);
  assert.deepEqual(await values(view, "lat"), [-15, 15]);
  assert.deepEqual(await values(view, "lon"), [45, 90, 135, 180]);
  assert.deepEqual(await values(view, "tas"), tas([1], [1, 2], [1, 2, 3, 4]));
  assert.equal(view.dimensions.get("lon")?.size, 4);
  assert.deepEqual(view.variables.get("lon_bnds")?.spec.shape, [4, 2]);
  assert.deepEqual(view.variables.get("sub/depth")?.spec.shape, [2]);
  assert.notEqual(view.version, grid.version);
});

test("a box across the seam of the axis runs on eastward; only the longitude and its bounds turn", async () => {
  const view = await seen("bbox=-90~-90~50~90");
  assert.deepEqual(await values(view, "lon"), [-90, -45, 0, 45]);
  assert.deepEqual(await values(view, "lon_bnds"), [-112.5, -67.5, -67.5, -22.5, -22.5, 22.5, 22.5, 67.5]);
  assert.deepEqual(await values(view, "tas"), tas([0, 1, 2], [0, 1, 2, 3], [6, 7, 0, 1]));
  assert.deepEqual(await values(view, "lon", [slice(3, 1, -1)]), [45, 0]);
  assert.deepEqual(await values(view, "tas", [1, 3, [2, 0]]), tas([1], [3], [0, 6]));
});

test("the date line is crossed when east lies below west; a whole turn leaves the axis alone", async () => {
  assert.deepEqual(await values(await seen("bbox=170~-90~-100~90"), "lon"), [180, 225]);
  assert.deepEqual(await values(await seen("bbox=-180~-90~180~90"), "lon"), LONS);
});

test("a box on an axis from -180, and one that descends", async () => {
  const lon = await archive.store("west", "lon", {
    dtype: "float32",
    dims: ["lon"],
    shape: [4],
    values: Float32Array.of(90, 0, -90, -180),
    attrs: { units: "degrees_east" },
  });
  const west: Dataset = {
    ...grid,
    version: "west",
    groups: new Map(),
    dimensions: new Map([...grid.dimensions, ["lon", { size: 4, unlimited: false }]]),
    variables: new Map([
      ["lon", lon],
      ["lat", grid.variables.get("lat") as Variable],
    ]),
  };
  assert.deepEqual(await values(await seen("bbox=80~-90~190~90", west), "lon"), [180, 90]);
  assert.deepEqual(await values(await seen("bbox=-100~-90~10~90", west), "lon"), [0, -90]);
});

test("coordinates are searched by what they mean: missing ones are nowhere", async () => {
  const axis = (name: string, numbers: readonly number[], attrs: Record<string, string | number>): Promise<Variable> =>
    archive.store("holed", name, {
      dtype: "int16",
      dims: [name],
      shape: [numbers.length],
      values: Int16Array.from(numbers),
      attrs: { _FillValue: -999, ...attrs },
    });
  const time = await axis("time", [-999, 0, 1], { units: "days since 2000-01-01" });
  const lat = await axis("lat", [-999, 100, 200], { units: "degrees_north", scale_factor: 0.1 });
  const lon = await axis("lon", [0, 10, 20], { units: "degrees_east" });
  const holed: Dataset = {
    ...grid,
    version: "holed",
    groups: new Map(),
    dimensions: new Map(["time", "lat", "lon"].map((name) => [name, { size: 3, unlimited: false }])),
    variables: new Map([
      ["time", time],
      ["lat", lat],
      ["lon", lon],
    ]),
  };
  // -999 days lie in 1997, -99.9 degrees beside the south pole.
  assert.deepEqual(await values(await seen("time=1990~2010", holed), "time"), [0, 1]);
  assert.deepEqual(await values(await seen("bbox=0~-90~30~15", holed), "lat"), [100]);
});

test("latitude and longitude along one dimension cut it together", async () => {
  const cell = (name: string, units: string, numbers: readonly number[]): Promise<Variable> =>
    archive.store("cells", name, {
      dtype: "float64",
      dims: ["cell"],
      shape: [4],
      values: Float64Array.from(numbers),
      attrs: { units },
    });
  const dataset: Dataset = {
    ...grid,
    version: "cells",
    groups: new Map(),
    dimensions: new Map([["cell", { size: 4, unlimited: false }]]),
    variables: new Map([
      ["clon", await cell("clon", "degrees_east", [350, 10, 100, 5])],
      ["clat", await cell("clat", "degrees_north", [0, 80, 0, 1])],
    ]),
  };
  const view = await seen("bbox=-20~-5~20~5", dataset);
  assert.deepEqual(await values(view, "clon"), [350, 5]);
  assert.deepEqual(await values(view, "clat"), [0, 1]);
});

test("variables bring what gives them meaning, and nothing else", async () => {
  const view = await seen("vars=tas");
  assert.deepEqual([...view.variables.keys()].sort(), ["crs", "lat", "lon", "lon_bnds", "tas", "time", "time_bnds"]);
  for (const [name, variable] of view.variables) assert.equal(variable, grid.variables.get(name), name);
});

test("another chunk grid gives the same values", async () => {
  const view = await seen("chunks=time:3~lat:1~lon:99");
  const variable = view.variables.get("tas") as Variable;
  assert.deepEqual(variable.spec.chunks, [3, 1, 8]);
  assert.deepEqual(await values(view, "tas"), await values(grid, "tas"));
  const chunk = await archive.access.chunk(view, variable, [0, 2, 0], call);
  assert.deepEqual([...(chunk.data as Float32Array)], tas([0, 1, 2], [2], [0, 1, 2, 3, 4, 5, 6, 7]));
});

test("rounding leaves coordinates and missing values, unless a variable is named", async () => {
  const view = await seen("abs=8,keepbits.lat=1");
  const [rounded, original] = [await values(view, "tas"), await values(grid, "tas")];
  assert.ok(rounded.every((v, i) => Math.abs(v - original[i]!) <= 8));
  assert.ok(rounded.some((v, i) => v !== original[i]));
  assert.ok(rounded.includes(Math.fround(1e20)));
  assert.deepEqual(await values(view, "lon"), LONS);
  assert.deepEqual(await values(view, "lat"), [-48, -16, 16, 48]);
  assert.equal(view.variables.get("height"), grid.variables.get("height"));
});

test("a view is made once, and the source's chunks stay as they were", async () => {
  const [one, two] = await Promise.all([seen("keepbits=3,vars=tas"), seen("vars=tas,keepbits=3")]);
  assert.equal(one, two);
  const first = await values(grid, "tas");
  await values(one, "tas");
  assert.deepEqual(await values(grid, "tas"), first);
});

test("what a dataset has not is refused with what it has", async () => {
  const bare: Dataset = { ...grid, variables: new Map([["crs", grid.variables.get("crs") as Variable]]) };
  for (const [text, reason, dataset] of [
    ["vars=nothing", /no variable nothing here; there are time/, grid],
    ["chunks=depth:2", /no dimension depth here; there are time/, grid],
    ["keepbits.height=3", /height is not of a floating-point type/, grid],
    ["keepbits.nothing=3", /no variable nothing/, grid],
    ["vars=pr,keepbits.tas=3", /no variable tas here/, grid],
    ["time=1999", /holds no step of time, which runs from 2000-01-30T00:00:00 to 2000-03-30T00:00:00/, grid],
    ["time=2000-01-31", /not a time of the calendar 360_day/, grid],
    ["time=2001~2000", /ends before it starts/, grid],
    ["bbox=1~-90~2~90", /keeps nothing of lon/, grid],
    ["bbox=0~0~1~1", /no one-dimensional latitude/, bare],
    ["time=2000", /no one-dimensional time/, bare],
  ] as const) {
    await assert.rejects(
      seen(text, dataset),
      (error) => isGyreError(error, "BadRequest") && reason.test(error.message),
      text,
    );
  }
});

test("chunks of more than 64 MiB are not made", async () => {
  const dtype: DType = "float64";
  const spec = { dtype, dims: ["a"], shape: [2 ** 30], chunks: [1024], codecs: [], fill: null, attrs: new Map() };
  const big: Variable = { name: "big", spec, locate: async () => undefined };
  const dataset: Dataset = { ...grid, variables: new Map([["big", big]]) };
  await assert.rejects(seen("chunks=a:999999999", dataset), (error) => isGyreError(error, "BadRequest"));
});
