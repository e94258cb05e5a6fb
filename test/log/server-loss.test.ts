import assert from "node:assert/strict";
import { test } from "node:test";
import { migrate } from "../../src/db/migrate.ts";
import { connect } from "../../src/db/postgres.ts";
import { isGyreError } from "../../src/errors.ts";
import type { EventLog, Message } from "../../src/log/event-log.ts";
import { createPostgresLog } from "../../src/log/postgres.ts";
import { atEnd, attach, kill9, newFolder, serverPid } from "../db/server-process.ts";
import { counting, createEffects, effectsOf } from "./effects.ts";
import { CALL, messages, startFollowing } from "./following.ts";

const ROUNDS = 3;
const MESSAGES = 200;

/** Appends as one must: until the log says that it is there. */
async function appendSurely(log: EventLog, batch: readonly Message[]): Promise<void> {
  for (;;) {
    try {
      await log.append(batch, CALL);
      return;
    } catch (error) {
      if (!isGyreError(error, "Busy")) throw error;
    }
  }
}

test("writers and followers outlive a server that is killed: nothing is lost, and nothing applied twice", async (t) => {
  const folder = newFolder(t, "gyre-log-");
  const server = await attach(t, folder);
  const db = await connect({ ...server.address, schema: "east" });
  atEnd(t, () => db.close());
  for (const name of ["log", "node"]) await migrate(db, { name });
  await createEffects(db);
  const log = await createPostgresLog(db);
  atEnd(t, () => log.close());
  const following = startFollowing({ after: (work) => atEnd(t, work) }, { log, db, projection: counting(), batch: 10 });
  for (let round = 0; round < ROUNDS; round++) {
    const batch = messages(MESSAGES, `${round}-`);
    const writing = Promise.all(
      Array.from({ length: 10 }, async (_, lane) => {
        for (const message of batch.filter((_, i) => i % 10 === lane)) await appendSurely(log, [message]);
      }),
    );
    const before = following.status?.applied ?? 0;
    await following.until(({ applied }) => applied > before + MESSAGES / 4);
    await kill9(serverPid(folder));
    await writing;
  }
  // What the kill cut off after its commit was applied without being counted by the follower.
  const total = ROUNDS * MESSAGES;
  await following.until(({ partitions, state }) => {
    const seen = Object.values(partitions).reduce((sum, { position }) => sum + position, 0);
    return state === "reading" && seen === total;
  });
  await following.stop();
  assert.ok(following.told.some(({ state }) => state === "retrying"));
  const effects = await effectsOf(db);
  assert.equal(effects.length, total);
  assert.deepEqual(
    effects.filter(({ count }) => count !== 1),
    [],
  );
});
