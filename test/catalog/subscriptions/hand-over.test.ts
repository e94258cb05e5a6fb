import assert from "node:assert/strict";
import { test } from "node:test";
import { Filling } from "../../../src/catalog/subscriptions/filling.ts";
import { Keyring } from "../../../src/catalog/subscriptions/keyring.ts";
import { SubscriptionStore } from "../../../src/catalog/subscriptions/store.ts";
import { ALL_TOPICS } from "../../../src/core/topic.ts";
import type { Pool } from "../../../src/db/database.ts";
import type { Projection } from "../../../src/log/projection.ts";
import { CALL, item, post } from "../../contract/catalog/node.ts";
import { KEY, parse, tellingNode } from "./node.ts";

/** Until some transaction of the schema's tables waits for another. */
async function waits(pool: Pool): Promise<"waits"> {
  for (;;) {
    const rows = await pool.query(
      `select 1 from pg_stat_activity where application_name = current_setting('application_name')
        and wait_event_type = 'Lock' and query like '%consumer_position%for update'`,
    );
    if (rows.length > 0) return "waits";
  }
}

test("a batch that is under way when the past has come up to it is told by the one or the other", async (t) => {
  const node = await tellingNode(t);
  const filling = new Filling(node.pool, [{ consumer: "catalog", log: node.log, topics: ALL_TOPICS }], parse);
  const store = new SubscriptionStore(node.pool, new Keyring([KEY]));
  let [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  gate.resolve();
  /** Everything of a batch is done, but for the commit. */
  const gated = (inner: Projection): Projection => ({
    ...inner,
    async apply(messages, tx) {
      const failures = await inner.apply(messages, tx);
      entered.resolve();
      await gate.promise;
      return failures;
    },
  });
  const following = node.follow(gated);
  await node.append([post(item("a"))], ["e1"]);
  await node.applied(following);
  const { id } = await store.create({ search: {}, target: { type: "sse" }, since: {} }, CALL);
  [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await node.append([post(item("b"))], ["e2"]);
  await entered.promise;
  assert.equal(await filling.step(id, CALL), "more");
  const last = filling.step(id, CALL);
  const first = await Promise.race([last, waits(node.pool)]);
  gate.resolve();
  assert.equal(first, "waits");
  assert.equal(await last, "live");
  await node.append([post(item("c"))], ["e3"]);
  await node.applied(following);
  const told = await store.waiting(id, 0, 10);
  assert.deepEqual(
    told.map(({ sequence, event_id }) => [sequence, event_id]),
    [
      [1, "e1"],
      [2, "e2"],
      [3, "e3"],
    ],
  );
});
