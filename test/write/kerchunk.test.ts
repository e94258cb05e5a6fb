import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { ArraySpec, Attr, ChunkRef, Dataset, Variable } from "../../src/core/array.ts";
import type { Files } from "../../src/files/files.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import type { Format } from "../../src/formats/format.ts";
import { kerchunk } from "../../src/formats/kerchunk/kerchunk.ts";
import { netcdf3 } from "../../src/formats/netcdf3/netcdf3.ts";
import { zarr } from "../../src/formats/zarr/zarr.ts";
import { kerchunkJson } from "../../src/write/kerchunk.ts";
import { kerchunkParquet, type ReferenceFile } from "../../src/write/kerchunk-parquet.ts";
import type { KerchunkOptions } from "../../src/write/kerchunk-references.ts";
import { openWith, plain, readAll } from "../formats/values.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const json = new URL("memory:///refs.json");
const folder = new URL("memory:///refs.parq/");
const straight: KerchunkOptions = { href: (url) => url.href };

async function text(dataset: Dataset, options = straight): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of kerchunkJson(dataset, options)) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function throughJson(dataset: Dataset, files: Files): Promise<Dataset> {
  await files.write?.(json, Buffer.from(await text(dataset)));
  return openWith(kerchunk, json, files);
}

async function throughParquet(dataset: Dataset, recordSize: number, files: Files): Promise<Dataset> {
  const written: ReferenceFile[] = [];
  for await (const file of kerchunkParquet(dataset, { ...straight, recordSize })) written.push(file);
  assert.equal(written.at(-1)?.name, ".zmetadata");
  for (const { name, bytes } of written) await files.write?.(new URL(name, folder), bytes);
  return openWith(kerchunk, folder, files);
}

const sources: readonly (readonly [string, Format])[] = [
  ["netcdf3/records.nc", netcdf3],
  ["netcdf3/types.nc", netcdf3],
  ["zarr/v2.zarr.zip", zarr],
  ["zarr/v3.zarr.zip", zarr],
];

for (const [name, format] of sources) {
  test(`${name} reads the same through references to it`, async () => {
    const url = new URL("memory:///source");
    const files = createMemoryFiles([[url.href, readFileSync(new URL(name, fixtures))]]);
    const source = await openWith(format, url, files);
    for (const dataset of [await throughJson(source, files), await throughParquet(source, 2, files)]) {
      // Shards within shards, and shards that are compressed, have no id in v2.
      const omitted = new Set(["nested", "outer"]);
      assert.deepEqual(
        [...dataset.variables.keys()].sort(),
        [...source.variables.keys()].filter((v) => !omitted.has(v)).sort(),
      );
      assert.deepEqual([...dataset.groups.keys()], [...source.groups.keys()]);
      for (const [variable, found] of dataset.variables) {
        const original = source.variables.get(variable)!;
        assert.deepEqual(plain(await readAll(found, files)), plain(await readAll(original, files)), variable);
      }
    }
  });
}

function variable(spec: Partial<ArraySpec>, locate: (chunk: readonly number[]) => ChunkRef | undefined): Dataset {
  const whole: ArraySpec = {
    dtype: "int16",
    dims: (spec.shape ?? [4]).map((_, i) => `d${i}`),
    shape: [4],
    chunks: [2],
    codecs: [{ name: "bytes", configuration: { endian: "little" } }],
    fill: -1,
    attrs: new Map<string, Attr>(),
    ...spec,
  };
  const v: Variable = { name: "v", spec: whole, locate: async (chunk) => locate(chunk) };
  return {
    format: "test",
    version: "1",
    attrs: new Map(),
    dimensions: new Map(),
    groups: new Map(),
    variables: new Map([["v", v]]),
  };
}

type Refs = { refs: { [key: string]: unknown } };
const refsOf = async (dataset: Dataset, options?: KerchunkOptions): Promise<Refs["refs"]> =>
  (JSON.parse(await text(dataset, options)) as Refs).refs;
const zarrayOf = (refs: Refs["refs"]): { [member: string]: unknown } =>
  JSON.parse(refs["v/.zarray"] as string) as { [member: string]: unknown };

test("a contiguous array whose last chunk is short is cut finer, without a byte moved", async () => {
  const url = new URL("memory:///raw");
  const dataset = variable({ shape: [9, 5], chunks: [6, 5] }, ([row]) =>
    row === 0 ? { url, offset: 100, length: 60 } : { url, offset: 160, length: 30, shape: [3, 5] },
  );
  const refs = await refsOf(dataset);
  assert.deepEqual(zarrayOf(refs).chunks, [3, 5]);
  assert.deepEqual(
    ["v/0.0", "v/1.0", "v/2.0"].map((key) => refs[key]),
    [
      [url.href, 100, 30],
      [url.href, 130, 30],
      [url.href, 160, 30],
    ],
  );
  const served = await refsOf(dataset, { href: () => undefined, chunkHref: (_, chunk) => chunk.join("/") });
  assert.deepEqual(
    [zarrayOf(served).chunks, served["v/1.0"]],
    [[6, 5], ["1/0"]],
    "the node pads chunks of its own grid",
  );
});

test("what is no byte range comes from the node, or is left out by name", async () => {
  const url = new URL("memory:///raw");
  const codecs = [{ name: "bytes" }, { name: "zlib" }];
  const dataset = variable({ codecs }, ([c]) => ({
    url,
    offset: 0,
    length: 9,
    ...(c === 1 ? { codecs: codecs.slice(0, 1) } : {}),
  }));
  const served = await refsOf(dataset, {
    ...straight,
    chunkHref: (name, chunk) => `https://node/${name}/${chunk.join(".")}`,
  });
  assert.deepEqual([served["v/0"], served["v/1"]], [[url.href, 0, 9], ["https://node/v/1"]]);
  const omitted: string[] = [];
  const left = await refsOf(dataset, { ...straight, onOmitted: (name) => omitted.push(name) });
  assert.equal(left["v/.zarray"], undefined);
  assert.deepEqual(omitted, ["v"]);
  const unreachable = await refsOf(dataset, { href: () => undefined, chunkHref: (_, [c]) => `https://node/${c}` });
  assert.deepEqual(unreachable["v/0"], ["https://node/0"]);
});

test("without a node small variables that must be computed are written into the references", async () => {
  const computed = (shape: number): Dataset => {
    const dataset = variable({ shape: [shape] }, () => undefined);
    const read: Variable["read"] = async () => assert.fail("values are asked for as chunks");
    return { ...dataset, variables: new Map([["v", { ...dataset.variables.get("v")!, read }]]) };
  };
  const raw: KerchunkOptions["raw"] = async (_, [c]) => (c === 0 ? Uint8Array.of(1, 0, 2, 0) : undefined);
  const refs = await refsOf(computed(4), { ...straight, raw });
  assert.equal(refs["v/0"], `base64:${Buffer.from([1, 0, 2, 0]).toString("base64")}`);
  assert.equal(refs["v/1"], undefined, "never written");
  assert.equal(zarrayOf(refs).fill_value, -1);
  const omitted: string[] = [];
  await refsOf(computed(4_000_000), { ...straight, raw, onOmitted: (name) => omitted.push(name) });
  assert.deepEqual(omitted, ["v"], "too large to be written");
});

test("fill_value is stated where chunks are missing", async () => {
  const chunk = { inline: new Uint8Array(4) };
  assert.equal(zarrayOf(await refsOf(variable({}, () => chunk))).fill_value, null);
  assert.equal(zarrayOf(await refsOf(variable({}, ([c]) => (c === 0 ? chunk : undefined)))).fill_value, -1);
});

test("large sets are sent in pieces and can be stopped", async () => {
  const url = new URL("memory:///raw");
  const dataset = variable({ shape: [20_000], chunks: [1] }, ([c]) => ({ url, offset: c! * 2, length: 2 }));
  let pieces = 0;
  for await (const piece of kerchunkJson(dataset, straight)) {
    assert.ok(piece.byteLength < 100_000);
    pieces++;
  }
  assert.ok(pieces > 5);
  const stop = new AbortController();
  await assert.rejects(async () => {
    for await (const _ of kerchunkJson(dataset, { ...straight, signal: stop.signal })) stop.abort();
  }, /abort/i);
});
