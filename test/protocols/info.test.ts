import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { CubeReport } from "../../src/core/cube.ts";
import { all } from "../../src/protocols/all.ts";
import { createInfo } from "../../src/protocols/info.ts";
import { kerchunk } from "../../src/protocols/kerchunk.ts";
import { zarr } from "../../src/protocols/zarr.ts";
import { testProtocol } from "../contract/protocol.ts";
import { BASE, createArchive, serve } from "./archive.ts";
import { createGrid } from "./grid.ts";

const ROOT = new URL("file:///secret/archive/");
const MEMBER = "file:///secret/archive/a/first.nc";

let archive: Awaited<ReturnType<typeof createArchive>>;
let fetch: ReturnType<typeof serve>;

before(async () => {
  archive = await createArchive();
  archive.add("grid", await createGrid(archive));
  const cube: CubeReport = {
    members: 2,
    dimensions: [],
    variables: [
      {
        name: "tas",
        mode: "decoded",
        missing: 0,
        differences: [{ property: "scale_factor", found: [{ value: "2", members: 1, example: MEMBER }] }],
      },
    ],
    gaps: [{ dimension: "time", after: 10n, before: 30n }],
    overlaps: [{ dimension: "time", source: MEMBER, entries: 2 }],
    left: [{ source: MEMBER, reason: `${MEMBER} at byte 8: cut off` }],
  };
  const problems = ["variable x: unknown type", `${MEMBER} repeats 2 entries of time`];
  const source = "file:///secret/archive/a/*.nc file:///secret/elsewhere/*.nc";
  archive.add("cube", { ...(await createGrid(archive, "cube")), cube, problems }, { source });
  const plugins = new Map([["netcdf4", { path: "gyre/formats/hdf5", version: "0.1.0" }]]);
  const info = createInfo({ version: "0.1.0", plugins, protocols: [zarr, kerchunk], roots: [ROOT] });
  fetch = serve(archive.access, [all, info, zarr, kerchunk]);
});

const get = (path: string): Promise<Response> => fetch(new Request(`http://inside.test/${path}`));
// biome-ignore lint/suspicious/noExplicitAny: answers are compared member by member
const json = async (path: string): Promise<any> => (await get(path)).json();

testProtocol("info", async () => ({
  fetch,
  base: BASE,
  entities: [
    "datasets",
    "datasets?prefix=gr",
    "datasets/.zgroup",
    "datasets/grid/",
    "datasets/grid/tree",
    "datasets/grid/keys",
    "datasets/grid/dict",
    "datasets/grid/info",
    "datasets/grid/groups",
    "datasets/grid/groups/sub~deep",
    "datasets/grid/groups/sub~deep/keys",
    "datasets/grid/groups/sub/info",
    "datasets/cube/info",
    "datasets/cube/",
    "versions",
    "plugins",
  ],
  streams: ["datasets/.zmetadata", "datasets/.zmetadata?prefix=grid"],
  missing: [
    "datasets/nothing/",
    "datasets/nothing",
    "datasets/nothing/keys",
    "datasets/grid/groups/nothing",
    "datasets/grid/groups/sub~nothing/keys",
    "datasets/grid/groups/..%2F..",
  ],
  bad: ["datasets?order=up", "datasets/.zmetadata?prefix=a&prefix=b"],
}));

test("listings have xpublish's shapes", async () => {
  assert.deepEqual(await json("datasets"), ["broken", "cube", "grid"]);
  const keys = await json("datasets/grid/keys");
  assert.ok(keys.includes("tas") && keys.includes("__proto__") && !keys.includes("sub/depth"));
  assert.deepEqual(await json("datasets/grid/groups"), ["/", "/sub", "/sub/deep"]);
  assert.deepEqual(await json("datasets/grid/groups/sub/keys"), ["depth"]);
  assert.deepEqual(await json("plugins"), { netcdf4: { path: "gyre/formats/hdf5", version: "0.1.0" } });
  assert.equal((await json("versions")).gyre, "0.1.0");
});

test("info is xpublish's, with storage beside it", async () => {
  const info = await json("datasets/grid/info");
  assert.deepEqual(info.dimensions, { time: 3, bnds: 2, lat: 4, lon: 8, letters: 3 });
  assert.equal(info.global_attributes.title, 'A "small" <grid>');
  const { tas, name, kind, label, odd, ragged } = info.variables;
  assert.deepEqual([tas.type, tas.dimensions, tas.attributes.units], ["float32", ["time", "lat", "lon"], "K"]);
  assert.deepEqual([tas.chunks, tas.chunk_count, tas.bytes], [[1, 4, 5], 6, 384]);
  assert.deepEqual([name.type, kind.type, label.type, label.bytes], ["bytes8", "uint8", "object", null]);
  assert.deepEqual([tas.raw, odd.raw, ragged.raw], [true, false, false]);
  const cube = await json("datasets/cube/info");
  assert.deepEqual(cube.problems, ["variable x: unknown type", "archive/a/first.nc repeats 2 entries of time"]);
  assert.deepEqual(cube.cube.left, [{ source: "archive/a/first.nc", reason: "archive/a/first.nc at byte 8: cut off" }]);
  assert.equal(cube.cube.overlaps[0].source, "archive/a/first.nc");
  assert.equal(cube.cube.variables[0].differences[0].found[0].example, "archive/a/first.nc");
  assert.deepEqual(cube.cube.gaps, [{ dimension: "time", after: 10, before: 30 }]);
});

test("dict is xarray's to_dict without data", async () => {
  const dict = await json("datasets/grid/dict");
  assert.deepEqual(Object.keys(dict), ["coords", "attrs", "dims", "data_vars"]);
  assert.deepEqual(Object.keys(dict.coords), ["time", "lat", "lon", "crs"]);
  assert.deepEqual(dict.coords.lat, { dims: ["lat"], attrs: { units: "degrees_north" }, dtype: "float32", shape: [4] });
  assert.deepEqual([dict.data_vars.name.dtype, dict.dims.lon], ["|S1", 8]);
});

test("the page escapes what comes from files and brings everything itself", async () => {
  const response = await get("datasets/grid/");
  const page = await response.text();
  assert.match(response.headers.get("content-type") ?? "", /text\/html/);
  assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.ok(page.includes("A &quot;small&quot; &lt;grid&gt;"));
  assert.ok(page.includes("&lt;b&gt;Air &amp; sea&lt;/b&gt;") && !page.includes("<b>Air"));
  assert.ok(!page.includes("/secret/place"));
  assert.doesNotMatch(page, /<(?:link|img|iframe)|src=/);
  assert.ok(page.includes(`${BASE}datasets/grid/kerchunk`) && page.includes(`${BASE}datasets/grid/groups/sub~deep`));
  const cube = await (await get("datasets/cube/")).text();
  assert.match(cube, /tas is served decoded: members differ in scale_factor/);
  assert.ok(cube.includes("archive/a/*.nc *.nc") && !cube.includes("secret"), "addresses without the folders above");
});

test("an alias names its proper address; a dataset without a slash leads to its page", async () => {
  assert.equal((await get("datasets/alias/info")).headers.get("link"), `<${BASE}datasets/grid/>; rel="canonical"`);
  const response = await get("datasets/alias");
  assert.equal(response.status, 308);
  assert.equal(response.headers.get("location"), `${BASE}datasets/grid/`);
});

test("one hierarchy over all datasets: its keys are those of the raw API, a broken one does not stop it", async () => {
  const { metadata, zarr_consolidated_format } = await json("datasets/.zmetadata");
  assert.equal(zarr_consolidated_format, 1);
  assert.deepEqual(metadata[".zgroup"], { zarr_format: 2 });
  assert.ok(!("broken/.zgroup" in metadata));
  for (const key of ["grid/kerchunk/.zgroup", "cube/kerchunk/tas/.zarray", "grid/kerchunk/sub/depth/.zattrs"]) {
    assert.deepEqual(metadata[key], await json(`datasets/${key}`), key);
  }
  assert.equal((await get("datasets/grid/kerchunk/tas/0.0.0")).status, 200);
  const one = await json("datasets/.zmetadata?prefix=cube");
  assert.ok("cube/.zgroup" in one.metadata && !("grid/.zgroup" in one.metadata));
});

test("a long list of ids is streamed, and is the same list", async () => {
  const ids = Array.from({ length: 25_000 }, (_, i) => `d${i}`);
  const access = {
    ...archive.access,
    async *list() {
      yield* ids;
    },
  };
  const ask = serve(access, [createInfo({ version: "1", plugins: new Map(), protocols: [] })]);
  const request = (method: string): Request => new Request("http://inside.test/datasets", { method });
  const response = await ask(request("GET"));
  assert.equal(response.headers.get("content-length"), null);
  assert.deepEqual(await response.json(), ids);
  const head = await ask(request("HEAD"));
  assert.deepEqual([head.status, head.headers.get("content-type")], [200, "application/json"]);
});

test("more than 1,000 datasets are asked for by prefix", async () => {
  const many = await createArchive();
  const grid = await createGrid(many);
  for (let i = 0; i < 1001; i++) many.add(`d${i}`, grid);
  const ask = serve(many.access, [all]);
  const response = await ask(new Request("http://inside.test/datasets/.zmetadata"));
  assert.equal(response.status, 413);
  assert.match(((await response.json()) as { detail: string }).detail, /\?prefix=/);
  assert.equal((await ask(new Request("http://inside.test/datasets/.zmetadata?prefix=d100"))).status, 200);
});
