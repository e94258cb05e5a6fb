import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Call } from "../../../src/core/principal.ts";
import { ANONYMOUS } from "../../../src/core/principal.ts";
import { connect } from "../../../src/db/postgres.ts";
import { isGyreError } from "../../../src/errors.ts";
import { startEngine } from "../../../src/flows/engine/engine.ts";
import { atEnd, attach, kill9, newFolder, serverPid } from "../../db/server-process.ts";
import { createDeeds, deedsOf, type Op, openGate, scriptFlow } from "./script.ts";

const CALL: Call = { who: ANONYMOUS };
const STEPS = 200;
const ROUNDS = 3;

test("flows outlive a server that is killed: all ends well, and no step fails for it", async (t) => {
  const folder = newFolder(t, "gyre-flows-");
  const server = await attach(t, folder);
  const pool = await connect({ ...server.address, schema: "east", onError: () => undefined });
  atEnd(t, () => pool.close());
  await createDeeds(pool);
  const scratch = await mkdtemp(join(tmpdir(), "gyre-flows-"));
  atEnd(t, () => rm(scratch, { recursive: true, force: true }));
  const flow = scriptFlow(pool);
  const engine = await startEngine({
    pool,
    server: server.address,
    flows: [flow],
    queues: [],
    listen: "all",
    concurrency: 4,
    scratch,
    retentionDays: 1,
    // The server's absence is told, and is no trouble.
    onError: () => undefined,
  });
  atEnd(t, () => engine.close());
  const parts = Array.from({ length: STEPS }, (_, i) => `p${i}`);
  const ops: Op[] = [
    // The last one waits for the end of the losses: what follows it is done once.
    ...parts.map((part, i): Op => {
      const act = i === STEPS - 1 ? { label: part, gate: "no more losses" } : { label: part };
      return { do: "step", part, act, kind: "patient" };
    }),
    ...parts.map((part): Op => ({ do: "get", part })),
    { do: "step", part: "last", act: { label: "last" }, kind: "patient" },
    { do: "get", part: "last" },
  ];
  const { id } = await engine.runs.start(flow, { ops }, CALL);
  for (let round = 1; round <= ROUNDS; round++) {
    await until(async () => (await deedsOf(pool, "p")).length >= (round * STEPS) / (ROUNDS + 1));
    await kill9(serverPid(folder));
  }
  await until(() => openGate(pool, "no more losses").then(() => true));
  await until(async () => (await engine.runs.settled(id, CALL))?.ok);
  assert.equal((await deedsOf(pool, "last")).length, 1);
  const run = await engine.runs.get(id, CALL);
  assert.ok(run?.parts.every(({ state }) => state === "succeeded"));
});

/** Asks until the server answers, and the answer is yes. */
async function until(look: () => Promise<boolean | undefined>): Promise<void> {
  for (;;) {
    try {
      if ((await look()) === true) return;
    } catch (error) {
      if (!isGyreError(error, "Busy")) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
