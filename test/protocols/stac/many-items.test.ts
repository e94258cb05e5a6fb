import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { item } from "../../contract/catalog/node.ts";
import { idsOf, linkOf, ROOT, type StacNode, stacNode, suiteEnding } from "./node.ts";

suite("STAC search of many items", () => {
  const ending = suiteEnding();
  let node: StacNode;
  before(async () => {
    node = await stacNode(ending);
    for (let at = 0; at < 20_000; at += 2500) {
      await node.publish(Array.from({ length: 2500 }, (_, i) => item(`m-${at + i}`, { properties: { n: at + i } })));
    }
  });
  const open = async (): Promise<number> => {
    const [row] = await node.pool.query<{ open: number }>(
      "select count(*) as open from pg_stat_activity where datname = current_database() and state = 'idle in transaction'",
    );
    return row?.open ?? 0;
  };
  const none = async (): Promise<void> => {
    for (let tries = 0; tries < 10_000 && (await open()) > 0; tries++) await setImmediate();
    assert.equal(await open(), 0);
  };

  test("20,000 items stream while only some of them are in memory", async () => {
    const { body } = await node.fetch(new Request(`${ROOT}/stac/search?f=ndjson`));
    let lines = 0;
    let largest = 0;
    for await (const part of body as ReadableStream<Uint8Array>) {
      largest = Math.max(largest, part.byteLength);
      lines += part.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0);
    }
    assert.equal(lines, 20_000);
    assert.ok(largest < 1 << 20, `a part of ${largest} bytes`);
    await none();
  });

  test("a client that leaves early leaves no cursor behind, having read or not", async () => {
    for (const reads of [0, 1, 3]) {
      for (const form of ["ndjson", "geoparquet"]) {
        const { body } = await node.fetch(new Request(`${ROOT}/stac/search?f=${form}&filter=n%3C6000`));
        const reader = (body as ReadableStream<Uint8Array>).getReader();
        for (let i = 0; i < reads; i++) await reader.read();
        assert.equal(await open(), 1, "it is being read");
        await reader.cancel();
        await none();
      }
    }
  });

  test("pages neither skip nor repeat what stays while items are written", async () => {
    const staying = new Set(Array.from({ length: 400 }, (_, i) => `m-${i * 2}`));
    const seen: string[] = [];
    let { body: page } = await node.ask("/stac/search?limit=70&filter=n%3C800%20or%20fresh%3Dtrue");
    for (let round = 0; ; round++) {
      seen.push(...idsOf(page));
      const next = linkOf(page, "next");
      if (next === undefined) break;
      const removed = 2 * round * 30 + 1;
      if (removed < 800)
        assert.equal((await node.send("DELETE", `/stac/collections/c/items/m-${removed}`)).status, 200);
      await node.publish([item(`fresh-${round}`, { properties: { fresh: true } })]);
      page = (await node.ask(next.href)).body;
    }
    assert.equal(new Set(seen).size, seen.length, "none twice");
    const found = new Set(seen);
    assert.deepEqual(
      [...staying].filter((id) => !found.has(id)),
      [],
    );
  });
});
