import assert from "node:assert/strict";
import { test } from "node:test";
import { attrsToJson } from "../../src/core/attrs.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { geotiff } from "../../src/formats/geotiff/geotiff.ts";
import { hdf5 } from "../../src/formats/hdf5/hdf5.ts";
import { zarr } from "../../src/formats/zarr/zarr.ts";
import { timeTexts, timeUnitsOf } from "../../src/read/cf/times.ts";
import { type ArchiveFormat, generateArchive } from "../../src/write/synthetic/archive.ts";
import { createEarth } from "../../src/write/synthetic/climate.ts";
import { facetsOf } from "../../src/write/synthetic/cmip6.ts";
import { pieces, syntheticDataset } from "../../src/write/synthetic/dataset.ts";
import { openWith, readAll } from "../formats/values.ts";
import { encoder } from "./sample.ts";

const folder = new URL("memory:/archive/");

async function archive(format: ArchiveFormat, count: number, seed = 1, months = 14) {
  const files = createMemoryFiles();
  const written = [];
  for await (const file of generateArchive({ count, seed, months, format, folder, files, encoder, grid: [18, 36] })) {
    written.push(file);
  }
  return { files, written };
}

test("NetCDF archive: DRS folders, CMIP6 file names, a year a file, every calendar", async () => {
  const { files, written } = await archive("netcdf", 3);
  assert.deepEqual(
    written.map(({ url }) => url.href.slice(folder.href.length)),
    [
      "CMIP6/CMIP/GYRE/GYRE-ESM1/historical/r1i1p1f1/Amon/tas/gn/v20250101/tas_Amon_GYRE-ESM1_historical_r1i1p1f1_gn_201301-201312.nc",
      "CMIP6/CMIP/GYRE/GYRE-ESM1/historical/r1i1p1f1/Amon/tas/gn/v20250101/tas_Amon_GYRE-ESM1_historical_r1i1p1f1_gn_201401-201402.nc",
      "CMIP6/CMIP/GYRE/GYRE-ESM1-360/historical/r1i1p1f1/Amon/pr/gn/v20250101/pr_Amon_GYRE-ESM1-360_historical_r1i1p1f1_gn_201301-201312.nc",
      "CMIP6/CMIP/GYRE/GYRE-ESM1-360/historical/r1i1p1f1/Amon/pr/gn/v20250101/pr_Amon_GYRE-ESM1-360_historical_r1i1p1f1_gn_201401-201402.nc",
      "CMIP6/CMIP/GYRE/GYRE-CM2/historical/r1i1p1f1/Omon/tos/gn/v20250101/tos_Omon_GYRE-CM2_historical_r1i1p1f1_gn_201301-201312.nc",
      "CMIP6/CMIP/GYRE/GYRE-CM2/historical/r1i1p1f1/Omon/tos/gn/v20250101/tos_Omon_GYRE-CM2_historical_r1i1p1f1_gn_201401-201402.nc",
    ],
  );
  const calendars = [];
  for (const { url, dataset: id } of written) {
    const dataset = await openWith(hdf5, url, files);
    const attrs = attrsToJson(dataset.attrs);
    for (const name of ["activity_id", "source_id", "experiment_id", "variant_label", "table_id", "variable_id"]) {
      assert.ok(id.split(".").includes(String(attrs[name])), `${name} ${attrs[name]} is no part of ${id}`);
    }
    assert.match(String(attrs.tracking_id), /^hdl:21\.14100\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const time = dataset.variables.get("time")!;
    const units = timeUnitsOf(time.spec)!;
    calendars.push(units.calendar);
    const texts = timeTexts(await readAll(time, files), units);
    const [, first, last] = /_(\d{6})-(\d{6})\.nc$/.exec(url.pathname)!;
    assert.equal(texts[0]!.slice(0, 7).replace("-", ""), first);
    assert.equal(texts.at(-1)!.slice(0, 7).replace("-", ""), last);
    assert.deepEqual(dataset.dimensions.get("time"), { size: texts.length, unlimited: true });
    const bounds = await readAll(dataset.variables.get("time_bnds")!, files);
    const [start, end] = bounds.data as Float64Array;
    assert.equal(((start as number) + (end as number)) / 2, ((await readAll(time, files)).data as Float64Array)[0]);
  }
  assert.deepEqual([...new Set(calendars)], ["noleap", "360_day", "standard"]);
  const ids = new Set(written.map(({ url, dataset }) => `${dataset} ${url.href}`));
  assert.equal(ids.size, 6);
});

test("the same seed gives the same bytes, another seed other weather", async () => {
  const [a, b, c] = [await archive("netcdf", 1), await archive("netcdf", 1), await archive("netcdf", 1, 2)];
  const url = a.written[0]!.url;
  const bytes = await a.files.read(url);
  assert.deepEqual(bytes, await b.files.read(url));
  assert.notDeepEqual(bytes, await c.files.read(url));
});

test("a dataset is the same however it is split in time", () => {
  const dataset = syntheticDataset(0, 1, createEarth(12, 24), 24);
  const whole = [...dataset.fields({ firstMonth: 0, months: 24 })];
  const parts = pieces(dataset, 7).flatMap((stretch) => [...dataset.fields(stretch)]);
  assert.deepEqual(parts, whole);
});

test("Zarr archive: one store a dataset, versions in turn", async () => {
  const { files, written } = await archive("zarr", 2);
  assert.equal(written.length, 2);
  assert.ok((await files.head(new URL("zarr.json", written[0]!.url))) !== undefined);
  assert.ok((await files.head(new URL(".zmetadata", written[1]!.url))) !== undefined);
  const { variables } = await openWith(zarr, written[0]!.url, files);
  const fields = [...syntheticDataset(0, 1, createEarth(18, 36), 14).fields({ firstMonth: 0, months: 14 })];
  assert.deepEqual(
    (await readAll(variables.get("tas")!, files)).data,
    Float32Array.from(fields.flatMap((field) => [...field])),
  );
});

test("GeoTIFF archive: a month a file, north up, from the date line", async () => {
  const { files, written } = await archive("cog", 1, 1, 2);
  assert.match(written[1]!.url.pathname, /_201302-201302\.tif$/);
  const { variables, attrs } = await openWith(geotiff, written[1]!.url, files);
  const image = [...variables.values()].find(({ spec }) => spec.shape.length >= 2);
  const { data, shape } = await readAll(image!, files);
  const values = data as Float32Array;
  const [, february] = [...syntheticDataset(0, 1, createEarth(18, 36), 2).fields({ firstMonth: 0, months: 2 })];
  assert.deepEqual(shape.slice(-2), [18, 36]);
  // The first row is the northernmost; its first cell lies at 180 degrees.
  assert.equal(values[0], february![17 * 36 + 18]);
  assert.equal(values.at(-1), february![17]);
  assert.equal(attrs.get("variable_id")?.value, "tas");
});

test("datasets are all different", () => {
  const ids = Array.from({ length: 200 }, (_, i) => {
    const { variable, model, experiment, member } = facetsOf(i);
    return `${variable.id} ${model.id} ${experiment.id} ${member}`;
  });
  assert.equal(new Set(ids).size, ids.length);
});

test("land lies where it lies, also beyond the date line and around the pole", () => {
  const { land, rows, columns } = createEarth(180, 360);
  const at = (latitude: number, longitude: number): number =>
    land[Math.floor(latitude + 90) * columns + ((Math.round(longitude) + 360) % 360)]!;
  for (const [name, latitude, longitude, isLand] of [
    ["Congo", 0.5, 22, true],
    ["Pacific", 0.5, -140, false],
    ["Chukotka beyond 180", 66.5, -175, true],
    ["Siberia", 66.5, 120, true],
    ["south pole", -89.5, 10, true],
    ["north pole", 89.5, 10, false],
    ["Drake passage", -59.5, -65, false],
    ["Moscow", 55.5, 37, true],
  ] as const) {
    assert.equal(at(latitude, longitude) > 0.5, isLand, name);
  }
  let share = 0;
  let area = 0;
  for (let i = 0; i < rows * columns; i++) {
    const weight = Math.cos(((Math.floor(i / columns) + 0.5 - 90) * Math.PI) / 180);
    area += weight;
    share += weight * land[i]!;
  }
  assert.ok(Math.abs(share / area - 0.29) < 0.01, `${share / area} of the Earth is land`);
});

test("climates are those of the Earth: warm summers, cold poles, no sea temperature on land", () => {
  const earth = createEarth(36, 72);
  const mean = (field: Float32Array, test: (latitude: number, land: number) => boolean): number => {
    const chosen = [...field].filter((_, i) => test(earth.latitudes[Math.floor(i / 72)]!, earth.land[i]!));
    return chosen.reduce((a, b) => a + b, 0) / chosen.length;
  };
  const [january, , , , , , july] = [...syntheticDataset(0, 1, earth, 7).fields({ firstMonth: 0, months: 7 })];
  const north = (latitude: number, land: number): boolean => latitude > 45 && latitude < 70 && land > 0.9;
  assert.ok(mean(july!, north) > mean(january!, north) + 20);
  assert.ok(mean(july!, (latitude) => latitude < -80) < 235);
  const [sea] = syntheticDataset(2, 1, earth, 1).fields({ firstMonth: 0, months: 1 });
  assert.deepEqual(
    Array.from(sea!, (value) => value > 1e19),
    Array.from(earth.land, (share) => share > 0.5),
  );
});
