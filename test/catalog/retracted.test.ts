import assert from "node:assert/strict";
import { test } from "node:test";
import { retractedAmong } from "../../src/catalog/retracted.ts";
import { item, post, testNode } from "../contract/catalog/node.ts";
import { testDatabase } from "../services/postgres.ts";

test("an id is retracted when all its items are, also where nobody may see them", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const node = testNode(pool);
  const retracted = { properties: { retracted: true } };
  await node.publish(
    post(item("gone", retracted)),
    post(item("gone", { ...retracted, collection: "hidden" })),
    post(item("half", retracted)),
    post(item("half", { collection: "d" })),
    post(item("said", { properties: { retracted: "true" } })),
    post(item("there")),
  );
  await pool.query("update collection set readers = '{nobody}' where id = 'hidden'");
  const found = await retractedAmong(pool, ["there", "said", "half", "gone", "nothing"]);
  assert.deepEqual([...found], ["gone"]);
  assert.equal((await retractedAmong(pool, [])).size, 0);
  await node.close();
});
