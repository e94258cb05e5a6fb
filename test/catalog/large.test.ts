import assert from "node:assert/strict";
import { test } from "node:test";
import type { Search } from "../../src/catalog/catalog.ts";
import { createCatalog } from "../../src/catalog/postgres-catalog.ts";
import { Counting } from "../../src/catalog/search/counting.ts";
import { createRandom } from "../../src/core/random.ts";
import type { StacItem } from "../../src/core/stac.ts";
import type { Pool } from "../../src/db/database.ts";
import { box, CALL, item, post, testNode } from "../contract/catalog/node.ts";
import { testDatabase } from "../services/postgres.ts";

type Box = readonly [number, number, number, number];

const WORLD: Box = [-180, -90, 180, 90];
const TRIANGLE = {
  type: "Polygon",
  coordinates: [
    [
      [-150, -80],
      [150, -80],
      [-150, 80],
      [-150, -80],
    ],
  ],
} as const;

/** Boxes of all sizes, one in three as wide as a continent at least, some triangles, some without a place. */
function items(count: number): { readonly document: StacItem; readonly box: Box | undefined }[] {
  const random = createRandom(5, "large");
  return Array.from({ length: count }, (_, i) => {
    if (i % 10 === 0) return { document: item(`none-${i}`, { geometry: null }), box: undefined };
    const width = i % 3 === 0 ? 80 + random() * 100 : random() * 20;
    const west = -180 + random() * (360 - width);
    const south = -90 + random() * (180 - width);
    const at: Box = i % 6 === 0 ? WORLD : [west, south, west + width, south + width];
    return { document: item(`i${i}`, { geometry: box(...at), collection: i % 2 === 0 ? "a" : "b" }), box: at };
  });
}

test("what is wide and what is near is found and counted together", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const node = testNode(pool);
  t.after(() => node.close());
  const all = items(300);
  await node.publish(...all.map(({ document }) => post(document)), post(item("t", { geometry: TRIANGLE })));
  const random = createRandom(6, "asked");
  for (let round = 0; round < 40; round++) {
    const [west, south, size] = [-180 + random() * 320, -90 + random() * 150, random() * 30];
    const asked: Box = [west, south, west + size, south + size];
    const meets = (at: Box | undefined): boolean =>
      at !== undefined && at[0] <= asked[2] && at[2] >= asked[0] && at[1] <= asked[3] && at[3] >= asked[1];
    const met = all.filter((one) => meets(one.box)).map(({ document }) => document);
    // The triangle's sides: x = -150, y = -80, and 8 x + 15 y = 0 between its other corners.
    const corner = 8 * Math.max(west, -150) + 15 * Math.max(south, -80);
    const inTriangle = asked[2] >= -150 && asked[3] >= -80 && corner <= 0;
    const expected = [...met.map(({ id }) => id), ...(inTriangle ? ["t"] : [])].sort();
    const polygon = box(...asked);
    for (const where of [{ bbox: asked }, { intersects: polygon }] satisfies Partial<Search>[]) {
      assert.deepEqual((await node.ids(where)).sort(), expected, JSON.stringify(asked));
      // An order that no index has.
      const byId = { ...where, sortby: [{ field: "nothing", direction: "asc" }] } as const;
      assert.deepEqual((await node.ids(byId)).sort(), expected);
      const { matched } = await node.catalog.search({ ...where, limit: 1 }, CALL);
      assert.equal(matched, expected.length);
      const streamed = await Array.fromAsync(node.catalog.stream({ ...where, limit: 1 }, CALL));
      assert.equal(streamed.flat().length, expected.length);
      const [result] = await node.catalog.aggregate(
        { ...where, collections: ["a"], limit: 1 },
        [{ name: "collection_frequency" }],
        CALL,
      );
      const ofA = met.filter(({ collection }) => collection === "a").length;
      assert.equal(result?.buckets?.[0]?.frequency ?? 0, ofA);
    }
  }
});

test("in a large catalogue whoever asks for one item is told how many there are, and a page is right or says nothing", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const node = testNode(pool);
  t.after(() => node.close());
  await node.publish(...items(300).map(({ document }) => post(document)));
  const large = createCatalog(pool, { largeItems: 0, countMs: 60_000 });
  const search = { bbox: WORLD, collections: ["a"] };
  const { matched } = await large.search({ ...search, limit: 1 }, CALL);
  assert.equal(matched, (await node.ids(search)).length);
  for (let round = 0; round < 5; round++) {
    const page = await large.search({ ...search, limit: 10 }, CALL);
    assert.equal(page.entries.length, 10);
    assert.ok(page.matched === undefined || page.matched === matched);
  }
});

/** Ends the statement that waits for a lock, as its time limit would: a limit short enough to wait for ends others too. */
async function cancelWaiting(pool: Pool): Promise<void> {
  const waiting = "application_name = current_setting('application_name') and wait_event_type = 'Lock'";
  while ((await pool.query(`select pg_cancel_backend(pid) from pg_stat_activity where ${waiting}`)).length === 0);
}

test("in a large catalogue a kind of search that took long to count is left alone for its next twenty pages", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const node = testNode(pool);
  t.after(() => node.close());
  await node.publish(...items(30).map(({ document }) => post(document)));
  const counting = new Counting(pool, { largeItems: -1, briefMs: 60_000 });
  const [slow, other] = [
    { bbox: WORLD, limit: 10 },
    { q: [["x"]], limit: 10 },
  ];
  await pool.transaction(async (tx) => {
    await tx.query("lock table item in access exclusive mode");
    const counted = counting.count(slow, CALL);
    await cancelWaiting(pool);
    assert.equal(await counted, undefined);
  });
  for (let page = 0; page < 20; page++) assert.equal(await counting.count(slow, CALL), undefined, `page ${page}`);
  assert.equal(await counting.count(other, CALL), 0);
  assert.equal(await counting.count(slow, CALL), 27);
});
