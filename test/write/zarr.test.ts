import assert from "node:assert/strict";
import { test } from "node:test";
import { isGyreError } from "../../src/errors.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { zarr } from "../../src/formats/zarr/zarr.ts";
import { writeZarr } from "../../src/write/zarr.ts";
import { openWith, readAll } from "../formats/values.ts";
import { encoder, LITTLE, sourceOf, text, variable } from "./sample.ts";

const ZSTD = [...LITTLE, { name: "zstd", configuration: { level: 3 } }];

for (const version of [2, 3] as const) {
  test(`Zarr v${version}: read back alike, groups and edges included`, async () => {
    const source = sourceOf(
      [
        variable("time", "float64", ["time"], [7], { chunks: [4] }),
        variable("tas", "float32", ["time", "lat", "lon"], [7, 3, 5], { chunks: [2, 3, 4], codecs: ZSTD, fill: 1e20 }),
        variable("n", "int64", ["lat"], [3]),
        variable("crs", "int32", [], []),
        variable("name", "string", ["lat"], [3], { codecs: [{ name: "vlen-utf8" }] }),
        variable("g/inner", "uint16", ["lat", "k"], [3, 2], { chunks: [2, 2], codecs: ZSTD }),
      ],
      { groups: new Map([["g", { attrs: new Map([["note", text("inner")]]), dimensions: new Map() }]]) },
    );
    const folder = new URL("memory:/archive/store.zarr/");
    const files = createMemoryFiles();
    await writeZarr(source, folder, { files, encoder, version });
    const dataset = await openWith(zarr, folder, files);
    assert.deepEqual(dataset.problems ?? [], []);
    for (const [name, original] of source.variables) {
      const read = dataset.variables.get(name)!;
      assert.deepEqual(read.spec.dims, original.spec.dims, name);
      assert.deepEqual(read.spec.chunks, original.spec.chunks, name);
      const wanted: unknown[] = [];
      for await (const { data } of original.blocks()) wanted.push(...(data as Iterable<unknown>));
      assert.deepEqual([...((await readAll(read, files)).data as Iterable<unknown>)], wanted, name);
    }
    assert.equal(dataset.groups.get("g")?.attrs.get("note")?.value, "inner");
  });
}

test("Zarr: the document that makes a store findable is written last", async () => {
  for (const [version, last] of [
    [2, ".zmetadata"],
    [3, "zarr.json"],
  ] as const) {
    const written: string[] = [];
    const files = createMemoryFiles();
    const folder = new URL("memory:/store/");
    const write = files.write!;
    const watched: typeof files = {
      ...files,
      write: (url, body, options) => {
        written.push(url.href.slice(folder.href.length));
        return write(url, body, options);
      },
    };
    await writeZarr(sourceOf([variable("a", "int8", ["x"], [3])]), folder, { files: watched, encoder, version });
    assert.equal(written.at(-1), last);
    assert.ok(written.includes(version === 2 ? "a/0" : "a/c/0"));
  }
});

test("Zarr: names that lead out of the folder are refused, others are kept as they are", async () => {
  const folder = new URL("memory:/archive/store.zarr/");
  for (const version of [2, 3] as const) {
    for (const name of ["..", "../../x", "g/../../x", "a\\b"]) {
      const files = createMemoryFiles();
      const writing = writeZarr(sourceOf([variable(name, "int8", ["x"], [3])]), folder, { files, encoder, version });
      await assert.rejects(writing, (error) => isGyreError(error, "Unsupported"), name);
      for await (const { url } of files.list!(new URL("memory:/"), { recursive: true })) assert.fail(url.href);
    }
    const files = createMemoryFiles();
    const source = sourceOf([variable("a:b? #é%2e", "int8", ["x"], [3])]);
    await writeZarr(source, folder, { files, encoder, version });
    assert.ok((await openWith(zarr, folder, files)).variables.has("a:b? #é%2e"));
  }
});
