import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import type { Pool } from "../../../src/db/database.ts";
import { migrate } from "../../../src/db/migrate.ts";
import { GyreError } from "../../../src/errors.ts";
import { Bell } from "../../../src/flows/engine/bell.ts";
import { StepWorker } from "../../../src/flows/engine/step-worker.ts";
import type { Step } from "../../../src/flows/flow.ts";
import { testDatabase } from "../../services/postgres.ts";

test("a try is not lost with the answer that it was taken, nor one given back that is under way", async (t) => {
  const pool = await testDatabase(t);
  await migrate(pool, { name: "flow" });
  await pool.query(
    `insert into flow_run (id, flow, subject, roles, input, state, execution)
     values ('run', 'flow', 'ada', '{}', '{}', 'running', $1)`,
    [randomUUID()],
  );
  const queue = (part: string, position: number) =>
    pool.query(
      `insert into flow_part (run, part, position, name, queue, input, state)
       values ('run', $1, $2, 'wait', 'core', to_jsonb($1::text), 'queued')`,
      [part, position],
    );
  const begun = { first: Promise.withResolvers<void>(), second: Promise.withResolvers<void>() };
  const gate = Promise.withResolvers<void>();
  const PART = z.enum(["first", "second"]);
  const step: Step<z.infer<typeof PART>, string> = {
    ...{ name: "wait", input: PART, output: z.string(), queue: "core" },
    async run(part, { id }) {
      begun[part].resolve();
      await gate.promise;
      return id;
    },
  };
  let claims = 0;
  const lossy: Pool = {
    ...{ schema: pool.schema, version: () => pool.version(), close: () => pool.close() },
    transaction: (work, options) => pool.transaction(work, options),
    stream: (sql, values, call) => pool.stream(sql, values, call),
    listen: (...args) => pool.listen(...args),
    async query<Row extends object>(sql: string, ...args: [(readonly unknown[])?, object?]) {
      const rows = await pool.query<Row>(sql, ...args);
      const isClaim = /set state = 'running'/.test(sql) && rows.length > 0;
      if (isClaim && ++claims === 2) throw new GyreError("Busy", "the connection was lost");
      return rows;
    },
  };
  const scratch = await mkdtemp(join(tmpdir(), "gyre-flows-"));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  const bell = await Bell.listen(pool);
  t.after(() => bell.close());
  const errors: unknown[] = [];
  const worker = new StepWorker({
    ...{ pool: lossy, bell, id: randomUUID(), scratch, closing: new AbortController().signal },
    ...{ steps: new Map([[step.name, step]]), queues: [{ name: "core" }], concurrency: 2 },
    ...{ recycleAfter: Number.POSITIVE_INFINITY, memoryBytes: Number.POSITIVE_INFINITY },
    onError: (error) => void errors.push(error),
  });
  await worker.prepare();
  await queue("first", 0);
  worker.start();
  await begun.first.promise;
  const [first] = await pool.query<{ try: string }>("select try from flow_part");
  await queue("second", 1);
  await begun.second.promise;
  gate.resolve();
  await worker.close(60_000);
  const parts = await pool.query("select state, attempt, output from flow_part order by position");
  assert.deepEqual(parts[0], { state: "succeeded", attempt: 1, output: first?.try });
  assert.deepEqual({ ...parts[1], output: "" }, { state: "succeeded", attempt: 1, output: "" });
  assert.equal(errors.length, 1);
});
