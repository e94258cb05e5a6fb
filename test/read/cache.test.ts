import assert from "node:assert/strict";
import { test } from "node:test";
import { createCache } from "../../src/read/cache.ts";

test("concurrent callers share one piece of work, and failures are not kept", async () => {
  const cache = createCache<number>(1000);
  let made = 0;
  const make = async () => ({ value: ++made, bytes: 10 });
  assert.deepEqual(await Promise.all([cache.get("a", make), cache.get("a", make)]), [1, 1]);
  assert.equal(await cache.get("a", make), 1);
  await assert.rejects(
    cache.get("b", async () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await cache.get("b", make), 2);
});

test("the least recently used entries leave when the bytes are full; oversized ones never enter", async () => {
  const cache = createCache<string>(100);
  const get = (key: string, bytes = 25) => cache.get(key, async () => ({ value: key, bytes }));
  for (const key of ["a", "b", "c", "d"]) await get(key);
  await get("a");
  await get("e");
  assert.equal(cache.bytes, 100);
  const remade: string[] = [];
  for (const key of ["a", "c", "b"]) {
    await cache.get(key, async () => {
      remade.push(key);
      return { value: key, bytes: 0 };
    });
  }
  assert.deepEqual(remade, ["b"]);
  await get("huge", 26);
  assert.equal(cache.bytes, 100);
});
