import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import type { Access } from "../../src/core/access.ts";
import type { Dataset } from "../../src/core/array.ts";
import { ANONYMOUS } from "../../src/core/principal.ts";
import type { Files } from "../../src/files/files.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { createFormatRegistry } from "../../src/formats/registry.ts";
import { zarr } from "../../src/formats/zarr/zarr.ts";
import { createApp } from "../../src/http/app.ts";
import { kerchunk } from "../../src/protocols/kerchunk.ts";
import { zarr as zarrProtocol } from "../../src/protocols/zarr.ts";
import { createAccess } from "../../src/read/access.ts";
import { decodedChunk } from "../../src/read/chunk.ts";
import { openCube, type ReadValues } from "../../src/read/cube.ts";
import { selectFrom } from "../../src/read/select.ts";
import { decoder } from "./cube/memory.ts";

// A Zarr folder into which somebody writes: its metadata stays, its chunks do not.

const STORE = new URL("memory:///store.zarr/");
const CALL = { who: ANONYMOUS };
let files: Files;
let access: Access;
let get: (key: string, headers?: Record<string, string>, method?: string) => Promise<Response>;

const put = (key: string, content: string | Uint8Array): Promise<unknown> =>
  files.write!(new URL(key, STORE), typeof content === "string" ? Buffer.from(content) : content);

beforeEach(async () => {
  files = createMemoryFiles();
  const array = { zarr_format: 2, shape: [4], chunks: [2], dtype: "|u1", fill_value: 9, order: "C", filters: null };
  await put(".zgroup", JSON.stringify({ zarr_format: 2 }));
  await put("x/.zarray", JSON.stringify({ ...array, compressor: null }));
  await put("x/.zattrs", JSON.stringify({ _ARRAY_DIMENSIONS: ["n"] }));
  await put("x/0", Uint8Array.of(1, 2));
  const formats = createFormatRegistry([zarr], files, createCodecRegistry());
  const dataset = await formats.open(STORE);
  const member = { source: STORE.href, identity: "1", open: async () => dataset };
  const read: ReadValues = (_dataset, variable, selection, call) =>
    variable.read?.(selection, call) ??
    selectFrom(variable, selection, (chunk) => decodedChunk({ files, decoder }, variable, chunk, call), call);
  const { dataset: cube } = await openCube([member], {}, { read });
  const { dataset: stack } = await openCube([member], { newDim: { name: "run", values: [7] } }, { read });
  const ids = new Map<string, Dataset>([
    ["store", dataset],
    ["cube", cube],
    ["stack", stack],
  ]);
  const holdings = {
    async *list() {
      yield* ids.keys();
    },
    open: async (id: string) => ({ id, dataset: ids.get(id)!, source: STORE.href, tape: false }),
  };
  access = createAccess(holdings, { files, decoder });
  const app = createApp({ access, protocols: [kerchunk, zarrProtocol] });
  get = (key, headers = {}, method = "GET") =>
    app(new Request(`http://node.test/datasets/${key}`, { headers, method }));
});

const values = async (id: string, index: number): Promise<number[]> => {
  const { dataset } = (await access.open(id, CALL))!;
  const chunk = id === "stack" ? [0, index] : [index];
  return [...((await access.chunk(dataset, dataset.variables.get("x")!, chunk, CALL)).data as Uint8Array)];
};

const bytes = async (key: string): Promise<number[]> => [...new Uint8Array(await (await get(key)).arrayBuffer())];

test("decoded values are those of the chunk as it is, also where there was none", async () => {
  for (const id of ["store", "cube", "stack"]) {
    await put("x/0", Uint8Array.of(1, 2));
    await files.delete!(new URL("x/1", STORE));
    assert.deepEqual(
      [await values(id, 0), await values(id, 1)],
      [
        [1, 2],
        [9, 9],
      ],
      id,
    );
    await put("x/0", Uint8Array.of(3, 4));
    await put("x/1", Uint8Array.of(5, 6));
    assert.deepEqual(
      [await values(id, 0), await values(id, 1)],
      [
        [3, 4],
        [5, 6],
      ],
      id,
    );
  }
});

test("another chunk has another tag, in every form and view", async () => {
  const inStore = ["kerchunk/x/0", "zarr/x/0", "zarr/x/c/0", "zarr@chunks=n:4/x/0", "zarr@codec=gzip/x/0"];
  const inStack = ["kerchunk/x/0.0", "zarr/x/0.0", "zarr@chunks=n:4/x/0.0"];
  const keys = [...inStore.map((key) => `store/${key}`), "cube/kerchunk/x/0", ...inStack.map((key) => `stack/${key}`)];
  for (const key of keys) {
    await put("x/0", Uint8Array.of(1, 2));
    const before = await get(key);
    const tag = before.headers.get("etag")!;
    assert.equal((await get(key, { "if-none-match": tag })).status, 304, key);
    assert.equal((await get(key, {}, "HEAD")).headers.get("etag"), tag, `HEAD ${key}`);
    await put("x/0", Uint8Array.of(3, 4));
    const after = await get(key, { "if-none-match": tag });
    assert.equal(after.status, 200, key);
    assert.notEqual(after.headers.get("etag"), tag, key);
  }
});

test("references are not taken for the same when chunks have come", async () => {
  const before = await get("store/kerchunk.json");
  await put("x/1", Uint8Array.of(5, 6));
  const tag = before.headers.get("etag");
  const after = await get("store/kerchunk.json", tag === null ? {} : { "if-none-match": tag });
  assert.equal(after.status, 200);
  assert.match(await after.text(), /"x\/1"/);
});

test("raw bytes are those of the file", async () => {
  assert.deepEqual(await bytes("store/kerchunk/x/0"), [1, 2]);
  await put("x/0", Uint8Array.of(3, 4));
  assert.deepEqual(await bytes("store/kerchunk/x/0"), [3, 4]);
});
