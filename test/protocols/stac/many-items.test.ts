import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
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
  /** Until so many cursors are open. */
  const open = async (wanted: number): Promise<void> => {
    const cursors = `select count(*) as count from pg_stat_activity
      where application_name = current_setting('application_name') and query like '%gyre_cursor%'
        and pid <> pg_backend_pid() and xact_start is not null`;
    while ((await node.pool.query<{ count: number }>(cursors))[0]?.count !== wanted);
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
    await open(0);
  });

  test("a client that leaves early leaves no cursor behind, having read or not", async () => {
    for (const reads of [0, 1, 3]) {
      for (const form of ["ndjson", "geoparquet"]) {
        const { body } = await node.fetch(new Request(`${ROOT}/stac/search?f=${form}&filter=n%3C6000`));
        const reader = (body as ReadableStream<Uint8Array>).getReader();
        for (let i = 0; i < reads; i++) await reader.read();
        await open(1);
        await reader.cancel();
        await open(0);
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
