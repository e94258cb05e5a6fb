import assert from "node:assert/strict";
import { before, test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { zarr } from "../../src/protocols/zarr.ts";
import { testProtocol } from "../contract/protocol.ts";
import { BASE, createArchive, serve } from "./archive.ts";
import { createGrid, tasAt } from "./grid.ts";

let archive: Awaited<ReturnType<typeof createArchive>>;
let fetch: ReturnType<typeof serve>;

before(async () => {
  archive = await createArchive();
  archive.add("grid", await createGrid(archive));
  fetch = serve(archive.access, [zarr]);
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new Request(`http://inside.test/datasets/${path}`, { headers }));
const json = async (path: string): Promise<Record<string, unknown>> =>
  (await (await get(path)).json()) as Record<string, unknown>;
const detail = async (path: string): Promise<string> => String((await json(path)).detail);

testProtocol("zarr (computed)", async () => ({
  fetch,
  base: BASE,
  entities: [
    "datasets/grid/zarr/.zmetadata",
    "datasets/grid/zarr/zarr.json",
    "datasets/grid/zarr/.zattrs",
    "datasets/grid/zarr/tas/.zarray",
    "datasets/grid/zarr/tas/zarr.json",
    "datasets/grid/zarr/tas/0.0.0",
    "datasets/grid/zarr/tas/c/0/0/1",
    "datasets/grid/zarr/pr/1.1.1",
    "datasets/grid/zarr/crs/0",
    "datasets/grid/zarr/crs/c",
    "datasets/grid/zarr/label/0",
    "datasets/grid/zarr/sub/zarr.json",
    "datasets/grid/zarr/sub/depth/c/0",
    "datasets/grid/zarr/height/1.0",
    "datasets/grid/zarr@vars=tas,keepbits=7/.zmetadata",
    "datasets/grid/zarr@vars=tas,keepbits=7/tas/c/0/0/0",
    "datasets/grid/zarr@bbox=-50~-20~50~20/zarr.json",
  ],
  missing: [
    "datasets/nothing/zarr/.zgroup",
    "datasets/grid/zarr/nothing/.zarray",
    "datasets/grid/zarr/nothing/0.0",
    "datasets/grid/zarr/tas/2.0.0",
    "datasets/grid/zarr/tas/c/2/0/0",
    "datasets/grid/zarr/tas/3.0.0",
    "datasets/grid/zarr/height/c/1/0",
    "datasets/grid/zarr@vars=tas/pr/.zarray",
  ],
  bad: [
    "datasets/grid/zarr/tas/0.0",
    "datasets/grid/zarr/tas/c/0/0",
    "datasets/grid/zarr/tas/c/0/0/x",
    "datasets/grid/zarr/tas/0.0.0.0",
    "datasets/grid/zarr/crs/c/0",
    "datasets/grid/zarr@colour=red/.zgroup",
    "datasets/grid/zarr@vars=tas,vars=pr/.zgroup",
    "datasets/grid/zarr@vars=nothing/.zgroup",
    "datasets/grid/zarr@time=1999/.zgroup",
    "datasets/grid/zarr@chunks=depth:1/.zgroup",
    "datasets/grid/zarr@/.zgroup",
  ],
}));

const elements = async (response: Response): Promise<Float32Array> =>
  new Float32Array(new Uint8Array(zstdDecompressSync(await response.bytes())).buffer);

test("chunks come without filters, decoded by one codec, whole also at the edge", async () => {
  const array = await json("grid/zarr/tas/.zarray");
  assert.deepEqual([array.filters, array.compressor], [null, { id: "zstd", level: 1 }]);
  const v3 = (await json("grid/zarr/tas/zarr.json")) as { codecs: { name: string }[] };
  assert.deepEqual(
    v3.codecs.map(({ name }) => name),
    ["bytes", "zstd"],
  );
  for (const key of ["tas/1.0.1", "tas/c/1/0/1"]) {
    const response = await get(`grid/zarr/${key}`);
    assert.equal(response.headers.get("gyre-source"), "recoded");
    const values = await elements(response);
    const expected = Array.from({ length: 20 }, (_, i) =>
      i % 5 < 3 ? Math.fround(tasAt(1, Math.floor(i / 5), 5 + (i % 5))) : Math.fround(1e20),
    );
    assert.deepEqual([...values], expected, key);
  }
});

test("what is stored in a way that all clients know is passed through", async () => {
  const stored = await archive.files.read(new URL("memory://archive/grid/pr/0.1.1"));
  const v2 = await get("grid/zarr/pr/0.1.1");
  assert.equal(v2.headers.get("gyre-source"), "raw");
  assert.deepEqual(await v2.bytes(), stored);
  // zlib is none of the codecs of v3.
  assert.equal((await get("grid/zarr/pr/c/0/1/1")).headers.get("gyre-source"), "recoded");
  assert.equal((await get("grid/zarr/lat/c/0")).headers.get("gyre-source"), "raw");
});

test("v3 states fill and has no chunk; v2 cannot and has one", async () => {
  assert.equal((await json("grid/zarr/height/zarr.json")).fill_value, -9);
  assert.equal((await get("grid/zarr/height/c/1/0")).status, 404);
  const filled = new Int16Array(await (await get("grid/zarr/height/1.0")).arrayBuffer());
  assert.deepEqual([...filled], new Array(16).fill(-9));
});

test("types that clients do not share are refused by name and left out of the whole", async () => {
  const response = await get("grid/zarr/ragged/.zarray");
  assert.equal(response.status, 422);
  assert.match(String(((await response.json()) as { detail: string }).detail), /vlen\(int32\)/);
  assert.equal((await get("grid/zarr/ragged/0")).status, 422);
  const { metadata } = (await json("grid/zarr/.zmetadata")) as { metadata: Record<string, unknown> };
  assert.ok(!("ragged/.zarray" in metadata) && "tas/.zarray" in metadata);
});

test("an unknown codec is named where chunks must be decoded", async () => {
  const response = await get("grid/zarr/odd/0");
  assert.equal(response.status, 422);
  assert.match(String(((await response.json()) as { detail: string }).detail), /hdf5:32099/);
});

test("a wrong chunk index is told the grid and the keys", async () => {
  assert.match(await detail("grid/zarr/tas/0.0"), /3 x 1 x 2.*0\.0\.0 or c\/0\/0\/0/);
  assert.match(await detail("grid/zarr/tas/9.0.0"), /outside the chunk grid of tas, which is 3 x 1 x 2/);
});

test("a broken chunk is a broken source, a vanished file is none", async () => {
  archive.add("fragile", await createGrid(archive, "fragile"), { tape: true });
  await archive.files.write?.(new URL("memory://archive/fragile/tas/0.0.0"), new Uint8Array(200));
  assert.equal((await get("fragile/zarr/tas/0.0.0")).status, 502);
  await archive.forget("fragile", "tas", "1.0.0");
  const vanished = await get("fragile/zarr/tas/1.0.0");
  assert.equal(vanished.status, 503);
  assert.equal(vanished.headers.get("retry-after"), "10800");
});

test("all spellings of a view have one tag, other views another", async () => {
  const tag = async (view: string): Promise<string | null> =>
    (await get(`grid/zarr@${view}/tas/0.0.0`)).headers.get("etag");
  const one = await tag("vars=tas~pr,keepbits=7,bbox=-50~-20~50~20");
  assert.equal(await tag("bbox=-50.0~-2e1~50~20,vars=pr~tas,keepbits=7"), one);
  assert.equal(await tag("bbox=-50~-20~50~20%2Cvars=tas~pr~pr,keepbits%3D7"), one);
  const escaped = await get(`grid/${encodeURIComponent("zarr@bbox=-50~-20~50~20,vars=tas~pr,keepbits=7")}/tas/0.0.0`);
  assert.equal(escaped.headers.get("etag"), one, "an escaped @");
  assert.notEqual(await tag("bbox=-50~-20~50~20,vars=pr~tas,keepbits=8"), one);
});

test("a view's codec decides how chunks are encoded", async () => {
  const array = (codec: string): Promise<Record<string, unknown>> => json(`grid/zarr@codec=${codec}/pr/.zarray`);
  assert.equal((await array("none")).compressor, null);
  assert.equal(((await array("gzip")).compressor as { id: string }).id, "gzip");
  assert.equal(((await array("blosc")).compressor as { id: string }).id, "blosc");
  const plain = await get("grid/zarr@codec=none/pr/0.0.0");
  assert.equal((await plain.arrayBuffer()).byteLength, 2 * 3 * 5 * 4);
});
