import assert from "node:assert/strict";
import { test } from "node:test";
import { testDatabase } from "../services/postgres.ts";
import { CALL, changeOf, item, post, testNode } from "./node.ts";

test("thin", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const node = testNode(pool);
  t.after(() => node.close());
  const [status] = await node.writes.accept([changeOf(post(item("a")))], CALL);
  assert.equal(status?.status, "pending");
  assert.deepEqual(await node.ids({}), []);
  assert.deepEqual(await node.apply(), []);
  assert.deepEqual(await node.ids({}), ["a"]);
  assert.equal((await node.writes.settled(status!.event_id, 5000, CALL))?.status, "applied");
  await node.publish({ method: "PUT", collection_id: "c", item_id: "a", item: item("a", { properties: { x: 1 } }) });
  await node.publish({ method: "PATCH", collection_id: "c", item_id: "a", patch: { properties: { y: [2] } } });
  const stored = await node.catalog.item("c", "a", CALL);
  assert.deepEqual(stored?.document, item("a", { properties: { x: 1, y: [2] } }));
  console.log((await node.catalog.collection("c", CALL))?.document, await node.catalog.queryables("c", CALL));
  console.log(
    await node.catalog.aggregate(
      { limit: 1 },
      [
        "total_count",
        "datetime_min",
        "datetime_frequency",
        "x_frequency",
        "collection_frequency",
        "grid_geohash_frequency",
        "grid_geotile_frequency",
      ].map((name) => ({ name })),
      CALL,
    ),
  );
  await node.publish({ method: "DELETE", collection_id: "c", item_id: "a" });
  assert.deepEqual(await node.ids({}), []);
  assert.equal(await node.catalog.collection("c", CALL), undefined);
});
