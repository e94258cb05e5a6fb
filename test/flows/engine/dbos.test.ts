import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { dbosSchema, executionSql, launchDbos, migrateDbos } from "../../../src/flows/engine/dbos.ts";
import { startEngine } from "../../../src/flows/engine/engine.ts";
import { hasPendingRuns } from "../../../src/flows/engine/pending.ts";
import { until } from "../../db/server-process.ts";
import { testDatabase, testServer } from "../../services/postgres.ts";

test("executions that ended are forgotten, those that have not are kept", async (t) => {
  const pool = await testDatabase(t);
  const server = await testServer();
  await migrateDbos(server, pool.schema);
  const hanging = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const dbos = await launchDbos({
    server,
    schema: pool.schema,
    executor: randomUUID(),
    async execute(run) {
      if (run !== "ends") return hanging.promise;
      ended.resolve();
    },
    onLog: () => undefined,
    onError: (error) => assert.fail(String(error)),
  });
  const count = async (): Promise<number> => {
    const rows = await pool.query(`select 1 from "${dbosSchema(pool.schema)}".workflow_status`);
    return rows.length;
  };
  for (const run of ["ends", "hangs"])
    await pool.query(`select ${executionSql(pool.schema, "$1", "$2")}`, [run, randomUUID()]);
  await dbos.nudge();
  await ended.promise;
  assert.equal(await count(), 2);
  const pruned = async (): Promise<boolean> => (await dbos.prune(new Date(Date.now() + 60_000))) > 0;
  await until(pruned);
  assert.equal(await count(), 1);
  hanging.resolve();
  // An execution that ends after its database is left behind would find none.
  await until(pruned);
  await dbos.close();
});

test("one engine of a process executes flows; others only start and read runs", async (t) => {
  const pool = await testDatabase(t);
  assert.equal(await hasPendingRuns(pool), false);
  const scratch = await mkdtemp(join(tmpdir(), "gyre-flows-"));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  const options = {
    pool,
    server: await testServer(),
    flows: [],
    queues: [],
    concurrency: 1,
    scratch,
    retentionDays: 1,
    onError: (error: unknown) => assert.fail(String(error)),
  };
  const reader = await startEngine({ ...options, listen: "none" });
  const worker = await startEngine({ ...options, listen: "all" });
  await assert.rejects(startEngine({ ...options, listen: "all" }), /One engine of a process/);
  assert.equal(await reader.hasPending(), false);
  await worker.close();
  const another = await startEngine({ ...options, listen: "all" });
  await Promise.all([reader.close(), another.close()]);
});
