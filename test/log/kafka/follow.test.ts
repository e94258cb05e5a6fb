import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { ERROR_TOPIC, topicFilter } from "../../../src/core/topic.ts";
import type { Pool } from "../../../src/db/database.ts";
import { createKafkaLog, type KafkaLog, type KafkaOptions } from "../../../src/log/kafka.ts";
import { startKafka } from "../../services/kafka.ts";
import { type Ending, testDatabase } from "../../services/postgres.ts";
import { counting, createEffects, effectsOf } from "../effects.ts";
import { messageOf, messages, startFollowing } from "../following.ts";
import { CALL, history } from "./support.ts";

const kafka = await startKafka();

describe("followers of a log on Kafka", { skip: kafka.unavailable ?? false }, () => {
  if (kafka.unavailable !== undefined) return;
  const { brokers } = kafka;
  after(() => kafka.stop());

  const open = (t: Ending, topics: NonNullable<KafkaOptions["topics"]>): KafkaLog => {
    const log = createKafkaLog({ brokers, topics, refreshMs: 500, retries: 60 });
    t.after(() => log.close());
    return log;
  };
  const database = async (t: Ending): Promise<Pool> => {
    const db = await testDatabase(t, { migrations: ["node"], max: 12 });
    await createEffects(db);
    return db;
  };
  const assertOnce = async (db: Pool, count: number): Promise<void> => {
    const effects = await effectsOf(db);
    assert.deepEqual(
      effects.filter((effect) => effect.count !== 1),
      [],
    );
    assert.equal(effects.length, count);
  };
  const owns = (count: number) => (status: { readonly partitions: object }) =>
    Object.keys(status.partitions).length === count;

  test("of one name share the partitions, take over from one that ends, and outlive the broker", async (t) => {
    const db = await database(t);
    const topics = { mode: "one", name: "shared" } as const;
    const [log, ...logs] = Array.from({ length: 4 }, () => open(t, topics));
    const options = { db, projection: counting(), leaseMs: 2000, batch: 20 };
    const first = startFollowing(t, { ...options, log: logs[0]!, owner: "a" });
    await first.until(owns(8));
    const second = startFollowing(t, { ...options, log: logs[1]!, owner: "b" });
    await Promise.all([first.until(owns(4)), second.until(owns(4))]);
    await log!.append(messages(400), CALL);
    const third = startFollowing(t, { ...options, log: logs[2]!, owner: "c" });
    await third.until((status) => owns(2)(status) || owns(3)(status));
    await log!.append(messages(400, "n"), CALL);
    await first.stop();
    await kafka.restart();
    await log!.append(messages(400, "o"), CALL);
    await Promise.all([second.until(owns(4)), third.until(owns(4))]);
    await second.stop();
    const applied = (): number => [first, second, third].reduce((sum, one) => sum + one.status!.applied, 0);
    await third.until((status) => owns(8)(status) && status.lag === 0 && applied() === 1200);
    await third.stop();
    await assertOnce(db, 1200);
  });

  test("find topics that are made later, and tell of messages that cannot be applied", async (t) => {
    const db = await database(t);
    const log = open(t, { mode: "each", prefix: "later." });
    const following = startFollowing(t, { log, db, projection: counting() });
    await log.append(messages(20, "a", { topic: "CMIP6.historical.A" }), CALL);
    await following.until(({ applied }) => applied === 20);
    await log.append([...messages(20, "b", { topic: "CMIP6.ssp245.B" }), messageOf("bad", { value: "poison" })], CALL);
    await following.until(({ applied, failed }) => applied === 40 && failed === 1);
    await following.stop();
    await assertOnce(db, 40);
    assert.equal((await history(log, { topics: topicFilter(ERROR_TOPIC) })).length, 1);
  });
});
