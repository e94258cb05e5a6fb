import assert from "node:assert/strict";
import { test } from "node:test";
import { consumerLags, lagByTopic } from "../../src/log/lag.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { testDatabase } from "../services/postgres.ts";
import { counting, createEffects } from "./effects.ts";
import { CALL, messages, startFollowing } from "./following.ts";

test("the distance of a consumer is told while nobody follows", async (t) => {
  const db = await testDatabase(t, { migrations: ["node"] });
  await createEffects(db);
  const log = createMemoryLog({ partitions: 3 });
  assert.deepEqual(await consumerLags(log, db, CALL), []);
  await log.append(messages(20), CALL);
  const following = startFollowing(t, { log, db, projection: counting({ name: "catalog", topics: "CMIP6\\..*" }) });
  await following.until(({ applied }) => applied === 20);
  await following.stop();

  const other = messages(7, "other", { topic: "CMIP6.ssp245.A" });
  await log.append([...other, ...messages(5, "foreign", { topic: "S2" }), ...messages(2, "n")], CALL);
  const [found] = await consumerLags(log, db, CALL);
  assert.equal(found?.consumer, "catalog");
  assert.equal(found.lag, 14);
  assert.deepEqual(
    found.partitions.map(({ partition, owner, isBackfilling }) => [partition, owner, isBackfilling]),
    ["0", "1", "2"].map((partition) => [partition, null, false]),
  );
  const { topics, isMore } = await lagByTopic(log, found, CALL);
  assert.deepEqual(Object.fromEntries(topics), { "CMIP6.ssp245.A": 7, "CMIP6.historical.A": 2 });
  assert.equal(isMore, false);
});
