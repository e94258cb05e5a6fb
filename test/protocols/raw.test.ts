import assert from "node:assert/strict";
import { before, test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import type { Variable } from "../../src/core/array.ts";
import { badSource } from "../../src/errors.ts";
import { kerchunk } from "../../src/protocols/kerchunk.ts";
import { testProtocol } from "../contract/protocol.ts";
import { BASE, call, createArchive, decoder, serve } from "./archive.ts";
import { createGrid, tasAt } from "./grid.ts";

const errors: unknown[] = [];
let archive: Awaited<ReturnType<typeof createArchive>>;
let fetch: ReturnType<typeof serve>;

before(async () => {
  archive = await createArchive();
  const grid = await createGrid(archive);
  archive.add("grid", grid, { modified: new Date("2020-01-02T03:04:05Z") });
  archive.add("tape", await createGrid(archive, "tape"), { tape: true });
  fetch = serve(archive.access, [kerchunk], errors);
});

const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  fetch(new Request(`http://inside.test/datasets/${path}`, { headers, method }));
const json = async (path: string): Promise<Record<string, unknown>> =>
  (await (await get(path)).json()) as Record<string, unknown>;

testProtocol("kerchunk (raw)", async () => ({
  fetch,
  base: BASE,
  entities: [
    "datasets/grid/kerchunk/.zmetadata",
    "datasets/grid/kerchunk/.zgroup",
    "datasets/grid/kerchunk/.zattrs",
    "datasets/grid/kerchunk/tas/.zarray",
    "datasets/grid/kerchunk/tas/.zattrs",
    "datasets/grid/kerchunk/tas/0.0.0",
    "datasets/grid/kerchunk/tas/1.0.1",
    "datasets/grid/kerchunk/crs/0",
    "datasets/grid/kerchunk/height/1.0",
    "datasets/grid/kerchunk/sub/.zmetadata",
    "datasets/grid/kerchunk/sub/depth/0",
    "datasets/grid/kerchunk/sub/deep/x/.zarray",
    "datasets/grid/kerchunk/__proto__/0",
    "datasets/grid/kerchunk/odd/0",
    "datasets/alias/kerchunk/tas/0.0.0",
    "datasets/grid/kerchunk-tape-order/.zgroup",
    "datasets/grid/kerchunk.parquet/.zmetadata",
    "datasets/grid/kerchunk.parquet/tas/refs.0.parq",
    "datasets/grid/kerchunk.parquet/sub/deep/x/refs.0.parq?links=source",
  ],
  streams: ["datasets/grid/kerchunk.json", "datasets/grid/kerchunk.json?links=source"],
  missing: [
    "datasets/nothing/kerchunk/.zgroup",
    "datasets/grid/kerchunk/zarr.json",
    "datasets/grid/kerchunk/nothing/.zarray",
    "datasets/grid/kerchunk/tas/2.0.0",
    "datasets/grid/kerchunk/tas/0.0.2",
    "datasets/grid/kerchunk/tas/0.0",
    "datasets/grid/kerchunk/tas/0.0.0.0",
    "datasets/grid/kerchunk/tas/00.0.0",
    "datasets/grid/kerchunk/tas/-1.0.0",
    "datasets/grid/kerchunk/tas/1e0.0.0",
    "datasets/grid/kerchunk/tas/0.0.99999999999999999999",
    "datasets/grid/kerchunk/crs/1",
    "datasets/grid/kerchunk/constructor/.zarray",
    "datasets/grid/kerchunk/..%2F..%2Fetc%2Fpasswd",
    "datasets/grid/kerchunk-tape-order/tas/2.0.0",
    "datasets/nothing/kerchunk.json",
    "datasets/grid/kerchunk.parquet/tas/refs.1.parq",
    "datasets/grid/kerchunk.parquet/nothing/refs.0.parq",
    "datasets/grid/kerchunk.parquet/refs.0.parq",
  ],
  bad: [
    "datasets/grid/kerchunk/tas%00/0.0.0",
    "datasets/grid/kerchunk.json?links=nowhere",
    "datasets/grid/kerchunk.parquet/.zmetadata?link=server",
  ],
}));

test("chunks are the stored bytes, and say so", async () => {
  const response = await get("grid/kerchunk/tas/0.0.1");
  assert.equal(response.headers.get("gyre-source"), "raw");
  assert.equal(response.headers.get("last-modified"), "Thu, 02 Jan 2020 03:04:05 GMT");
  const stored = await archive.files.read(new URL("memory://archive/grid/tas/0.0.1"));
  assert.deepEqual(await response.bytes(), stored);
  const { spec } = (await archive.access.open("grid", call))!.dataset.variables.get("tas")!;
  const values = (await decoder.decode(spec.codecs, { dtype: "float32", shape: spec.chunks }, stored!)) as Float32Array;
  assert.equal(values[1 * 5 + 2], tasAt(0, 1, 7));
});

test("consolidated metadata holds every document of every variable that Zarr v2 can describe", async () => {
  const { metadata } = (await json("grid/kerchunk/.zmetadata")) as { metadata: Record<string, unknown> };
  for (const key of [".zattrs", "tas/.zarray", "sub/.zgroup", "sub/deep/x/.zattrs", "__proto__/.zarray"]) {
    assert.ok(Object.hasOwn(metadata, key), key);
    if (key.startsWith("__proto__")) continue;
    assert.deepEqual(metadata[key], await json(`grid/kerchunk/${key}`), key);
  }
  assert.ok(!("odd/.zarray" in metadata));
  assert.deepEqual(metadata["kind/.zattrs"], {
    flag_values: [0, 1],
    flag_meanings: "open_sea land",
    _ARRAY_DIMENSIONS: ["lat"],
  });
  const below = (await json("grid/kerchunk/sub/.zmetadata")) as { metadata: Record<string, unknown> };
  assert.deepEqual(Object.keys(below.metadata).sort(), [
    ".zattrs",
    ".zgroup",
    "deep/.zattrs",
    "deep/.zgroup",
    "deep/x/.zarray",
    "deep/x/.zattrs",
    "depth/.zarray",
    "depth/.zattrs",
  ]);
});

test("a codec without an id is named with the address that decodes it; its bytes are served all the same", async () => {
  const response = await get("grid/kerchunk/odd/.zarray");
  assert.equal(response.status, 422);
  const { detail } = (await response.json()) as { detail: string };
  assert.match(detail, /hdf5:32099/);
  assert.ok(detail.includes(`${BASE}datasets/grid/zarr/odd/.zarray`), detail);
  assert.deepEqual([...(await (await get("grid/kerchunk/odd/0")).bytes())], [1, 0, 2, 0, 3, 0, 4, 0]);
});

test("a type that clients do not share is named, without an address that would not help", async () => {
  const response = await get("grid/kerchunk/ragged/.zarray");
  assert.equal(response.status, 422);
  const { detail } = (await response.json()) as { detail: string };
  assert.match(detail, /vlen\(int32\), which Zarr clients do not share$/);
});

test("a chunk never written is absent, but for a fill that the metadata cannot state", async () => {
  assert.equal((await get("grid/kerchunk/tas/2.0.0")).status, 404);
  assert.equal((await json("grid/kerchunk/height/.zarray")).fill_value, null);
  const response = await get("grid/kerchunk/height/1.0");
  assert.equal(response.headers.get("gyre-source"), "recoded");
  assert.deepEqual([...new Int16Array(await response.arrayBuffer())], new Array(16).fill(-9));
});

test("faults of the source are 503 with the time to come again, never 404", async () => {
  for (const [id, seconds] of [
    ["grid", "30"],
    ["tape", "10800"],
  ] as const) {
    await archive.forget(id, "pr", "0.0.0");
    for (const path of [`${id}/kerchunk/pr/0.0.0`, `${id}/kerchunk-tape-order/pr/0.0.0`]) {
      const response = await get(path);
      assert.equal(response.status, 503, path);
      assert.equal(response.headers.get("retry-after"), seconds, path);
    }
  }
});

test("a tape order reads two bytes", async () => {
  const response = await get("tape/kerchunk-tape-order/tas/0.0.0");
  assert.equal(response.headers.get("cache-control"), "no-store");
  const stored = await archive.files.read(new URL("memory://archive/tape/tas/0.0.0"));
  assert.deepEqual(await response.bytes(), stored!.slice(0, 2));
});

test("references lead to the raw API, or to a source that clients can reach", async () => {
  const { refs } = (await json("grid/kerchunk.json")) as { refs: Record<string, unknown> };
  assert.deepEqual(refs["tas/0.0.1"], [`${BASE}datasets/grid/kerchunk/tas/0.0.1`]);
  assert.deepEqual(refs["crs/0"], [`${BASE}datasets/grid/kerchunk/crs/0`]);
  assert.ok(!("tas/2.0.0" in refs) && !("odd/.zarray" in refs));
  // Its fill cannot be stated, so the node answers with it.
  assert.deepEqual(refs["height/1.0"], [`${BASE}datasets/grid/kerchunk/height/1.0`]);
  assert.equal(JSON.parse(String(refs["height/.zarray"])).fill_value, null);
  assert.equal(JSON.parse(String(refs["tas/.zattrs"])).units, "K");
  const grid = (await archive.access.open("grid", call))!.dataset;
  const far = grid.variables.get("pr") as Variable;
  const url = new URL("https://far.example/pr.nc");
  const located: Variable = { ...far, locate: async () => ({ url, offset: 100, length: 20 }) };
  archive.add("far", { ...grid, version: "far", variables: new Map([["pr", located]]) });
  const direct = (await json("far/kerchunk.json?links=source")) as { refs: Record<string, unknown> };
  assert.deepEqual(direct.refs["pr/0.0.0"], [url.href, 100, 20]);
  const served = (await json("far/kerchunk.json")) as { refs: Record<string, unknown> };
  assert.deepEqual(served.refs["pr/0.0.0"], [`${BASE}datasets/far/kerchunk/pr/0.0.0`]);
  const signed = new URL("https://far.example/pr.nc?signature=s3cret");
  const secret: Variable = { ...far, locate: async () => ({ url: signed, offset: 100, length: 20 }) };
  archive.add("signed", { ...grid, version: "signed", variables: new Map([["pr", secret]]) });
  const text = await (await get("signed/kerchunk.json?links=source")).text();
  assert.ok(text.includes(`${BASE}datasets/signed/kerchunk/pr/0.0.0`) && !text.includes("s3cret"));
});

test("references of a broken source are an error, not half a document", async () => {
  const grid = (await archive.access.open("grid", call))!.dataset;
  const locate = async (): Promise<never> => {
    throw badSource("https://far.example/x.tif", 26, "a tile ends behind the file");
  };
  const tas: Variable = { ...(grid.variables.get("tas") as Variable), locate };
  archive.add("damaged", { ...grid, version: "damaged", variables: new Map([["tas", tas]]) });
  for (const path of ["kerchunk.json", "kerchunk.parquet/.zmetadata", "kerchunk.parquet/tas/refs.0.parq"]) {
    assert.equal((await get(`damaged/${path}`)).status, 502, path);
  }
});

test("a variable without chunks has a file of references all the same", async () => {
  const grid = (await archive.access.open("grid", call))!.dataset;
  const tas: Variable = { ...(grid.variables.get("tas") as Variable), locate: async () => undefined };
  archive.add("hollow", { ...grid, version: "hollow", variables: new Map([["tas", tas]]) });
  const file = await get("hollow/kerchunk.parquet/tas/refs.0.parq");
  const compressors = { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) };
  const rows = await parquetReadObjects({ file: await file.arrayBuffer(), compressors });
  assert.deepEqual(
    rows.map(({ path }) => path),
    new Array(6).fill(null),
  );
});

test("references are not made again for who has them", async () => {
  const tag = (await get("grid/kerchunk.json")).headers.get("etag") as string;
  assert.equal((await get("grid/kerchunk.json", { "if-none-match": tag })).status, 304);
  assert.equal((await get("grid/kerchunk.json?links=source", { "if-none-match": tag })).status, 200);
});
