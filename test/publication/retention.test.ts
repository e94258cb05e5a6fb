import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../src/core/clock.ts";
import type { Pool } from "../../src/db/database.ts";
import { BEGINNING, type EventLog } from "../../src/log/event-log.ts";
import { createPostgresLog } from "../../src/log/postgres.ts";
import { retaining } from "../../src/publication/retention.ts";
import { CALL, messages } from "../log/following.ts";
import { testDatabase } from "../services/postgres.ts";

/** A clock that is a year ahead, and whose waiting ends when it is told so. */
function clockAhead(): Clock & { next(): Promise<() => void> } {
  let waiting = Promise.withResolvers<() => void>();
  return {
    now: () => Date.now() + 365 * 86_400_000,
    after(_ms, work) {
      waiting.resolve(work);
      return () => undefined;
    },
    async next() {
      const work = await waiting.promise;
      waiting = Promise.withResolvers();
      return work;
    },
  };
}

async function kept(log: EventLog): Promise<string[]> {
  const batches = await Array.fromAsync(log.read({ from: BEGINNING }, CALL));
  return batches.flatMap((batch) => batch.messages.map(({ id }) => id)).sort();
}

async function age(pool: Pool, prefix: string): Promise<void> {
  await pool.query("update message set time = time - interval '40 days' where id like $1 || '%'", [prefix]);
}

test("what is older than the days that are kept is forgotten, day by day, by the log's own time", async (t) => {
  const pool = await testDatabase(t, { migrations: ["log", "node"] });
  const log = await createPostgresLog(pool, { partitions: 1 });
  t.after(() => log.close());
  await log.append([...messages(3, "old"), ...messages(3, "mid"), ...messages(2, "new")], CALL);
  await age(pool, "old");
  const clock = clockAhead();
  const stop = new AbortController();
  const onError = (error: unknown): never => assert.fail(String(error));
  const running = retaining({ days: { events: 30, statuses: 30 }, log, pool, onError, clock }, stop.signal);
  const tomorrow = await clock.next();
  assert.deepEqual(await kept(log), ["mid0", "mid1", "mid2", "new0", "new1"]);
  await age(pool, "mid");
  tomorrow();
  const end = await clock.next();
  assert.deepEqual(await kept(log), ["new0", "new1"]);
  assert.deepEqual(await log.tails(CALL), { 0: 6 });
  stop.abort();
  end();
  await running;
});

test("a node that is to keep everything forgets nothing", async (t) => {
  const pool = await testDatabase(t, { migrations: ["log", "node"] });
  const log = await createPostgresLog(pool, { partitions: 1 });
  t.after(() => log.close());
  await log.append(messages(3, "old"), CALL);
  await age(pool, "old");
  const onError = (error: unknown): never => assert.fail(String(error));
  await retaining({ days: {}, log, pool, onError }, new AbortController().signal);
  assert.equal((await kept(log)).length, 3);
});
