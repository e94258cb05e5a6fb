import assert from "node:assert/strict";
import { test } from "node:test";
import { BEGINNING } from "../../src/log/event-log.ts";
import { createPostgresLog } from "../../src/log/postgres.ts";
import { testEventLog } from "../contract/event-log.ts";
import { testDatabase, testDatabases } from "../services/postgres.ts";
import { CALL, messageOf, messages } from "./following.ts";

for (const { name, unavailable, make } of testDatabases()) {
  testEventLog(
    name,
    async () => {
      const endings: (() => Promise<void>)[] = [];
      const ending = { after: (work: () => Promise<void>) => void endings.push(work) };
      const pool = await make(ending, { migrations: ["log"] });
      return {
        log: await createPostgresLog(pool),
        another: () => createPostgresLog(pool),
        close: async () => {
          for (const work of endings) await work();
        },
      };
    },
    { unavailable },
  );
}

test("one id in two partitions at once is appended to one, and leaves no gap in the other", async (t) => {
  const pool = await testDatabase(t, { migrations: ["log"], max: 12 });
  const logs = await Promise.all(Array.from({ length: 4 }, () => createPostgresLog(pool)));
  const ids = Array.from({ length: 6 }, (_, i) => `shared-${i}`);
  const appended = await Promise.all(
    logs.map((log, i) => {
      const order = i % 2 === 0 ? ids : ids.toReversed();
      return log.append(
        order.map((id) => messageOf(id, { key: `${i}/${id}` })),
        CALL,
      );
    }),
  );
  assert.equal(appended.flat().filter(({ isRepeat }) => !isRepeat).length, ids.length);
  const heads = Object.values(await logs[0]!.heads(CALL));
  assert.equal(
    heads.reduce((sum, head) => sum + head, 0),
    ids.length,
  );
});

test("what one caller did wrong is no other's fault", async (t) => {
  const pool = await testDatabase(t, { migrations: ["log"] });
  await pool.query("alter table message add check (key <> 'refused')");
  const log = await createPostgresLog(pool);
  const outcomes = await Promise.allSettled([
    log.append(messages(3, "a"), CALL),
    log.append([messageOf("b0"), messageOf("b1", { key: "refused" })], CALL),
    log.append(messages(3, "c"), CALL),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  const found = (await Array.fromAsync(log.read({ from: BEGINNING }, CALL))).flatMap((batch) => batch.messages);
  assert.deepEqual(found.map(({ id }) => id).sort(), ["a0", "a1", "a2", "c0", "c1", "c2"]);
});

test("a call that is given up before its turn is not written", async (t) => {
  const pool = await testDatabase(t, { migrations: ["log"] });
  const log = await createPostgresLog(pool);
  const stop = new AbortController();
  const first = log.append([messageOf("first")], CALL);
  // The first is under way by now, so that the second waits for the next transaction.
  await Promise.resolve();
  const second = log.append([messageOf("second")], { ...CALL, signal: stop.signal });
  const reason = new Error("enough");
  stop.abort(reason);
  await assert.rejects(second, (error) => error === reason);
  await first;
  await log.close();
  assert.deepEqual(
    Object.values(await log.heads(CALL)).reduce((sum, head) => sum + head, 0),
    1,
  );
});

test("the number of partitions is that of the first use", async (t) => {
  const pool = await testDatabase(t, { migrations: ["log"] });
  const logs = await Promise.all([3, 5, 7].map((partitions) => createPostgresLog(pool, { partitions })));
  const counts = await Promise.all(logs.map(async (log) => Object.keys(await log.heads(CALL)).length));
  assert.equal(new Set(counts).size, 1);
  assert.ok([3, 5, 7].includes(counts[0]!));
  for (const partitions of [0, -1, 1.5, 1e9]) await assert.rejects(createPostgresLog(pool, { partitions }));
});
