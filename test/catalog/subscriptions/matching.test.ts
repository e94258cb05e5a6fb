import assert from "node:assert/strict";
import { test } from "node:test";
import { documentsOf, matchesOf } from "../../../src/catalog/subscriptions/matching.ts";
import type { Json, StacItem } from "../../../src/core/stac.ts";
import { box, CALL, item, post, testNode } from "../../contract/catalog/node.ts";
import { testDatabase } from "../../services/postgres.ts";
import { parse } from "./node.ts";

const ITEMS: readonly StacItem[] = [
  item("plain"),
  item("words", { properties: { title: "Sea surface temperature", n: 3, tags: ["a", "b"] } }),
  item("far", { geometry: box(170, -10, 190, 10), properties: { n: 7 } }),
  item("point", { geometry: { type: "Point", coordinates: [5, 5, 1200] }, properties: { n: -1, tags: ["b"] } }),
  item("nowhere", {
    geometry: null,
    properties: { datetime: null, start_datetime: "1990-01-01T00:00:00Z", end_datetime: "1999-12-31T00:00:00Z" },
  }),
  item("else", {
    collection: "d",
    geometry: {
      type: "LineString",
      coordinates: [
        [20, 20],
        [30, 40],
      ],
    },
  }),
];

const SEARCHES: readonly { readonly [name: string]: Json }[] = [
  {},
  { collections: ["d"] },
  { ids: ["plain", "far"] },
  { bbox: [1, 1, 2, 2] },
  { bbox: [175, -5, -175, 5] },
  { bbox: [0, 0, 1000, 10, 10, 2000] },
  { bbox: [22, 38, 23, 39] },
  { intersects: { type: "Point", coordinates: [5, 5] } },
  {
    intersects: {
      type: "Polygon",
      coordinates: [
        [
          [4, 4],
          [6, 4],
          [5, 6],
          [4, 4],
        ],
      ],
    },
  },
  { datetime: "2020-01-01T00:00:00Z" },
  { datetime: "1995-01-01T00:00:00Z/.." },
  { datetime: "../1991-01-01T00:00:00Z" },
  { q: ["surface"] },
  { q: ["nothing of it"] },
  { filter: "n > 2 AND title LIKE 'Sea%'" },
  { filter: "NOT (n > 2)" },
  { filter: "n IS NULL" },
  { filter: "A_OVERLAPS(tags, ('b'))" },
  { filter: "S_INTERSECTS(geometry, POLYGON((4 4, 6 4, 5 6, 4 4)))" },
  { filter: "S_TOUCHES(geometry, POINT(20 20))" },
  { filter: "T_DURING(INTERVAL('1990-01-01', '1995-01-01'), INTERVAL('1989-01-01', '2000-01-01'))" },
  { query: { n: { gte: 3 } } },
];

test("a document matches a search exactly where the search finds it", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"], max: 3 });
  const node = testNode(pool);
  await node.publish(...ITEMS.map(post));
  // Of a schema in which none of them is stored.
  const empty = await testDatabase(t, { migrations: ["node"], max: 3 });
  const documents = documentsOf(ITEMS);
  let found = 0;
  for (const search of SEARCHES) {
    const expected = await node.ids({ ...parse(search), limit: 100 });
    const matches = await matchesOf(empty, documents, parse(search), CALL.who);
    assert.deepEqual([...matches].map(({ id }) => id).sort(), expected.sort(), JSON.stringify(search));
    found += expected.length;
  }
  assert.ok(found > SEARCHES.length, "most find something");
});

test("what a principal does not see does not match", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"], max: 3 });
  await testNode(pool).publish(post(item("plain")));
  await pool.query("update collection set readers = '{staff}'");
  const documents = documentsOf([item("plain")]);
  assert.equal((await matchesOf(pool, documents, parse({}), CALL.who)).size, 0);
  assert.equal((await matchesOf(pool, documents, parse({}), { subject: "s", roles: ["staff"] })).size, 1);
});
