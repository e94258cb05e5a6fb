import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { type Engine, startEngine } from "../../src/flows/engine/engine.ts";
import { atEnd } from "../db/server-process.ts";
import { createDeeds } from "../flows/engine/script.ts";
import { ForeignWorker } from "../flows/engine/workers.ts";
import { ENDING } from "./flows/ending.ts";
import { LOOKING } from "./flows/looking.ts";
import { type FlowsFixture, optionsOf, Room } from "./flows/room.ts";
import { RUNNING } from "./flows/running.ts";
import { TRIES } from "./flows/tries.ts";
import { WORKERS } from "./flows/workers.ts";

const CASES = { ...RUNNING, ...TRIES, ...LOOKING, ...ENDING, ...WORKERS };

/** What the engine does on every database: flows are started here and run in processes of their own. */
export function testFlows(name: string, make: () => Promise<FlowsFixture>, unavailable?: string): void {
  describe(`flows: ${name}`, { skip: unavailable ?? false }, () => {
    let fixture: FlowsFixture;
    let scratch: string;
    let engine: Engine;
    before(async () => {
      fixture = await make();
      scratch = await mkdtemp(join(tmpdir(), "gyre-flows-"));
      await createDeeds(fixture.pool);
      engine = await startEngine(optionsOf(fixture, scratch));
    });
    after(async () => {
      await engine.close();
      await dropFlows(fixture);
      await fixture.close();
      await rm(scratch, { recursive: true, force: true });
    });
    test("three processes start on an empty schema at once", (t) => startThree(t, make));
    Object.entries(CASES).forEach(([title, run], i) => {
      test(title, async (t) => {
        await run(new Room(t, fixture, engine, scratch, `t${i}`));
      });
    });
  });
}

async function startThree(t: TestContext, make: () => Promise<FlowsFixture>): Promise<void> {
  const fixture = await make();
  const scratch = await mkdtemp(join(tmpdir(), "gyre-flows-"));
  atEnd(t, async () => {
    await dropFlows(fixture);
    await fixture.close();
    await rm(scratch, { recursive: true, force: true });
  });
  await createDeeds(fixture.pool);
  const order = {
    address: fixture.address,
    schema: fixture.pool.schema,
    scratch,
    listen: "all",
    concurrency: 2,
  } as const;
  const started = await Promise.allSettled(Array.from({ length: 3 }, () => ForeignWorker.start(order)));
  const workers = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  atEnd(t, async () => {
    for (const worker of workers) await worker.signal("SIGKILL");
  });
  assert.equal(workers.length, 3);
  const engine = await startEngine(optionsOf(fixture, scratch));
  atEnd(t, () => engine.close());
  const room = new Room(t, fixture, engine, scratch, "three");
  await room.report(await room.start([room.step("one"), { do: "get", part: "one" }]));
}

/** Statements of workers that were killed may go on for a while, and meet it in a deadlock. */
async function dropFlows({ pool }: FlowsFixture): Promise<void> {
  const drop = `drop schema if exists "${pool.schema}_flow" cascade`;
  await pool.transaction((tx) => tx.query(drop), { retries: 5 });
}
