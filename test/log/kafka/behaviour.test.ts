import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Producer } from "@platformatic/kafka";
import { topicFilter } from "../../../src/core/topic.ts";
import { isGyreError } from "../../../src/errors.ts";
import { BEGINNING } from "../../../src/log/event-log.ts";
import { createKafkaLog, type KafkaLog } from "../../../src/log/kafka.ts";
import { startKafka } from "../../services/kafka.ts";
import { CALL, history, message } from "./support.ts";

const kafka = await startKafka();
const brokers = kafka.unavailable === undefined ? kafka.brokers : [];

describe("the log on Kafka", { skip: kafka.unavailable ?? false }, () => {
  const logs: KafkaLog[] = [];
  let made = 0;
  const open = (options: Partial<Parameters<typeof createKafkaLog>[0]> = {}): KafkaLog => {
    const log = createKafkaLog({ brokers, topics: { mode: "one", name: `t${made++}` }, ...options });
    logs.push(log);
    return log;
  };
  after(async () => {
    await Promise.all(logs.map((log) => log.close()));
    if (kafka.unavailable === undefined) await kafka.stop();
  });

  test("names the broker's release", async (t) => {
    const log = open();
    assert.equal(log.system, "Apache Kafka");
    await log.heads(CALL);
    assert.match(log.system, /^Apache Kafka 4\.\d/);
    t.diagnostic(log.system);
  });

  test("repeats of this process are not written again", async () => {
    const log = open();
    const first = await log.append([message("1"), message("2")], CALL);
    const again = await log.append([message("2"), message("3"), message("1")], CALL);
    assert.deepEqual(
      again.map(({ isRepeat }) => isRepeat),
      [true, false, true],
    );
    assert.deepEqual([again[2]?.offset, again[0]?.offset], [first[0]?.offset, first[1]?.offset]);
    const together = await Promise.all(Array.from({ length: 20 }, () => log.append([message("4")], CALL)));
    assert.equal(together.flat().filter(({ isRepeat }) => !isRepeat).length, 1);
    assert.deepEqual(
      (await history(log)).map(({ id }) => id),
      ["1", "2", "3", "4"],
    );
  });

  test("a message of 1 MB, and of 10, among small ones", async () => {
    const log = open();
    const large = [1, 10].map((megabytes) => Buffer.alloc(megabytes * 1024 * 1024, `${megabytes} `));
    const batch = [message("a"), message("b", { value: large[0]! }), message("c"), message("d", { value: large[1]! })];
    await log.append(batch, CALL);
    const found = await history(log);
    assert.deepEqual(
      found.map(({ id, value }) => [id, value.length]),
      batch.map(({ id, value }) => [id, value.length]),
    );
    assert.ok(large[1]!.equals(found[3]!.value));
  });

  test("a broker that takes no such size says so, and what comes after is written", async () => {
    const log = open({ topicSettings: { "max.message.bytes": "2000" } });
    const tooLarge = log.append([message("1", { value: new Uint8Array(3000) })], CALL);
    const behind = log.append([message("2")], CALL);
    await assert.rejects(tooLarge, (error) => isGyreError(error, "TooLarge"));
    assert.equal((await behind)[0]?.isRepeat, false);
    assert.deepEqual(
      (await history(log)).map(({ id }) => id),
      ["2"],
    );
  });

  test("a topic that is new is found when the list is asked for again, by the clock that was given", async () => {
    let now = 0;
    const topics = { mode: "each", prefix: "clock." } as const;
    const [log, other] = [open({ topics, now: () => now, refreshMs: 30_000 }), open({ topics })];
    await other.append([message("0", { topic: "CMIP6.historical.A" })], CALL);
    const stop = new AbortController();
    const found: string[] = [];
    const call = { ...CALL, signal: stop.signal };
    const filter = topicFilter(".*\\.historical\\..*");
    for await (const { messages } of log.read({ from: BEGINNING, live: true, topics: filter }, call)) {
      found.push(...messages.map(({ id }) => id));
      if (found.length === 1) {
        await other.append([message("unseen", { topic: "CMIP6.ssp245.A" })], CALL);
        await other.append([message("new", { topic: "CMIP6.historical.B" })], CALL);
        await other.append([message("marker")], CALL);
      }
      // The marker is younger than what lies in the new topic, which is not known yet.
      if (found.length === 2) now += 30_000;
      if (found.length === 3) stop.abort();
    }
    assert.deepEqual(found, ["0", "marker", "new"]);
  });

  test("a filter that is widened finds the topics it had left out from their beginning", async () => {
    const log = open({ topics: { mode: "each", prefix: "widened." } });
    await log.append([message("1"), message("2", { topic: "CMIP6.ssp245.A" })], CALL);
    let at = BEGINNING;
    for await (const { next } of log.read({ from: at, topics: topicFilter("CMIP6\\.historical.*") }, CALL)) at = next;
    assert.deepEqual(
      (await history(log, { from: at })).map(({ id }) => id),
      ["2"],
    );
  });

  test("a reader behind what retention has left goes on at the first that is kept", async () => {
    const log = open({ topics: { mode: "one", name: "retained", partitions: 1 } });
    await log.append([message("1"), message("2")], CALL);
    await log.retain(new Date(Date.now() + 60_000), CALL);
    await log.append([message("3")], CALL);
    assert.deepEqual(await log.tails(CALL), { "retained:0": 2 });
    assert.deepEqual(
      (await history(log, { from: { "retained:0": 1 } })).map(({ id }) => id),
      ["3"],
    );
  });

  test("a live reader that retention overtakes goes on at the first that is kept", async () => {
    const log = open({ topics: { mode: "one", name: "overtaken", partitions: 1 } });
    const stop = new AbortController();
    await log.append([message("0")], CALL);
    const found: string[] = [];
    for await (const { messages } of log.read({ from: BEGINNING, live: true }, { ...CALL, signal: stop.signal })) {
      found.push(...messages.map(({ id }) => id));
      if (found.length === 1) {
        await log.append([message("1"), message("2")], CALL);
        await log.retain(new Date(Date.now() + 60_000), CALL);
        await log.append([message("3")], CALL);
      }
      if (found.at(-1) === "3") stop.abort();
    }
    assert.deepEqual([found[0], found.at(-1)], ["0", "3"]);
  });

  test("a position behind the end is of another log, and refused", async () => {
    const log = open({ topics: { mode: "one", name: "short", partitions: 1 } });
    await log.append([message("1")], CALL);
    for (const live of [false, true]) {
      const reading = Array.fromAsync(log.read({ from: { "short:0": 9 }, live }, CALL));
      await assert.rejects(reading, (error) => isGyreError(error, "BadSource") && /short:0/.test(error.message));
    }
  });

  test("what a transaction took back is never read, what it kept is", async () => {
    const log = open({ topics: { mode: "one", name: "transactions", partitions: 1 } });
    await log.append([message("before")], CALL);
    const foreign = new Producer({ clientId: "test", bootstrapBrokers: [...brokers], idempotent: true, retries: 60 });
    const settle = async (end: "commit" | "abort"): Promise<void> => {
      const transaction = await foreign.beginTransaction({});
      const messages = [{ topic: "transactions", partition: 0, key: Buffer.from(end), value: Buffer.from(end) }];
      await transaction.send({ messages });
      await transaction[end]();
    };
    for (const end of ["abort", "commit", "abort", "abort", "commit"] as const) await settle(end);
    await foreign.close();
    await log.append([message("after")], CALL);
    // The broker answers before it has marked the end in the partition, and nothing behind that is read meanwhile.
    for await (const { messages } of log.read({ from: BEGINNING, live: true }, CALL))
      if (messages.some(({ id }) => id === "after")) break;
    const found = await history(log);
    assert.deepEqual(
      found.map(({ id, key }) => id || key),
      ["before", "commit", "commit", "after"],
    );
  });

  test("names that only Kafka cannot have are refused where they would be topics of the broker", async () => {
    const log = open({ topics: { mode: "each" } });
    await assert.rejects(log.append([message("1", { topic: "__state" })], CALL), (error) =>
      isGyreError(error, "BadRequest"),
    );
    assert.throws(
      () => open({ topics: { mode: "one", name: "a b" } }),
      (error) => isGyreError(error, "BadRequest"),
    );
  });

  test("a topic that the broker refuses is the trouble of its own messages", async () => {
    const log = open({ topics: { mode: "each", prefix: "refused." } });
    await log.append([message("1", { topic: "CMIP6.a_b.C" })], CALL);
    // For Kafka it is the same as the first, since both are one name among its metrics.
    const refused = log.append([message("2", { topic: "CMIP6.a.b_C" })], CALL);
    const beside = log.append([message("3", { topic: "CMIP6.historical.C" })], CALL);
    await assert.rejects(refused, (error) => isGyreError(error, "BadRequest") && /collide/.test(error.message));
    assert.equal((await beside)[0]?.isRepeat, false);
    const one = log.append([message("4", { topic: "CMIP6.a.b_C" })], CALL);
    const many = log.append(
      ["5", "6", "7"].map((id) => message(id, { topic: `CMIP6.ssp${id}.C` })),
      CALL,
    );
    await assert.rejects(one, (error) => isGyreError(error, "BadRequest"));
    assert.equal((await many).length, 3);
    assert.deepEqual((await history(log)).map(({ id }) => id).sort(), ["1", "3", "5", "6", "7"]);
  });

  test("a log that was closed refuses, and its readers end", async () => {
    const log = open();
    await log.append([message("1")], CALL);
    const reading = Array.fromAsync(log.read({ from: await log.heads(CALL), live: true }, CALL));
    await log.close();
    assert.deepEqual(await reading, []);
    const isBusy = (error: unknown): boolean => isGyreError(error, "Busy");
    await assert.rejects(log.append([message("2")], CALL), isBusy);
    await assert.rejects(log.heads(CALL), isBusy);
    await assert.rejects(history(log), isBusy);
  });
});
