import assert from "node:assert/strict";
import { test } from "node:test";
import type { ArraySpec, Variable } from "../../src/core/array.ts";
import { isGyreError } from "../../src/errors.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { decodedChunk, rawChunk } from "../../src/read/chunk.ts";
import { decoder } from "./cube/memory.ts";

const FILE = new URL("memory:///x.bin");
const files = createMemoryFiles([[FILE.href, Uint8Array.of(1, 2, 3, 4, 5, 6)]]);
const reader = { files, decoder };

/** A chunk of 3 by 3 bytes of an array that ends within it, stored with the part that there is. */
function cut(shape: readonly [number, number], length = shape[0] * shape[1]): Variable {
  const spec: ArraySpec = {
    dtype: "uint8",
    dims: ["y", "x"],
    shape,
    chunks: [3, 3],
    codecs: [{ name: "bytes" }],
    fill: 9,
    attrs: new Map(),
  };
  return { name: "v", spec, locate: async () => ({ url: FILE, offset: 0, length, shape }) };
}

test("a chunk that is stored cut goes out whole: rows behind it, or filled where rows are short", async () => {
  const fewRows = (await rawChunk(reader, cut([2, 3]), [0, 0]))!;
  assert.deepEqual([fewRows.source, [...fewRows.bytes]], ["raw", [1, 2, 3, 4, 5, 6, 0, 0, 0]]);
  const shortRows = (await rawChunk(reader, cut([3, 2]), [0, 0]))!;
  assert.deepEqual([shortRows.source, [...shortRows.bytes]], ["recoded", [1, 2, 9, 3, 4, 9, 5, 6, 9]]);
  for (const shape of [
    [2, 3],
    [3, 2],
  ] as const) {
    const { data } = await decodedChunk(reader, cut(shape), [0, 0]);
    assert.deepEqual([...(data as Uint8Array)], [1, 2, 3, 4, 5, 6]);
  }
});

test("a chunk that ends behind its file is the file's fault, never a short answer", async () => {
  const isCutOff = (error: unknown): boolean => isGyreError(error, "BadSource") && /cut off/.test(error.message);
  await assert.rejects(rawChunk(reader, cut([3, 3], 9), [0, 0]), isCutOff);
  await assert.rejects(decodedChunk(reader, cut([3, 3], 9), [0, 0]), isCutOff);
  assert.equal(await rawChunk(reader, cut([3, 3]), [1, 0]), undefined);
});
