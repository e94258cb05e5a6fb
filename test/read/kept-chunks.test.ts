import assert from "node:assert/strict";
import { test } from "node:test";
import type { RawChunk } from "../../src/core/access.ts";
import type { ChunkRef } from "../../src/core/array.ts";
import type { ReadOptions } from "../../src/files/files.ts";
import { createCache } from "../../src/read/cache.ts";
import { KeptChunks } from "../../src/read/kept-chunks.ts";

const NEAR = new URL("file:///archive/a.nc");
const FAR = new URL("https://archive.example/a.nc");

function setUp(maxBytes = 4000) {
  const cache = createCache<RawChunk>(maxBytes);
  const chunks = new KeptChunks(cache);
  let reads = 0;
  const fetch = async ({ into }: ReadOptions): Promise<Uint8Array> => {
    reads++;
    const bytes = into?.(100).subarray(0, 100) ?? new Uint8Array(100);
    return bytes.fill(reads);
  };
  const ask = (ref: ChunkRef): Promise<RawChunk> => chunks.read(ref, fetch);
  return { cache, ask, reads: () => reads };
}

const at = (url: URL, offset = 0, etag: string | null = '"1"'): ChunkRef => ({
  url,
  offset,
  length: 100,
  ...(etag === null ? {} : { etag }),
});

test("a chunk of a local file is kept when it is asked for a second time", async () => {
  const { cache, ask, reads } = setUp();
  const first = await ask(at(NEAR));
  assert.equal(first.kept, undefined);
  assert.equal(cache.bytes, 0);
  const second = await ask(at(NEAR));
  const third = await ask(at(NEAR));
  assert.equal(third, second);
  assert.equal(cache.find(third.kept!.key), third);
  assert.deepEqual([reads(), cache.bytes, third.release], [2, 100, undefined]);
  assert.equal((await ask(at(NEAR, 0, '"2"'))).bytes[0], 3, "another version is another chunk");
});

test("memory of a chunk that is not kept is used again when it is given back, and not before", async () => {
  const { ask } = setUp();
  const [a, b] = [await ask(at(NEAR, 100)), await ask(at(NEAR, 200))];
  assert.notEqual(a.bytes.buffer, b.bytes.buffer);
  a.release!();
  const c = await ask(at(NEAR, 300));
  assert.equal(c.bytes.buffer, a.bytes.buffer);
  assert.deepEqual([b.bytes[99], c.bytes[99]], [2, 3]);
});

test("a chunk from far away is kept at once, and fetched once for all who ask together", async () => {
  const { ask, reads } = setUp();
  const both = await Promise.all([ask(at(FAR)), ask(at(FAR))]);
  assert.equal(both[0], both[1]);
  assert.equal(await ask(at(FAR)), both[0]);
  assert.equal(reads(), 1);
});

test("what has no tag, or is too large, is read each time", async () => {
  const { cache, ask, reads } = setUp(399);
  for (let i = 0; i < 3; i++) {
    assert.equal((await ask(at(FAR, 0, null))).kept, undefined);
    assert.equal((await ask(at(NEAR))).kept, undefined);
    assert.equal((await ask({ inline: new Uint8Array(1) })).kept, undefined);
  }
  assert.deepEqual([reads(), cache.bytes], [9, 0]);
});

test("whoever walks in circles that are wider than the cache displaces nothing", async () => {
  const { cache, ask, reads } = setUp(1000);
  for (let i = 0; i < 2; i++) await ask(at(FAR));
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 30; n++) (await ask(at(NEAR, n * 100))).release?.();
  }
  assert.equal(cache.bytes, 100);
  const before = reads();
  await ask(at(FAR));
  assert.equal(reads(), before);
});

test("what is made of a local chunk is lent the first time, and kept the second", async () => {
  const cache = createCache<RawChunk>(4000);
  const chunks = new KeptChunks(cache);
  const make = async ({ into }: ReadOptions): Promise<Uint8Array> =>
    (into?.(100) ?? new Uint8Array(100)).subarray(0, 100);
  const first = await chunks.made("a", 400, true, make);
  assert.deepEqual([first.source, typeof first.release, cache.bytes], ["recoded", "function", 0]);
  const second = await chunks.made("a", 400, true, make);
  assert.deepEqual([second.source, second.release, cache.bytes], ["recoded", undefined, 100]);
  assert.equal(await chunks.made("a", 400, true, make), second);
  assert.equal((await chunks.made("far", 400, false, make)).release, undefined);
});
