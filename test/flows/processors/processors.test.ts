import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Access } from "../../../src/core/access.ts";
import { createEngine } from "../../../src/engine.ts";
import type { Processor } from "../../../src/flows/processors/processor.ts";
import { openVector } from "../../../src/vector/open.ts";
import { until } from "../../db/server-process.ts";
import { rejects } from "../../files/rejects.ts";
import { zipOf } from "../sources/zip-of.ts";
import { CALL, setUp, square } from "./harness.ts";

const FIXTURES = new URL("../../fixtures/founding/", import.meta.url);
const ABOUT = {
  description: "Something",
  license: { name: "CC0-1.0", path: "https://creativecommons.org/publicdomain/zero/1.0/", title: "CC0" },
};
const EUROPE = square(5, 35, 45, 65);
const CSV = 'code,place,lon,lat,since\r\nsquare,"Oslo, port",10,60,2001-02-03\r\nx,Quito,-78,0,1999-01-01\r\n';

test("rows of a table whose points lie inside, or whose column names the boundary", async (t) => {
  const { server, processors, run } = await setUp(t);
  server.files.set("places.csv", new TextEncoder().encode(CSV));
  const source = { url: new URL("places.csv", server.url).href };
  const coordinates = { x: "lon", y: "lat" };
  const loaded = await processors({
    table: [
      { ...ABOUT, dataset: "places", version: "points", source, coordinates },
      { ...ABOUT, dataset: "places", version: "codes", source, key: { column: "code" } },
      { ...ABOUT, dataset: "places", version: "mapped", source, key: { column: "code", values: { square: "x" } } },
      { ...ABOUT, dataset: "places", version: "wrong", source, key: { column: "iso" } },
    ],
  });
  const made = async (version: string): Promise<string> => {
    const { generated, folder } = await run(loaded.get(`places.${version}`)!, EUROPE);
    assert.deepEqual(
      generated.files.map(({ name, format }) => [name, format]),
      [[`places-${version}-square.csv`, "CSV"]],
    );
    return readFile(join(folder, `places-${version}-square.csv`), "utf8");
  };
  assert.match(await made("points"), /"Oslo, port"/);
  assert.doesNotMatch(await made("points"), /Quito/);
  assert.match(await made("codes"), /Oslo/);
  assert.match(await made("mapped"), /Quito/);
  await rejects(run(loaded.get("places.wrong")!, EUROPE), "BadSource", /no column iso/);
  const { generated } = await run(loaded.get("places.points")!, square(100, 10, 101, 11));
  assert.deepEqual([generated.isEmpty, generated.files], [true, []]);
});

test("vector files in every format, whole or cut, of the kinds that are wanted", async (t) => {
  const { server, processors, run } = await setUp(t);
  const line = {
    type: "LineString",
    coordinates: [
      [0, 50],
      [10, 50],
    ],
  };
  const point = { type: "Point", coordinates: [10, 50] };
  const features = [line, point].map((geometry) => ({ type: "Feature", properties: { n: 1 }, geometry }));
  const text = JSON.stringify({ type: "FeatureCollection", features });
  server.files.set("mixed.geojson", new TextEncoder().encode(text));
  const source = { url: new URL("mixed.geojson", server.url).href };
  const formats = ["GeoPackage", "FlatGeobuf", "GeoParquet", "GeoJSON"] as const;
  const loaded = await processors({
    vector: [
      ...formats.map((format) => ({
        ...{ ...ABOUT, dataset: "mixed", version: format.toLowerCase(), source, format },
        ...{ cut: "clip" as const, geometries: ["LineString" as const] },
      })),
      { ...ABOUT, dataset: "mixed", version: "whole", source, format: "GeoJSON" },
    ],
  });
  for (const format of formats) {
    const { generated, folder } = await run(loaded.get(`mixed.${format.toLowerCase()}`)!, EUROPE);
    await using file = await openVector(join(folder, generated.files[0]!.name));
    const found = [];
    for await (const { geometry } of file.layers[0]!.features()) found.push(geometry);
    assert.deepEqual(
      found,
      [
        {
          type: "LineString",
          coordinates: [
            [5, 50],
            [10, 50],
          ],
        },
      ],
      format,
    );
  }
  const { generated, folder, progress } = await run(loaded.get("mixed.whole")!, EUROPE);
  const whole = JSON.parse(await readFile(join(folder, generated.files[0]!.name), "utf8")) as { features: unknown[] };
  assert.equal(whole.features.length, 2);
  assert.ok(progress.every(({ percent = 0 }, i) => percent >= (progress[i - 1]?.percent ?? 0) && percent <= 100));
});

test("a dataset of the node: its version is the source's, and an option more is another recipe", async (t) => {
  const { folder, processors, run } = await setUp(t);
  const path = join(folder, "globe.tif");
  await writeFile(path, await readFile(new URL("global.tif", FIXTURES)));
  const engine = createEngine({ allow: [pathToFileURL(`${folder}/`)] });
  t.after(() => engine.close());
  const open: Access["open"] = async (id) =>
    id === "globe"
      ? { id, dataset: await engine.formats.open(pathToFileURL(path)), source: path, tape: false }
      : undefined;
  const config = { ...ABOUT, dataset: "globe", version: "v1", source: { dataset: "globe" } };
  const get = async (more: object): Promise<Processor> =>
    (await processors({ raster: [{ ...config, ...more }] }, { access: { open } as Access })).get("globe.v1")!;
  const processor = await get({});
  const { generated, used } = await run(processor, EUROPE);
  assert.deepEqual(
    generated.files.map(({ name }) => name),
    ["globe-v1-square.tif"],
  );
  assert.deepEqual(
    used.map(({ id }) => id),
    ["globe"],
  );
  assert.ok(((await processor.estimate(EUROPE, CALL)).writeBytes ?? 0) > 0);
  const digest = await processor.sourceDigest(CALL);
  assert.equal(await (await get({ title: "Another" })).sourceDigest(CALL), digest);
  assert.notEqual(await (await get({ cut: "envelope" })).sourceDigest(CALL), digest);
  await rejects((await get({ source: { dataset: "gone" } })).sourceDigest(CALL), "NotFound", /no dataset gone/);
});

test("a Zarr store is read where it lies; statistics alone make no raster", async (t) => {
  const { server, processors, run } = await setUp(t);
  server.files.set("globe.tif", await readFile(new URL("global.tif", FIXTURES)));
  const source = { url: new URL("globe.tif", server.url).href };
  const about = { ...ABOUT, dataset: "globe" };
  const first = await processors({ raster: [{ ...about, version: "v1", source, format: "Zarr" }] });
  const { generated, folder } = await run(first.get("globe.v1")!, EUROPE);
  const url = `${join(folder, generated.files[0]!.name)}/`;
  const second = await processors({
    raster: [
      { ...about, version: "v2", source: { url }, cut: "envelope" },
      { ...about, version: "v3", source: { url }, format: "none", statistics: "csv" },
    ],
  });
  assert.deepEqual(second.get("globe.v3")!.metadata.formats, ["CSV"]);
  const cut = await run(second.get("globe.v2")!, EUROPE);
  assert.deepEqual(
    cut.generated.files.map(({ name }) => name),
    ["globe-v2-square.tif"],
  );
  const table = await run(second.get("globe.v3")!, EUROPE);
  assert.deepEqual(
    table.generated.files.map(({ name }) => name),
    ["globe-v3-square.csv"],
  );
  assert.match(await second.get("globe.v2")!.sourceDigest(CALL), /^sha256:/);
});

test("countries of Natural Earth come without any network", async (t) => {
  const { processors, run } = await setUp(t);
  const processor = (await processors({})).get("natural_earth_vector.countries_10m")!;
  const { generated, folder, used } = await run(processor, square(5.9, 50.7, 6.2, 50.9));
  await using file = await openVector(join(folder, generated.files[0]!.name));
  const names = [];
  for await (const { properties } of file.layers[0]!.features()) names.push(properties.get("name"));
  assert.deepEqual(names.sort(), ["Belgium", "Germany", "Netherlands"]);
  assert.match(used[0]?.digest ?? "", /^sha256:/);
});

test("processors of a folder are found; broken ones are told of and left out", async (t) => {
  const { folder, processors, run } = await setUp(t);
  const own = (dataset: string, version: string, rest = ""): string => `
    export default (deps) => ({
      metadata: { dataset: "${dataset}", version: "${version}", description: "", author: "", title: "", titleLong: "",
        summary: "", citation: "", originUrl: "https://example.org/", formats: ["CSV"],
        license: { name: "CC0-1.0", path: "https://example.org/", title: "" } },
      sourceDigest: async () => typeof deps.sources.take, estimate: async () => ({}),
      generate: async () => ({ files: [], isEmpty: true, notes: [] }), ${rest} });`;
  const modules = {
    "good/v1.mjs": own("good", "v1"),
    "good/v2.mjs": own("good", "v1"),
    "bad/throws.mjs": "throw new Error('not today');",
    "bad/lacks.mjs": own("bad", "lacks", "estimate: 1"),
    "bad/none.mjs": "export const x = 1;",
    "bad/v1.test.mjs": "throw new Error('a test is no processor');",
    "natural_earth_vector/countries_10m.mjs": own("natural_earth_vector", "countries_10m"),
  };
  for (const [name, text] of Object.entries(modules)) {
    await mkdir(join(folder, "own", name, ".."), { recursive: true });
    await writeFile(join(folder, "own", name), text);
  }
  const loaded = await processors({ folders: ["own", "nowhere"] });
  assert.deepEqual(
    loaded.list().map(({ metadata }) => `${metadata.dataset}.${metadata.version}`),
    ["good.v1", "natural_earth_vector.countries_10m"],
  );
  assert.equal(await loaded.get("good.v1")!.sourceDigest(CALL), "function");
  assert.equal((await run(loaded.get("good.v1")!, EUROPE)).generated.isEmpty, true);
  const told = loaded.problems.map(
    ({ source, error }) => `${source.slice(folder.length)}: ${(error as Error).message}`,
  );
  for (const reason of [
    /throws.mjs: not today/,
    /lacks.mjs: .*estimate/,
    /none.mjs/,
    /v2.mjs: is good.v1/,
    /nowhere/,
  ]) {
    assert.ok(
      told.some((line) => reason.test(line)),
      `${reason} in ${told.join("\n")}`,
    );
  }
});

test("what is wrong with a configured processor leaves it out, with its other part", async (t) => {
  const { processors } = await setUp(t);
  const source = { url: "a.tif" };
  const loaded = await processors({
    raster: [
      { ...ABOUT, dataset: "mixed", version: "v1", source },
      { ...ABOUT, dataset: "twice", version: "v1", source },
      { ...ABOUT, dataset: "twice", version: "v1", source },
      { ...ABOUT, dataset: "good", version: "v1", source },
    ],
    vector: [{ ...ABOUT, dataset: "mixed", version: "v1", source, crs: "EPSG:1" }],
  });
  assert.deepEqual(
    loaded.list().map(({ metadata }) => metadata.dataset),
    ["good", "natural_earth_vector"],
  );
  assert.deepEqual(
    loaded.problems.map(({ source }) => source),
    ["twice.v1", "mixed.v1"],
  );
});

test("test processors are shown when they are asked for", async (t) => {
  const { processors, run } = await setUp(t);
  const hidden = await processors({});
  assert.equal(hidden.get("test_processor.version_1"), undefined);
  const shown = await processors({}, { includeTest: true });
  const { generated, progress } = await run(shown.get("test_processor.version_1")!, EUROPE);
  assert.equal(generated.files.length, 1);
  assert.ok(progress.length > 1);
  await rejects(run(shown.get("test_fail_processor.version_1")!, EUROPE), "Unsupported", /failed as expected/);
});

test("files of a member that changes its archive are another state", async (t) => {
  const { server, processors } = await setUp(t);
  server.files.set("x.zip", zipOf({ "a.csv": CSV }));
  const source = { zip: new URL("x.zip", server.url).href, members: ["*.csv"] };
  const table = [{ ...ABOUT, dataset: "a", version: "v1", source, coordinates: {} }];
  const digestOf = async (): Promise<string> =>
    (await processors({ table, cache: { revalidate: 1e-3 } })).get("a.v1")!.sourceDigest(CALL);
  const before = await digestOf();
  const looked = Date.now();
  await until(() => Date.now() > looked);
  server.files.set("x.zip", zipOf({ "a.csv": `${CSV}y,Lima,-77,-12,\r\n` }));
  assert.notEqual(await digestOf(), before);
});
