import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chunkGrid, type Dataset, type Variable } from "../../../src/core/array.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { kerchunk } from "../../../src/formats/kerchunk/kerchunk.ts";
import { resolveHref } from "../../../src/formats/kerchunk/store.ts";
import { fetchChunk } from "../../../src/read/chunk.ts";
import { recordedDigests, referenceDigests } from "../../truth/kerchunk.ts";
import { dataFiles, dataFolder, skipWithoutData } from "../data.ts";
import { damaged, randomFrom } from "../fuzz.ts";
import { openWith } from "../values.ts";

const fixtures = new URL("../../fixtures/kerchunk/", import.meta.url);
const local = createLocalFiles();
const url = new URL("memory:///refs.json");

const expected = JSON.parse(readFileSync(new URL("expected.json", fixtures), "utf8")) as {
  readonly [name: string]: { readonly [key: string]: string };
};

const ARRAY = {
  zarr_format: 2,
  shape: [4],
  chunks: [2],
  dtype: "<i2",
  compressor: null,
  filters: null,
  fill_value: 0,
  order: "C",
};

function* cells(grid: readonly number[]): Generator<number[]> {
  if (grid.length === 0) yield [];
  else for (const head of cells(grid.slice(0, -1))) for (let i = 0; i < grid.at(-1)!; i++) yield [...head, i];
}

/** Stored bytes of every chunk by its key, in base64. */
async function stored(dataset: Dataset, files: Files): Promise<{ [key: string]: string }> {
  const found: { [key: string]: string } = {};
  for (const [name, variable] of dataset.variables) {
    for (const chunk of cells(chunkGrid(variable.spec))) {
      const ref = await variable.locate(chunk);
      if (ref !== undefined)
        found[`${name}/${chunk.join(".")}`] = Buffer.from(await fetchChunk(files, ref)).toString("base64");
    }
  }
  return found;
}

for (const name of ["records.json", "records-v0.json", "templates.json", "records.parq/"]) {
  test(`${name} resolves as fsspec resolves it`, async () => {
    const dataset = await openWith(kerchunk, new URL(name, fixtures), local);
    assert.equal(dataset.format, "kerchunk");
    assert.equal(dataset.problems, undefined);
    assert.deepEqual(await stored(dataset, local), expected[name.replace(/(\.json|\/)$/, "")]);
  });
}

test("real reference sets hold what fsspec says", skipWithoutData, async () => {
  for (const name of dataFiles("zarr/kerchunk/")) {
    const file = new URL(`zarr/kerchunk/${name}`, dataFolder);
    assert.deepEqual(await referenceDigests(file), recordedDigests(name), name);
  }
});

const referenceSet = (document: unknown): Files =>
  createMemoryFiles([[url.href, Buffer.from(JSON.stringify(document))]]);
const opened = async (refs: object, rest: object = {}): Promise<Variable> => {
  const set = { version: 1, refs: { ".zgroup": { zarr_format: 2 }, "v/.zarray": ARRAY, ...refs }, ...rest };
  return (await openWith(kerchunk, url, referenceSet(set))).variables.get("v")!;
};

test("addresses are those of fsspec: paths as they are, relative to the reference set", () => {
  const at = (href: string, base = "file:///data/refs/a.json"): string => resolveHref(href, new URL(base)).href;
  assert.equal(at("x/b c#1%.nc"), "file:///data/refs/x/b%20c%231%25.nc");
  assert.equal(at("/other/b.nc"), "file:///other/b.nc");
  assert.equal(at("s3://bucket/a#b.nc"), "s3://bucket/a%23b.nc");
  assert.equal(at("https://h/a%20b.nc?x=1"), "https://h/a%20b.nc?x=1");
  assert.equal(at("a:b.nc"), "file:///data/refs/a:b.nc");
  assert.throws(() => at("file:///etc/passwd", "https://h/refs.json"), { name: "GyreError(Denied)" });
  assert.throws(() => at("simplecache::s3://b/a"), { name: "GyreError(Unsupported)" });
});

test("references are checked before they are followed", async () => {
  await assert.rejects((await opened({ "v/0": ["a.nc", -1, 2] })).locate([0]), /bytes -1/);
  await assert.rejects((await opened({ "v/0": ["a.nc", 0, 1e300] })).locate([0]), { name: "GyreError(BadSource)" });
  await assert.rejects((await opened({ "v/0": [null] })).locate([0]), { name: "GyreError(BadSource)" });
  assert.equal(await (await opened({})).locate([0]), undefined);
  assert.equal(await (await opened({ "v/0": ["gone.nc"] })).locate([0]), undefined);
});

test("templates know names, whole numbers, formats and nothing else", async () => {
  const href = async (text: string): Promise<string> => {
    const ref = await (await opened({ "v/0": [text, 0, 4] }, { templates: { a: "A", f: "{{x}}-{{y}}" } })).locate([0]);
    assert.ok(ref && "url" in ref);
    return ref.url.pathname.slice(1);
  };
  assert.equal(await href("{{a}}/{{ f(x=1 + 2*3, y='z') }}"), "A/7-z");
  assert.equal(await href("{{'%03d' % (7 // 2)}}"), "003");
  assert.equal(await href("{{-7 % 3}}{{-7 // 2}}{{a ~ 1}}"), "2-4A1");
  assert.equal(await href("x{{unknown}}"), "x");
  for (const bad of [
    "{{a.b}}",
    "{{f(1)}}",
    "{{a(x=1)}}",
    "{{1/2}}",
    "{{'a' * 9}}",
    "{{(1}}",
    `{{${"(".repeat(100)}1}}`,
  ]) {
    await assert.rejects(href(bad), { name: "GyreError(BadSource)" }, bad);
  }
  const long = opened({ "v/0": ["{{a}}".repeat(12_000), 0, 4] }, { templates: { a: "a".repeat(60_000) } });
  await assert.rejects(async () => (await long).locate([0]), /too long a text/);
});

test("a list of sets is a group for each", async () => {
  const set = (value: number) => ({
    version: 1,
    refs: { ".zgroup": { zarr_format: 2 }, "v/.zarray": ARRAY, "v/0": String.fromCharCode(value) },
  });
  const dataset = await openWith(kerchunk, url, referenceSet([set(1), set(2)]));
  assert.deepEqual(
    [[...dataset.groups.keys()], [...dataset.variables.keys()]],
    [
      ["0", "1"],
      ["0/v", "1/v"],
    ],
  );
  assert.deepEqual(await dataset.variables.get("1/v")!.locate([0]), { inline: Buffer.from([2]) });
  await assert.rejects(openWith(kerchunk, url, referenceSet([set(1), 2])), /reference set 1/);
  const generated = { gen: [{ key: "v/{{i}}", url: "a.nc", dimensions: { i: { stop: 600_000 } } }] };
  const many = { ...set(1), ...generated };
  await assert.rejects(openWith(kerchunk, url, referenceSet([many, many])), /at most 1000000/, "all sets together");
});

test("real lists of sets open as well", skipWithoutData, async () => {
  const dataset = await openWith(kerchunk, new URL("zarr/kerchunk/hrrr.wrfsfcf.subset.json", dataFolder), local);
  assert.deepEqual([dataset.groups.size, dataset.problems], [18, undefined]);
  const wind = dataset.variables.get("0/u");
  assert.deepEqual(wind?.spec.dims, ["y", "x"]);
});

test("generators are bounded", async () => {
  const gen = (dimensions: unknown): Promise<Variable> =>
    opened({}, { gen: [{ key: "v/{{i}}", url: "a.nc", dimensions }] });
  await assert.rejects(gen({ i: { stop: 1e9 } }), /at most 1000000/);
  await assert.rejects(gen({ i: { stop: 1e5 }, j: { stop: 1e5 } }), /at most/);
  await assert.rejects(gen({ i: { stop: 5, step: 0 } }), { name: "GyreError(BadSource)" });
  await assert.rejects(gen({ i: [{}] }), { name: "GyreError(BadSource)" });
  await assert.rejects(openWith(kerchunk, url, referenceSet({ version: 2, refs: {} })), /version 2/);
});

test("recognised by content", () => {
  const hint = (text: string) => ({ url, head: Buffer.from(text) });
  assert.ok(kerchunk.sniff(hint('{"version": 1, "refs": {')));
  assert.ok(kerchunk.sniff(hint('{"tas/.zarray": "')));
  assert.ok(!kerchunk.sniff(hint('{"type": "Feature"}')));
  assert.ok(kerchunk.sniff(hint('[{"version": 1, "refs": {}}]')));
  assert.ok(!kerchunk.sniff(hint('[[{"refs": {}}]]')));
  const folder = (...entries: string[]) => kerchunk.sniff({ url, head: new Uint8Array(0), entries: new Set(entries) });
  assert.ok(folder(".zmetadata"));
  assert.ok(!folder(".zmetadata", ".zgroup"));
});

test("fuzz: damaged reference sets open or fail as broken sources", async () => {
  const random = randomFrom(11);
  const json = new Uint8Array(readFileSync(new URL("templates.json", fixtures)));
  const parquet = new Uint8Array(readFileSync(new URL("records.parq/tas/refs.0.parq", fixtures)));
  const folder = "memory:///refs.parq/";
  const zmetadata = new Uint8Array(readFileSync(new URL("records.parq/.zmetadata", fixtures)));
  for (let i = 0; i < 300; i++) {
    const [source, files] =
      i % 2 === 0
        ? [url, createMemoryFiles([[url.href, damaged(json, random)]])]
        : [
            new URL(folder),
            createMemoryFiles([
              [`${folder}.zmetadata`, zmetadata],
              [`${folder}tas/refs.0.parq`, damaged(parquet, random)],
            ]),
          ];
    try {
      const dataset = await openWith(kerchunk, source, files);
      for (const variable of dataset.variables.values()) await variable.locate(variable.spec.shape.map(() => 0));
    } catch (error) {
      assert.ok(isGyreError(error, "BadSource", "Unsupported", "Denied"), String((error as Error).stack));
    }
  }
});
