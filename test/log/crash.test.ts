import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { createPostgresLog } from "../../src/log/postgres.ts";
import { type Ending, testDatabase, testServer } from "../services/postgres.ts";
import { createEffects, effectsOf } from "./effects.ts";
import type { FollowerProcess } from "./follower-process.ts";
import { CALL, messages } from "./following.ts";

const MESSAGES = 400;

function start(order: FollowerProcess) {
  const file = join(import.meta.dirname, "follower-process.ts");
  return spawn(process.execPath, [file, JSON.stringify(order)], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Follows a log with processes that are killed in the middle of a transaction, and counts what came of it. */
async function killFollowers(t: Ending, isMutant: boolean) {
  const db = await testDatabase(t, { migrations: ["log", "node"] });
  await createEffects(db);
  const log = await createPostgresLog(db);
  await log.append(messages(MESSAGES), CALL);
  await log.close();
  const order = { address: await testServer(), schema: db.schema, expected: MESSAGES, isMutant };
  const kills = (["before", "after"] as const).flatMap((moment) => [1, 3].map((batch) => ({ moment, batch })));
  for (const kill of kills) {
    const [code, signal] = await once(start({ ...order, kill }), "exit");
    assert.deepEqual([code, signal], [null, "SIGKILL"]);
  }
  // Two at once, of which one is killed from outside when it has begun.
  const victim = start(order);
  const survivor = start(order);
  const gone = once(survivor, "exit");
  await Promise.race([once(victim.stdout, "data"), gone]);
  victim.kill("SIGKILL");
  survivor.stdout.resume();
  assert.deepEqual(await gone, [0, null]);
  const effects = await effectsOf(db);
  return { missing: MESSAGES - effects.length, repeated: effects.filter(({ count }) => count > 1).length };
}

test("followers that are killed lose nothing and repeat nothing", async (t) => {
  assert.deepEqual(await killFollowers(t, false), { missing: 0, repeated: 0 });
});

test("one that commits the position before the effect is found out", async (t) => {
  const { missing } = await killFollowers(t, true);
  assert.ok(missing > 0);
});
