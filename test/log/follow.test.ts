import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Clock } from "../../src/core/clock.ts";
import { ERROR_TOPIC, topicFilter } from "../../src/core/topic.ts";
import type { Database, Pool } from "../../src/db/database.ts";
import { GyreError } from "../../src/errors.ts";
import { decodeErrorEvent } from "../../src/log/error-event.ts";
import { BEGINNING, type EventLog } from "../../src/log/event-log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { createPostgresLog } from "../../src/log/postgres.ts";
import { type Ending, testDatabase } from "../services/postgres.ts";
import { counting, createEffects, effectsOf } from "./effects.ts";
import { CALL, fastClock, messageOf, messages, startFollowing } from "./following.ts";

async function createDatabase(t: Ending): Promise<Pool> {
  const db = await testDatabase(t, { migrations: ["log", "node"], max: 12 });
  await createEffects(db);
  return db;
}

async function errorsOf(log: EventLog) {
  const topics = topicFilter(ERROR_TOPIC);
  const batches = await Array.fromAsync(log.read({ from: BEGINNING, topics }, CALL));
  return batches.flatMap((batch) => batch.messages).map(({ value }) => decodeErrorEvent(value));
}

async function assertOnce(db: Database, count: number): Promise<void> {
  const effects = await effectsOf(db);
  assert.deepEqual(
    effects.filter((effect) => effect.count !== 1),
    [],
  );
  assert.equal(effects.length, count);
}

describe("a follower", () => {
  test("applies the history and what comes, and goes on where it ended", async (t) => {
    const db = await createDatabase(t);
    const log = await createPostgresLog(db);
    await log.append(messages(700), CALL);
    const first = startFollowing(t, { log, db, projection: counting() });
    await first.until(({ applied }) => applied === 700);
    await log.append(messages(50, "n"), CALL);
    const status = await first.until(({ applied, lag }) => applied === 750 && lag === 0);
    assert.equal(status.failed, 0);
    assert.equal(Object.keys(status.partitions).length, 8);
    await first.stop();
    assert.equal(first.status?.state, "stopped");

    await log.append(messages(10, "o"), CALL);
    const second = startFollowing(t, { log, db, projection: counting() });
    await second.until(({ applied }) => applied === 10);
    await second.stop();
    await assertOnce(db, 760);
    await log.close();
  });

  test("keeps the order of each key", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    for (let i = 0; i < 30; i++) await log.append([messageOf(`${i}`, { key: "k" }), messageOf(`x${i}`)], CALL);
    const following = startFollowing(t, { log, db, projection: counting(), batch: 7 });
    await following.until(({ applied }) => applied === 60);
    await following.stop();
    const ids = (await effectsOf(db)).map(({ id }) => id).filter((id) => !id.startsWith("x"));
    assert.deepEqual(
      ids,
      Array.from({ length: 30 }, (_, i) => `${i}`),
    );
  });

  test("rests after a few messages, not after one or many", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    let now = 0;
    const pauses: number[] = [];
    const clock: Clock = {
      now: () => now,
      after(ms, work) {
        pauses.push(ms);
        return fastClock.after(ms, work);
      },
    };
    const slow = counting({ before: async () => void (now += 7) });
    const following = startFollowing(t, { log, db, projection: slow, clock });
    await following.until(({ state }) => state === "reading");
    for (const [i, count] of [5, 1, 200, 3].entries()) {
      const before = following.status?.applied ?? 0;
      await log.append(messages(count, `${i}.`), CALL);
      await following.until(({ applied }) => applied === before + count);
    }
    await following.stop();
    assert.deepEqual(
      pauses.filter((ms) => ms === 21),
      [21, 21],
    );
  });

  test("takes its topics only, and never the errors of others", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    await log.append([...messages(20, "a"), ...messages(20, "b", { topic: "CMIP6.ssp245.A" })], CALL);
    await log.append([messageOf("e", { topic: ERROR_TOPIC })], CALL);
    const some = startFollowing(t, { log, db, projection: counting({ name: "some", topics: ".*\\.ssp245\\..*" }) });
    await some.until(({ applied, lag }) => applied === 20 && lag === 0);
    await some.stop();
    await assertOnce(db, 20);
    const all = startFollowing(t, { log, db, projection: counting({ name: "all" }) });
    await all.until(({ applied, lag }) => applied === 40 && lag === 0);
    await all.stop();
    assert.ok(!(await effectsOf(db)).some(({ id }) => id === "e"));
  });

  test("that starts at the end takes only what is new", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    await log.append(messages(20, "old"), CALL);
    const projection = counting();
    const first = startFollowing(t, { log, db, projection, start: "end" });
    await first.until(({ state }) => state === "reading");
    await log.append(messages(20, "new"), CALL);
    await first.until(({ applied }) => applied === 20);
    await first.stop();
    assert.ok((await effectsOf(db)).every(({ id }) => id.startsWith("new")));
  });

  test("tells of messages that retention took before it read them", async (t) => {
    const db = await createDatabase(t);
    let now = 0;
    const log = createMemoryLog({ partitions: 1, now: () => now });
    await log.append(messages(10), CALL);
    const run = async (count: number): Promise<number> => {
      const following = startFollowing(t, { log, db, projection: counting() });
      const { missed } = await following.until(({ applied, lag }) => applied === count && lag === 0);
      await following.stop();
      return missed;
    };
    assert.equal(await run(10), 0);
    await log.append(messages(7, "lost"), CALL);
    now = 1;
    await log.append(messages(3, "kept"), CALL);
    await log.retain(new Date(1), CALL);
    assert.equal(await run(3), 7);
    assert.equal(await run(0), 0);
    await assertOnce(db, 13);

    const late = startFollowing(t, { log, db, projection: counting({ name: "late" }) });
    assert.equal((await late.until(({ applied }) => applied === 3)).missed, 0);
    await late.stop();
  });

  test("does not go on in another log than that it began with", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    await log.append(messages(20), CALL);
    const first = startFollowing(t, { log, db, projection: counting() });
    await first.until(({ applied }) => applied === 20);
    await first.stop();
    const second = startFollowing(t, { log: createMemoryLog(), db, projection: counting() });
    const { lastError } = await second.until(({ state }) => state === "retrying");
    assert.match(lastError?.message ?? "", /not the same log/);
    await second.stop();
  });
});

describe("messages that cannot be applied", () => {
  test("go to the error topic and block nobody", async (t) => {
    const db = await createDatabase(t);
    const log = await createPostgresLog(db, { partitions: 2 });
    const values = ["ok", "poison", "ok", "throws", "breaks", "ok", "poison"];
    await log.append(
      values.map((value, i) => messageOf(`m${i}`, { value, key: `k${i % 2}` })),
      CALL,
    );
    const bytes = { ...messageOf("bytes"), value: Uint8Array.of(0xff, 0xfe) };
    await log.append([bytes], CALL);
    const projection = counting();
    const following = startFollowing(t, { log, db, projection });
    const status = await following.until(({ applied, failed }) => applied + failed === 8);
    await following.stop();
    assert.deepEqual([status.applied, status.failed], [4, 4]);
    await assertOnce(db, 4);

    const errors = (await errorsOf(log)).sort((a, b) => (a.original!.id < b.original!.id ? -1 : 1));
    assert.deepEqual(
      errors.map(({ original, error_type, error, node, attempts }) => [
        original?.id,
        error_type,
        error.status,
        node,
        attempts,
      ]),
      [
        ["m1", "payload", 422, "east", 1],
        ["m3", "unknown", 500, "east", 1],
        ["m4", "unknown", 500, "east", 1],
        ["m6", "payload", 422, "east", 1],
      ],
    );
    assert.equal(errors[0]!.original_payload, "poison");
    assert.match(errors[1]!.traceback, /^TypeError: undefined is not a function in \(a file\)\n {4}at Object\.apply/);
    assert.doesNotMatch(JSON.stringify(errors), /secret|\.ts|file:/);
  });

  test("are told of once, also when the transaction comes again", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    await log.append([messageOf("m", { value: "poison" })], CALL);
    let refused = 0;
    const once: Pool = {
      ...delegate(db),
      transaction: (work, options) =>
        db.transaction(async (tx) => {
          const result = await work(tx);
          const errors = await errorsOf(log);
          if (errors.length > 0 && refused++ === 0) throw new GyreError("Busy", "the server went away at the commit");
          return result;
        }, options),
    };
    const following = startFollowing(t, { log, db: once, projection: counting() });
    await following.until(({ failed }) => failed === 1);
    await following.stop();
    assert.ok(refused > 0);
    assert.equal((await errorsOf(log)).length, 1);
  });
});

test("failures of a log that is another node's are told of in a log of one's own", async (t) => {
  const db = await createDatabase(t);
  const [log, errors] = [createMemoryLog(), createMemoryLog()];
  await log.append([messageOf("m", { value: "poison" })], CALL);
  const following = startFollowing(t, { log, errors, db, projection: counting() });
  await following.until(({ failed }) => failed === 1);
  await following.stop();
  assert.deepEqual(await errorsOf(log), []);
  assert.equal((await errorsOf(errors))[0]?.original?.id, "m");
});

/** The methods of a pool, so that one can be another. */
function delegate(pool: Pool): Pool {
  return {
    schema: pool.schema,
    query: (sql, values, call) => pool.query(sql, values, call),
    transaction: (work, options) => pool.transaction(work, options),
    stream: (sql, values, call) => pool.stream(sql, values, call),
    version: () => pool.version(),
    listen: (channel, onPayload, onReconnect) => pool.listen(channel, onPayload, onReconnect),
    close: () => pool.close(),
  };
}

describe("what is away", () => {
  test("a database or a log is waited for", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    await log.append(messages(100), CALL);
    let isAway = true;
    const away = (): void => {
      if (isAway) throw new GyreError("Busy", "the server does not answer");
    };
    const flaky: Pool = {
      ...delegate(db),
      async transaction(work, options) {
        away();
        return db.transaction(work, options);
      },
    };
    const following = startFollowing(t, { log, db: flaky, projection: counting() });
    const { lastError } = await following.until(({ state }) => state === "retrying");
    assert.equal(lastError?.message, "the server does not answer");
    isAway = false;
    await following.until(({ applied, state }) => applied === 100 && state === "reading");
    await following.stop();

    let reads = 0;
    const flakyLog: EventLog = {
      system: log.system,
      append: (batch, call) => log.append(batch, call),
      heads: (call) => log.heads(call),
      tails: (call) => log.tails(call),
      topics: (call) => log.topics(call),
      retain: (before, call) => log.retain(before, call),
      close: () => log.close(),
      async *read(options, call) {
        for await (const batch of log.read(options, call)) {
          yield batch;
          if (++reads % 2 === 1) throw new GyreError("Busy", "the broker is away");
        }
      },
    };
    await log.append(messages(100, "n"), CALL);
    const again = startFollowing(t, { log: flakyLog, db, projection: counting(), batch: 30 });
    await again.until(({ applied }) => applied === 100);
    await again.stop();
    assert.ok(again.told.some(({ state }) => state === "retrying"));
    await assertOnce(db, 200);
  });
});

describe("followers of one name", () => {
  test("share the partitions, and take over from one that ends", async (t) => {
    const db = await createDatabase(t);
    const log = await createPostgresLog(db);
    const options = { log, db, projection: counting(), leaseMs: 2000, batch: 20 };
    const has = (count: number) => (status: { partitions: object }) => Object.keys(status.partitions).length === count;
    const first = startFollowing(t, { ...options, owner: "a" });
    await first.until(has(8));
    const second = startFollowing(t, { ...options, owner: "b" });
    await Promise.all([first.until(has(4)), second.until(has(4))]);
    await log.append(messages(400), CALL);
    const third = startFollowing(t, { ...options, owner: "c" });
    await third.until((status) => has(2)(status) || has(3)(status));
    await log.append(messages(400, "n"), CALL);
    await first.stop();
    await Promise.all([second.until(has(4)), third.until(has(4))]);
    await log.append(messages(400, "o"), CALL);
    await second.stop();
    await third.until(({ lag, partitions }) => lag === 0 && Object.keys(partitions).length === 8);
    await third.until(() => [first, second, third].reduce((sum, one) => sum + one.status!.applied, 0) === 1200);
    await third.stop();
    await assertOnce(db, 1200);
    await log.close();
  });

  test("one that lost its partitions without knowing applies nothing", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    await log.append(messages(10), CALL);
    // No heartbeat comes, by which it would know.
    const clock: Clock = {
      now: Date.now,
      after: (ms, work) => (ms < 1000 ? fastClock.after(ms, work) : () => undefined),
    };
    const following = startFollowing(t, { log, db, projection: counting(), clock });
    await following.until(({ applied }) => applied === 10);
    await db.query("update consumer_position set owner = 'another'");
    await db.query("insert into consumer_member values ('counter', 'another', now() + interval '1 hour')");
    await log.append(messages(10, "n"), CALL);
    await following.until(({ state, lastError }) => state === "retrying" && /another owner/.test(lastError!.message));
    await following.stop();
    await assertOnce(db, 10);
  });
});

describe("another pattern", () => {
  const A = "CMIP6.historical.A";
  const B = "CMIP6.ssp245.A";

  async function run(t: Ending, log: EventLog, db: Pool, topics: string, count: number, past?: "kept" | "removed") {
    const changes: [string, string][] = [];
    const following = startFollowing(t, {
      log,
      db,
      projection: counting({ topics }),
      batch: 9,
      onPattern: async (from, to) => {
        changes.push([from, to]);
        return past ?? "kept";
      },
    });
    await following.until(({ applied, lag, state }) => applied === count && lag === 0 && state === "reading");
    await following.stop();
    return changes;
  }

  test("that is wider finds in the past what the old one left out, once and before what is new", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    await log.append([...messages(30, "a", { topic: A }), ...messages(30, "b", { topic: B })], CALL);
    await log.append([messageOf("1", { key: "k", topic: B })], CALL);
    assert.deepEqual(await run(t, log, db, ".*\\.historical\\..*", 30), []);
    await log.append([messageOf("2", { key: "k", topic: B })], CALL);
    assert.deepEqual(await run(t, log, db, ".*", 32), [[".*\\.historical\\..*", ".*"]]);
    await assertOnce(db, 62);
    const ids = (await effectsOf(db)).map(({ id }) => id);
    assert.ok(ids.indexOf("1") < ids.indexOf("2"));
    assert.deepEqual(await run(t, log, db, ".*", 0), []);
  });

  test("that is narrower leaves out what comes, and back again nothing is applied twice", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    await log.append([...messages(20, "a", { topic: A }), ...messages(20, "b", { topic: B })], CALL);
    await run(t, log, db, ".*", 40);
    await log.append([...messages(20, "c", { topic: A }), ...messages(20, "d", { topic: B })], CALL);
    await run(t, log, db, "CMIP6\\.historical\\..*", 20);
    await run(t, log, db, ".*", 20);
    await assertOnce(db, 80);
  });

  test("whose past was removed is applied again when it comes back", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    await log.append([...messages(20, "a", { topic: A }), ...messages(20, "b", { topic: B })], CALL);
    await run(t, log, db, ".*", 40);
    await run(t, log, db, "CMIP6\\.historical\\..*", 0, "removed");
    await db.query("delete from effect where topic = $1", [B]);
    await run(t, log, db, ".*", 20);
    await assertOnce(db, 40);
  });

  test("takes the partitions from those who follow by the old one", async (t) => {
    const db = await createDatabase(t);
    const log = createMemoryLog();
    const old = startFollowing(t, { log, db, projection: counting({ topics: "CMIP6\\..*" }) });
    await old.until(({ state }) => state === "reading");
    const next = startFollowing(t, { log, db, projection: counting({ topics: ".*" }) });
    await next.until(({ state }) => state === "reading");
    await log.append(messages(20), CALL);
    await old.until(({ state, lastError }) => state === "retrying" && /pattern|owner/.test(lastError!.message));
    await old.stop();
    await next.until(({ applied }) => applied === 20);
    await next.stop();
    await assertOnce(db, 20);
  });
});
