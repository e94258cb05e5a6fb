import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { ANONYMOUS } from "../../src/core/principal.ts";
import { type EngineOptions, startEngine } from "../../src/flows/engine/engine.ts";
import type { Flow } from "../../src/flows/flow.ts";
import { REST_MS, Working } from "../../src/processing/working.ts";
import { atEnd, until } from "../db/server-process.ts";
import { testClock } from "../node/archive.ts";
import { testDatabase, testServer } from "../services/postgres.ts";

const CALL = { who: ANONYMOUS };
const echo: Flow<string, string> = {
  name: "echo",
  title: "Echo",
  description: "Answers what it is given",
  input: z.string(),
  output: z.string(),
  steps: [],
  run: async (text) => text,
};

test("the engine is there while there are runs, whoever starts them, and goes when there are none", async (t) => {
  const pool = await testDatabase({ after: (work) => atEnd(t, work) });
  const scratch = await mkdtemp(join(tmpdir(), "gyre-working-"));
  const errors: unknown[] = [];
  const options: EngineOptions = {
    ...{ pool, server: await testServer(), flows: [echo], queues: [], listen: "all", concurrency: 1, scratch },
    retentionDays: 1,
    onError: (error) => errors.push(error),
  };
  const other = await startEngine({ ...options, listen: "none" });
  const clock = testClock();
  let starts = 0;
  const working = new Working({
    pool,
    clock,
    drainMs: 0,
    onError: (error) => errors.push(error),
    start() {
      starts++;
      return startEngine(options);
    },
  });
  atEnd(t, async () => {
    await working.close();
    await other.close();
    await rm(scratch, { recursive: true, force: true });
    await pool.query(`drop schema if exists ${pool.schema}_flow cascade`);
  });
  for (const text of ["first", "second"]) {
    assert.equal(working.isWorking, false);
    const { id } = await other.runs.start(echo, text, CALL);
    assert.deepEqual(await other.runs.settled(id, CALL), { ok: true, value: text });
    assert.equal((await other.runs.workers(CALL)).length, 1);
    await clock.planned(REST_MS);
    assert.equal(working.isWorking, true);
    clock.advance(REST_MS);
    await until(async () => !working.isWorking && (await other.runs.workers(CALL)).length === 0);
  }
  assert.equal(starts, 2);
  assert.deepEqual(errors, []);
});
