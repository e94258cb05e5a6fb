import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { z } from "zod";
import { migrate } from "../../../src/db/migrate.ts";
import { migrateDbos } from "../../../src/flows/engine/dbos.ts";
import { Lease } from "../../../src/flows/engine/lease.ts";
import { registryOf } from "../../../src/flows/engine/registry.ts";
import type { AnyStep, Flow } from "../../../src/flows/flow.ts";
import { testDatabase, testServer } from "../../services/postgres.ts";

interface Row {
  readonly state: string;
  readonly attempt: number;
}

test("a step that takes its worker with it each time fails in the end", async (t) => {
  const pool = await testDatabase(t);
  await migrate(pool, { name: "flow" });
  await migrateDbos(await testServer(), pool.schema);
  await pool.query(
    `insert into flow_run (id, flow, subject, roles, input, state, execution)
     values ('run', 'flow', 'ada', '{}', '{}', 'running', $1)`,
    [randomUUID()],
  );
  await pool.query(
    `insert into flow_part (run, part, position, name, queue, input, state)
     values ('run', 'deadly', 0, 'deadly', 'core', '{}', 'queued')`,
  );
  const lease = new Lease(pool, randomUUID(), ["core"]);
  await lease.beat();
  const seen: Row[] = [];
  for (let i = 0; i < 5; i++) {
    await pool.query("update flow_part set state = 'running', worker = 'dead', try = $1", [randomUUID()]);
    await lease.bury();
    seen.push(...(await pool.query<Row>("select state, attempt from flow_part")));
  }
  assert.deepEqual(
    seen.map(({ state, attempt }) => [state, attempt]),
    [
      ["queued", 2],
      ["queued", 3],
      ["queued", 4],
      ["queued", 5],
      ["failed", 5],
    ],
  );
  assert.equal((await pool.query("select 1 from flow_attempt where state = 'failed'")).length, 5);
  // One of the living is left alone, and one's own whatever kept it from signing.
  await lease.beat();
  await pool.query("update flow_part set state = 'running', worker = $1", [lease.id]);
  await new Lease(pool, randomUUID(), ["core"]).bury();
  await pool.query("update flow_worker set seen = now() - interval '1 minute'");
  await lease.bury();
  assert.equal((await pool.query("select 1 from flow_part where state = 'running'")).length, 1);
});

test("a process knows all that its flows are made of, and two things of one name are refused", () => {
  const step = (name: string): AnyStep => ({
    name,
    input: z.null(),
    output: z.null(),
    queue: "core",
    run: async () => null,
  });
  const flow = (
    name: string,
    steps: readonly AnyStep[],
    flows: readonly Flow<null, null>[] = [],
  ): Flow<null, null> => ({
    name,
    title: name,
    description: "",
    input: z.null(),
    output: z.null(),
    steps,
    flows,
    run: async () => null,
  });
  const shared = step("shared");
  const inner = flow("inner", [shared, step("own")]);
  const { flows, steps } = registryOf([flow("outer", [shared], [inner])]);
  assert.deepEqual([...flows.keys(), ...steps.keys()], ["outer", "inner", "shared", "own"]);
  assert.throws(() => registryOf([flow("outer", [shared, step("shared")])]), /are named shared/);
});
