import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as zarrita from "zarrita";
import { kerchunk } from "../../src/protocols/kerchunk.ts";
import { zarr } from "../../src/protocols/zarr.ts";
import { BASE, createArchive, serve } from "../protocols/archive.ts";
import { createGrid, tasAt } from "../protocols/grid.ts";

let fetch: ReturnType<typeof serve>;

before(async () => {
  const archive = await createArchive();
  archive.add("grid", await createGrid(archive));
  fetch = serve(archive.access, [kerchunk, zarr]);
});

/** A store over the node's answers, without a socket. */
function storeAt(path: string): zarrita.AsyncReadable {
  return {
    async get(key) {
      const response = await fetch(new Request(new URL(`datasets/grid/${path}${key}`, BASE.replace("/gyre/", "/"))));
      if (response.status === 404) return undefined;
      assert.equal(response.status, 200, `${path}${key}: ${await response.clone().text()}`);
      return response.bytes();
    },
  };
}

async function read(path: string, name: string, version: 2 | 3): Promise<{ shape: number[]; values: unknown[] }> {
  const open = version === 2 ? zarrita.open.v2 : zarrita.open.v3;
  const array = await open(zarrita.root(storeAt(path)).resolve(name), { kind: "array" });
  const chunk = await zarrita.get(array);
  if (typeof chunk !== "object" || chunk === null || !("data" in chunk)) return { shape: [], values: [chunk] };
  return { shape: [...chunk.shape], values: [...(chunk.data as Iterable<unknown>)] };
}

const FORMS = [
  ["kerchunk", 2],
  ["zarr", 2],
  ["zarr", 3],
] as const;

for (const [path, version] of FORMS) {
  test(`zarrita reads the same from ${path}, version ${version}`, async () => {
    const tas = await read(path, "tas", version);
    assert.deepEqual(tas.shape, [3, 4, 8]);
    const expected = Array.from({ length: 96 }, (_, i) =>
      Math.fround(tasAt(Math.floor(i / 32), Math.floor(i / 8) % 4, i % 8)),
    );
    assert.deepEqual(tas.values, expected);
    assert.deepEqual((await read(path, "lon", version)).values, [0, 45, 90, 135, 180, 225, 270, 315]);
    assert.deepEqual((await read(path, "label", version)).values, ["süd", "", "a", "north"]);
    assert.deepEqual((await read(path, "sub/deep/x", version)).values, [-1, 1]);
    assert.deepEqual((await read(path, "kind", version)).values, [0, 1, 1, 0]);
    const height = await read(path, "height", version);
    assert.deepEqual(
      height.values,
      Array.from({ length: 32 }, (_, i) => (i < 16 ? i * 100 : -9)),
    );
  });
}

test("zarrita reads a view", async () => {
  const view = "zarr@bbox=-90~-20~50~50,chunks=time:2~lon:3,time=2000-01~2000-02";
  for (const version of [2, 3] as const) {
    const { shape, values } = await read(view, "tas", version);
    assert.deepEqual(shape, [2, 3, 4]);
    const expected = [0, 1].flatMap((t) =>
      [1, 2, 3].flatMap((y) => [6, 7, 0, 1].map((x) => Math.fround(tasAt(t, y, x)))),
    );
    assert.deepEqual(values, expected);
    assert.deepEqual((await read(view, "lon", version)).values, [-90, -45, 0, 45]);
  }
});
