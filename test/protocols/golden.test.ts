import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { before, test } from "node:test";
import type { Opened } from "../../src/core/access.ts";
import { createLocalFiles } from "../../src/files/local.ts";
import { createFormatRegistry } from "../../src/formats/registry.ts";
import { zarr as zarrFormat } from "../../src/formats/zarr/zarr.ts";
import { kerchunk } from "../../src/protocols/kerchunk.ts";
import { zarr } from "../../src/protocols/zarr.ts";
import { createAccess } from "../../src/read/access.ts";
import { codecs, decoder, serve } from "./archive.ts";

/** Stores that xarray wrote: what is served must be what it wrote, document by document and chunk by chunk. */
const fixture = (path: string): URL => new URL(`../fixtures/protocols/${path}`, import.meta.url);
const files = createLocalFiles();
let fetch: ReturnType<typeof serve>;

before(() => {
  const formats = createFormatRegistry([zarrFormat], files, codecs);
  const opened = new Map<string, Opened>();
  const holdings = {
    async *list() {
      yield* ["v2", "v3"];
    },
    async open(id: string): Promise<Opened | undefined> {
      const source = fixture(`${id}.zarr/`);
      const made = opened.get(id) ?? { id, dataset: await formats.open(source), source: source.href, tape: false };
      opened.set(id, made);
      return made;
    },
  };
  fetch = serve(createAccess(holdings, { files, decoder }), [kerchunk, zarr]);
});

const get = (path: string): Promise<Response> => fetch(new Request(`http://inside.test/datasets/${path}`));
const stored = (path: string): unknown => JSON.parse(readFileSync(fixture(path), "utf8"));

const CHUNKS = [0, 1, 2].flatMap((t) => [0, 1].map((x) => [t, 0, x]));

for (const form of ["kerchunk", "zarr"]) {
  test(`a v2 store comes out of ${form} as xarray wrote it`, async () => {
    assert.deepEqual(await (await get(`v2/${form}/.zmetadata`)).json(), stored("v2.zarr/.zmetadata"));
    for (const chunk of CHUNKS) {
      const key = `tas/${chunk.join(".")}`;
      const response = await get(`v2/${form}/${key}`);
      const file = fixture(`v2.zarr/${key}`);
      if (!existsSync(file)) {
        assert.equal(response.status, 404, key);
        continue;
      }
      assert.equal(response.headers.get("gyre-source"), "raw");
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), readFileSync(file), key);
    }
  });
}

test("a v3 store comes out of zarr as xarray wrote it", async () => {
  assert.deepEqual(await (await get("v3/zarr/zarr.json")).json(), stored("v3.zarr/zarr.json"));
  for (const name of ["tas", "mask", "time", "lat", "lon"]) {
    assert.deepEqual(await (await get(`v3/zarr/${name}/zarr.json`)).json(), stored(`v3.zarr/${name}/zarr.json`), name);
  }
  for (const chunk of CHUNKS) {
    const key = `tas/c/${chunk.join("/")}`;
    const response = await get(`v3/zarr/${key}`);
    assert.equal(response.headers.get("gyre-source"), "raw");
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), readFileSync(fixture(`v3.zarr/${key}`)), key);
  }
});
