import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../../src/core/principal.ts";
import type { Pool } from "../../src/db/database.ts";
import type { ServerAddress } from "../../src/db/postgres.ts";
import { type GyreError, isGyreError } from "../../src/errors.ts";
import { type Engine, type EngineOptions, startEngine } from "../../src/flows/engine/engine.ts";
import type { Flow, Settled } from "../../src/flows/flow.ts";
import type { Part, RunDetail } from "../../src/flows/runs.ts";
import {
  type Act,
  type ActSteps,
  createDeeds,
  type Deed,
  deedsOf,
  type Op,
  openGate,
  QUEUES,
  type Report,
  type Script,
  scriptFlow,
} from "../flows/engine/script.ts";
import type { WorkerProcess } from "../flows/engine/worker-process.ts";
import { ForeignWorker } from "../flows/engine/workers.ts";

export interface FlowsFixture {
  /** On an empty schema. */
  readonly pool: Pool;
  readonly address: ServerAddress;
  close(): Promise<unknown>;
}

const CALL: Call = { who: { subject: "ada", roles: ["editor"] } };
const LOOK_MS = 25;

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
      await fixture.pool.query(`drop schema if exists "${fixture.pool.schema}_flow" cascade`);
      await fixture.close();
      await rm(scratch, { recursive: true, force: true });
    });
    test("three processes start on an empty schema at once", (t) => startThree(t, make));
    Object.entries(CASES).forEach(([title, run], i) => {
      test(title, async (t) => {
        const bench = new Bench(t, fixture, engine, scratch, `t${i}`);
        await run(bench);
      });
    });
  });
}

async function startThree(t: TestContext, make: () => Promise<FlowsFixture>): Promise<void> {
  const fixture = await make();
  const scratch = await mkdtemp(join(tmpdir(), "gyre-flows-"));
  t.after(async () => {
    await fixture.pool.query(`drop schema if exists "${fixture.pool.schema}_flow" cascade`);
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
  t.after(async () => {
    for (const worker of workers) await worker.signal("SIGKILL");
  });
  assert.equal(workers.length, 3);
  const engine = await startEngine(optionsOf(fixture, scratch));
  t.after(() => engine.close());
  const bench = new Bench(t, fixture, engine, scratch, "three");
  await bench.report(await bench.start([bench.step("one"), { do: "get", part: "one" }]));
}

function optionsOf({ pool, address }: FlowsFixture, scratch: string, more: Partial<EngineOptions> = {}): EngineOptions {
  return {
    pool,
    server: address,
    flows: [scriptFlow(pool)],
    queues: QUEUES,
    listen: "none",
    concurrency: 4,
    scratch,
    retentionDays: 30,
    onError: (error) => console.error(error),
    ...more,
  };
}

/** One test's place: labels, ids and gates of its own, and workers that end with it. */
class Bench {
  readonly pool: Pool;
  readonly engine: Engine;
  readonly flow: Flow<Script, Report>;
  readonly name: string;
  readonly fixture: FlowsFixture;
  readonly scratch: string;
  readonly #t: TestContext;

  constructor(t: TestContext, fixture: FlowsFixture, engine: Engine, scratch: string, name: string) {
    this.#t = t;
    this.pool = fixture.pool;
    this.fixture = fixture;
    this.engine = engine;
    this.scratch = scratch;
    this.name = name;
    const flow = engine.runs.flows.get("script");
    assert.ok(flow !== undefined);
    this.flow = flow;
  }

  async worker(order: Partial<WorkerProcess> = {}): Promise<ForeignWorker> {
    const { address } = this.fixture;
    const { schema } = this.pool;
    const worker = await ForeignWorker.start({
      address,
      schema,
      scratch: this.scratch,
      listen: "all",
      concurrency: 4,
      ...order,
    });
    this.#t.after(() => worker.signal("SIGKILL"));
    return worker;
  }

  /** An engine of this process on a schema of the test's own choice. */
  async another(more: Partial<EngineOptions>): Promise<Engine> {
    const engine = await startEngine(optionsOf(this.fixture, this.scratch, more));
    this.#t.after(() => engine.close());
    return engine;
  }

  label(name: string): string {
    return `${this.name}-${name}`;
  }

  step(part: string, act: Partial<Act> = {}, kind?: keyof ActSteps): Op {
    return { do: "step", part, act: { label: this.label(part), ...act }, ...(kind && { kind }) };
  }

  async start(ops: readonly Op[], id = this.name): Promise<string> {
    return (await this.engine.runs.start(this.flow, { ops: [...ops] }, CALL, { id })).id;
  }

  async settled(id: string): Promise<Settled<unknown>> {
    const settled = await this.engine.runs.settled(id, CALL);
    assert.ok(settled !== undefined);
    return settled;
  }

  async report(id: string): Promise<Report> {
    const settled = await this.settled(id);
    assert.ok(settled.ok, JSON.stringify(settled));
    return settled.value as Report;
  }

  async get(id: string): Promise<RunDetail> {
    const run = await this.engine.runs.get(id, CALL);
    assert.ok(run !== undefined);
    return run;
  }

  async part(id: string, part: string): Promise<Part> {
    const found = (await this.get(id)).parts.find((one) => one.part === part);
    assert.ok(found !== undefined);
    return found;
  }

  deeds(part = ""): Promise<Deed[]> {
    return deedsOf(this.pool, this.label(part));
  }

  open(gate: string): Promise<void> {
    return openGate(this.pool, gate);
  }

  /** Looks until something is so. */
  async until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
    for (;;) {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      await delay(LOOK_MS);
    }
  }

  /** Waits until so many tries of this test have begun. */
  begun(count: number): Promise<Deed[]> {
    return this.until(async () => {
      const deeds = await this.deeds();
      return deeds.length >= count && deeds;
    });
  }
}

/** Resident bytes of a process, as Linux tells. */
async function residentOf(pid: number): Promise<number> {
  const [, kB] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(kB) * 1024;
}

/** The most that was under way at once; what was killed ended at that time. */
function mostAtOnce(deeds: readonly Deed[], killed: ReadonlyMap<number, Date> = new Map()): number {
  const end = ({ ended, pid }: Deed): number => (ended ?? killed.get(pid) ?? new Date(8.64e15)).getTime();
  return Math.max(
    ...deeds.map((one) => deeds.filter((other) => other.began <= one.began && end(other) > one.began.getTime()).length),
  );
}

const CASES: { readonly [title: string]: (bench: Bench) => Promise<void> } = {
  async "a chord runs on with a failing member, and its end sees each result or error"(bench) {
    await bench.worker();
    const members = ["a", "b", "c"];
    const id = await bench.start([
      ...members.map((part) => bench.step(part, part === "b" ? { failures: 9, tag: "NotFound" } : {})),
      ...members.map((part): Op => ({ do: "settle", part })),
      bench.step("finalise"),
      { do: "get", part: "finalise" },
    ]);
    const { parts } = await bench.report(id);
    assert.deepEqual(parts, {
      a: { ok: true, value: bench.label("a") },
      b: { ok: false, isCancelled: false, error: { tag: "NotFound", message: `${bench.label("b")} fails` } },
      c: { ok: true, value: bench.label("c") },
      finalise: { ok: true, value: bench.label("finalise") },
    });
    const run = await bench.get(id);
    assert.equal(run.state, "succeeded");
    assert.equal(run.who, "ada");
    assert.deepEqual(
      run.parts.map(({ part, state }) => [part, state]),
      [
        ["a", "succeeded"],
        ["b", "failed"],
        ["c", "succeeded"],
        ["finalise", "succeeded"],
      ],
    );
    assert.ok((await bench.deeds()).every(({ subject }) => subject === "ada"));
  },

  async "a chain whose process is killed is finished by another, and what was done is not done again"(bench) {
    const first = await bench.worker();
    const id = await bench.start([
      bench.step("one"),
      { do: "get", part: "one" },
      bench.step("two", { kill: true, gate: bench.label("gate") }),
      { do: "get", part: "two" },
      bench.step("three"),
      { do: "get", part: "three" },
    ]);
    await bench.begun(2);
    await bench.worker();
    await bench.open(bench.label("gate"));
    await first.gone();
    await bench.report(id);
    const deeds = await bench.deeds();
    assert.deepEqual(
      deeds.map(({ label, attempt, how }) => [label, attempt, how]),
      [
        [bench.label("one"), 1, "ended"],
        [bench.label("two"), 1, null],
        [bench.label("two"), 2, "ended"],
        [bench.label("three"), 1, "ended"],
      ],
    );
    const [lost, second] = (await bench.part(id, "two")).attempts;
    assert.deepEqual([lost?.state, second?.state], ["failed", "succeeded"]);
    assert.match(lost?.error?.message ?? "", /lost/);
    assert.notEqual(lost?.worker, second?.worker);
  },

  async "a step that failed is tried again, on its schedule"(bench) {
    await bench.worker({ concurrency: 1 });
    const waiting = await bench.start(
      [bench.step("wait", { failures: 1 }, "patient"), { do: "get", part: "wait" }],
      bench.label("wait"),
    );
    const { parts } = await bench.report(waiting);
    assert.deepEqual(parts.wait, { ok: true, value: bench.label("wait") });
    const { attempts } = await bench.part(waiting, "wait");
    assert.deepEqual(
      attempts.map(({ number, state }) => [number, state]),
      [
        [1, "failed"],
        [2, "succeeded"],
      ],
    );
  },

  async "2,000 tries that wait hold no worker and no memory to speak of"(bench) {
    const worker = await bench.worker({ concurrency: 8 });
    await bench.report(await bench.start([bench.step("warm"), { do: "get", part: "warm" }], bench.label("warm")));
    const before = await residentOf(worker.pid);
    const parts = Array.from({ length: 2_000 }, (_, i) => `p${i}`);
    const id = await bench.start([
      ...parts.map((part) => bench.step(part, {}, "later")),
      ...parts.map((part): Op => ({ do: "settle", part })),
    ]);
    await bench.until(async () => {
      const rows = await bench.pool.query(
        "select 1 from flow_part where run = $1 and state = 'queued' and attempt = 2 and due > now() + interval '50 min'",
        [id],
      );
      return rows.length === parts.length;
    });
    // Others go on meanwhile.
    await bench.report(await bench.start([bench.step("other"), { do: "get", part: "other" }], bench.label("other")));
    const grown = (await residentOf(worker.pid)) - before;
    assert.ok(grown < 100 * 2 ** 20, `${Math.round(grown / 2 ** 20)} MB`);
    await bench.engine.runs.cancel(id, CALL);
  },

  async "errors of a final kind are not tried again, others are until the tries are used up"(bench) {
    await bench.worker();
    const tags = [
      "BadRequest",
      "Invalid",
      "NotFound",
      "Denied",
      "Unsupported",
      "TooLarge",
      "Gone",
      "Busy",
      "BadSource",
      "Conflict",
    ];
    const id = await bench.start([
      ...tags.map((tag) => bench.step(tag, { failures: 9, tag }, "patient")),
      ...tags.map((part): Op => ({ do: "settle", part })),
    ]);
    const { parts } = await bench.report(id);
    const tries = new Map<string, number>();
    for (const { label } of await bench.deeds()) tries.set(label, (tries.get(label) ?? 0) + 1);
    for (const tag of tags) {
      const part = parts[tag];
      assert.ok(part !== undefined && !part.ok);
      assert.equal(part.error.tag, tag);
      assert.equal(tries.get(bench.label(tag)), ["Busy", "BadSource", "Conflict"].includes(tag) ? 3 : 1, tag);
    }
  },

  async "a limit for each key holds over processes, and a killed one leaves no slot taken"(bench) {
    const workers = await Promise.all([bench.worker({ concurrency: 8 }), bench.worker({ concurrency: 8 })]);
    const keys = ["x", "y"];
    const parts = keys.flatMap((key) => Array.from({ length: 8 }, (_, i) => ({ part: `${key}${i}`, key })));
    const gate = bench.label("gate");
    const id = await bench.start([
      ...parts.map(({ part, key }) => bench.step(part, { key, ...(part.endsWith("0") && { gate }) }, "limited")),
      ...parts.map(({ part }): Op => ({ do: "settle", part })),
    ]);
    await bench.until(async () => (await bench.deeds()).filter(({ ended }) => ended !== null).length >= 4);
    const held = (await bench.deeds()).find(({ ended }) => ended === null);
    const victim = workers.find(({ pid }) => pid === held?.pid);
    assert.ok(victim !== undefined);
    await victim.signal("SIGKILL");
    const [now] = await bench.pool.query<{ now: Date }>("select clock_timestamp() as now");
    assert.ok(now !== undefined);
    await bench.open(gate);
    await bench.report(id);
    const deeds = await bench.deeds();
    for (const key of keys) {
      const ofKey = deeds.filter((deed) => deed.key === key);
      assert.equal(new Set(ofKey.map(({ label }) => label)).size, 8);
      assert.equal(mostAtOnce(ofKey, new Map([[victim.pid, now.now]])), 2);
    }
  },

  async "a limit everywhere holds over processes"(bench) {
    await Promise.all([bench.worker(), bench.worker()]);
    const parts = Array.from({ length: 8 }, (_, i) => `p${i}`);
    const id = await bench.start([
      ...parts.map((part) => bench.step(part, {}, "single")),
      ...parts.map((part): Op => ({ do: "get", part })),
    ]);
    await bench.report(id);
    assert.equal(mostAtOnce(await bench.deeds()), 1);
  },

  async "the same id is the same run, also at once and after its end"(bench) {
    await bench.worker();
    const input = { ops: [bench.step("once")] };
    const start = () => bench.engine.runs.start(bench.flow, input, CALL, { id: bench.name });
    const started = await Promise.all(Array.from({ length: 8 }, start));
    assert.deepEqual(started.map(({ isNew }) => isNew).toSorted(), [...Array<boolean>(7).fill(false), true]);
    await bench.report(bench.name);
    assert.deepEqual(await start(), { id: bench.name, isNew: false });
  },

  async "a child that is named is shared: its result, and its failure"(bench) {
    await bench.worker();
    for (const failures of [0, 1]) {
      const shared = bench.label(`shared${failures}`);
      const gate = `${shared} gate`;
      const ops: Op[] = [
        {
          do: "child",
          part: "unit",
          id: shared,
          ops: [bench.step(`unit${failures}`, { failures, gate }), { do: "get", part: `unit${failures}` }],
        },
        { do: "settle", part: "unit" },
      ];
      const ids = await Promise.all(["a", "b", "c"].map((name) => bench.start(ops, `${shared} ${name}`)));
      await bench.until(async () => {
        const runs = await Promise.all(ids.map((id) => bench.get(id)));
        return runs.every(({ parts }) => parts.length === 1);
      });
      await bench.open(gate);
      const reports = await Promise.all(ids.map((id) => bench.report(id)));
      assert.deepEqual(reports.map(({ isNew }) => isNew.unit).toSorted(), [false, false, true]);
      for (const { parts } of reports) {
        const { unit } = parts;
        assert.ok(unit !== undefined && unit.ok === (failures === 0));
        if (!unit.ok) assert.match(unit.error.message, /fails/);
      }
      assert.equal((await bench.deeds(`unit${failures}`)).length, 1);
      const { runs } = await bench.engine.runs.list({ children: true }, CALL);
      assert.equal(runs.find(({ id }) => id === shared)?.parent !== undefined, true);
    }
  },

  async "progress is seen from another process while it moves, and a run's never goes back"(bench) {
    await bench.worker({ concurrency: 1 });
    const gates = ["a", "b"].map((part) => bench.label(`${part} gate`));
    const [gateA = "", gateB = ""] = gates;
    const id = await bench.start([
      bench.step("a", { gate: gateA }),
      { do: "get", part: "a" },
      bench.step("b", { gate: gateB }),
      { do: "get", part: "b" },
    ]);
    const watched = await bench.engine.runs.watch(id, CALL);
    assert.ok(watched !== undefined);
    const percents: number[] = [];
    let last: RunDetail | undefined;
    for await (const run of watched) {
      last = run;
      percents.push(run.progress.percent ?? 0);
      const [a, b] = run.parts;
      if (a?.state === "running" && a.progress.bytes === 4 && run.progress.percent === 40) {
        assert.deepEqual(a.progress, { percent: 40, text: bench.label("a"), bytes: 4, totalBytes: 10 });
        assert.equal(run.progress.text, bench.label("a"));
        await bench.open(gateA);
      }
      if (b?.state === "running" && b.progress.bytes === 4 && (run.progress.percent ?? 0) >= 70)
        await bench.open(gateB);
    }
    assert.equal(last?.state, "succeeded");
    assert.equal(last.progress.percent, 100);
    assert.deepEqual(
      percents,
      percents.toSorted((a, b) => a - b),
    );
    assert.ok(percents.includes(40));
  },

  async "logs and entities are kept with their try"(bench) {
    await bench.worker();
    const id = await bench.start([bench.step("noted", { failures: 1 }, "patient"), { do: "get", part: "noted" }]);
    await bench.report(id);
    const label = bench.label("noted");
    const { logs, used, generated } = await bench.part(id, "noted");
    assert.deepEqual(
      logs.map(({ attempt, message }) => [attempt, message]),
      [1, 2].map((attempt) => [attempt, `try ${attempt} of ${label}`]),
    );
    assert.deepEqual(used[0], { id: `source of ${label}`, digest: "sha256:00" });
    assert.deepEqual(generated.at(-1), { id: `result of ${label}`, bytes: 4, mediaType: "text/plain" });
  },

  async "cancelling stops what runs and what waits, with the children, and removes what was half made"(bench) {
    await bench.worker({ concurrency: 2 });
    const id = await bench.start([
      { do: "child", part: "child", ops: [bench.step("inner", { hang: true }), { do: "get", part: "inner" }] },
      bench.step("outer", { hang: true }),
      { do: "get", part: "outer" },
    ]);
    await bench.begun(2);
    const queued = await bench.start([bench.step("queued"), { do: "get", part: "queued" }], bench.label("queued run"));
    await bench.until(async () => (await bench.get(queued)).parts.length === 1);
    await bench.engine.runs.cancel(queued, CALL);
    await bench.engine.runs.cancel(id, CALL);
    for (const run of [id, queued, `${id}/child`]) {
      const settled = await bench.settled(run);
      assert.ok(!settled.ok && settled.isCancelled, run);
    }
    const deeds = await bench.until(async () => {
      const all = await bench.deeds();
      return all.every(({ ended }) => ended !== null) && all;
    });
    assert.deepEqual(
      deeds.map(({ how }) => how),
      ["stopped", "stopped"],
    );
    await bench.until(async () => deeds.every(({ scratch }) => !existsSync(scratch ?? "")));
    assert.deepEqual(
      (await bench.get(queued)).parts.map(({ state }) => state),
      ["cancelled"],
    );
    await assert.rejects(bench.engine.runs.cancel(id, CALL), (error) => isGyreError(error, "Conflict"));
    await assert.rejects(bench.engine.runs.cancel("none", CALL), (error) => isGyreError(error, "NotFound"));
  },

  async "a step that takes too long is told to stop, and fails"(bench) {
    await bench.worker();
    const id = await bench.start([bench.step("late", { hang: true }, "hasty"), { do: "settle", part: "late" }]);
    const { late } = (await bench.report(id)).parts;
    assert.ok(late !== undefined && !late.ok);
    assert.match(late.error.message, /took more than its 0.2 seconds/);
    assert.equal((await bench.deeds())[0]?.how, "stopped");
  },

  async "input and output are checked; faults of input have pointers"(bench) {
    await assert.rejects(
      bench.engine.runs.start(bench.flow, JSON.parse('{"ops": [{"do": "sleep"}, 7]}') as Script, CALL),
      (error: GyreError) => {
        assert.ok(isGyreError(error, "Invalid"));
        assert.deepEqual(
          error.details.faults?.map(({ pointer }) => pointer),
          ["/ops/1"],
        );
        return true;
      },
    );
    await bench.worker();
    const id = await bench.start([bench.step("bad", JSON.parse('{"key": 7}') as Act), { do: "get", part: "bad" }]);
    const settled = await bench.settled(id);
    assert.ok(!settled.ok);
    assert.equal(settled.error.tag, "Invalid");
    assert.equal((await bench.deeds()).length, 0);
  },

  async "an estimate is made of checked input"(bench) {
    const estimate = await bench.engine.runs.estimate(bench.flow, { ops: [{ do: "sleep", ms: 1 }] }, CALL);
    assert.deepEqual(estimate, { seconds: 1, notes: ["ada"] });
  },

  async "calls side by side in a flow are refused"(bench) {
    await bench.worker();
    const id = await bench.start([{ do: "both", acts: [{ label: bench.label("x") }, { label: bench.label("y") }] }]);
    const settled = await bench.settled(id);
    assert.ok(!settled.ok);
    assert.match(settled.error.message, /awaits each call before the next/);
  },

  async "retry goes on from the failed step; what was done before stays"(bench) {
    await bench.worker();
    const id = await bench.start([
      bench.step("first"),
      { do: "get", part: "first" },
      bench.step("second", { failures: 1 }),
      { do: "child", part: "child", ops: [bench.step("inner", { failures: 1 }), { do: "get", part: "inner" }] },
      { do: "settle", part: "child" },
      { do: "settle", part: "second" },
      bench.step("after"),
      { do: "get", part: "after" },
      { do: "get", part: "second" },
    ]);
    const before = await bench.settled(id);
    assert.ok(!before.ok);
    await bench.engine.runs.retry(id, CALL);
    const { parts } = await bench.report(id);
    assert.deepEqual(parts.second, { ok: true, value: bench.label("second") });
    assert.equal(parts.child?.ok, true);
    const count = async (part: string): Promise<number> => (await bench.deeds(part)).length;
    assert.deepEqual(await Promise.all(["first", "second", "inner", "after"].map(count)), [1, 2, 2, 2]);
    assert.deepEqual(
      (await bench.part(id, "second")).attempts.map(({ state }) => state),
      ["failed", "succeeded"],
    );
    await assert.rejects(bench.engine.runs.retry(id, CALL), (error) => isGyreError(error, "Conflict"));
  },

  async "runs are listed by flow, state and time, newest first, page by page"(bench) {
    await bench.worker();
    const ids = await Promise.all(["1", "2", "3"].map((name) => bench.start([], `${bench.name}-${name}`)));
    await Promise.all(ids.map((id) => bench.report(id)));
    const seen: string[] = [];
    let from: string | undefined;
    do {
      const page = await bench.engine.runs.list(
        { flow: "script", states: ["succeeded"], limit: 2, ...(from !== undefined && { from }) },
        CALL,
      );
      assert.ok(page.runs.length <= 2);
      seen.push(...page.runs.map(({ id }) => id));
      from = page.next;
    } while (from !== undefined);
    assert.deepEqual(new Set(seen.slice(0, 3)), new Set(ids));
    assert.equal(new Set(seen).size, seen.length);
    const none = await bench.engine.runs.list({ before: new Date(0) }, CALL);
    assert.deepEqual(none.runs, []);
    assert.ok(!seen.some((id) => id.endsWith("/child")));
  },

  async "a run that has ended can be deleted with its children, one that goes on cannot"(bench) {
    await bench.worker();
    const gate = bench.label("gate");
    const id = await bench.start([
      { do: "child", part: "child", ops: [bench.step("held", { gate }), { do: "get", part: "held" }] },
      { do: "get", part: "child" },
    ]);
    await bench.begun(1);
    await assert.rejects(bench.engine.runs.delete(id, CALL), (error) => isGyreError(error, "Conflict"));
    await bench.open(gate);
    await bench.report(id);
    await bench.engine.runs.delete(id, CALL);
    assert.equal(await bench.engine.runs.get(id, CALL), undefined);
    assert.equal(await bench.engine.runs.get(`${id}/child`, CALL), undefined);
    await assert.rejects(bench.engine.runs.delete(id, CALL), (error) => isGyreError(error, "NotFound"));
    // The id is free again.
    assert.deepEqual(await bench.engine.runs.start(bench.flow, { ops: [] }, CALL, { id }), { id, isNew: true });
    await bench.report(id);
  },

  async "runs that ended long ago are forgotten"(bench) {
    const worker = await bench.worker();
    await bench.report(await bench.start([]));
    await worker.signal("SIGTERM");
    await bench.another({ retentionDays: 0 });
    await bench.until(async () => (await bench.engine.runs.get(bench.name, CALL)) === undefined);
  },

  async "queued runs that nobody takes fail after their time"(bench) {
    const id = await bench.start([]);
    await bench.another({ expirySeconds: 0 });
    const settled = await bench.settled(id);
    assert.ok(!settled.ok);
    assert.match(settled.error.message, /waited more than 0 seconds/);
  },

  async "a worker that is told to end gives its work to others at once"(bench) {
    const first = await bench.worker();
    const gate = bench.label("gate");
    const id = await bench.start([
      bench.step("kept"),
      { do: "get", part: "kept" },
      bench.step("moved", { gate }),
      { do: "get", part: "moved" },
    ]);
    await bench.begun(2);
    await bench.worker();
    await first.signal("SIGTERM");
    await bench.begun(3);
    await bench.open(gate);
    await bench.report(id);
    assert.deepEqual(
      (await bench.deeds()).map(({ how }) => how),
      ["ended", "stopped", "ended"],
    );
  },

  async "a worker that drains finishes what it runs"(bench) {
    const worker = await bench.worker({ drainMs: 60_000 });
    const gate = bench.label("gate");
    const id = await bench.start([bench.step("last", { gate }), { do: "get", part: "last" }]);
    await bench.begun(1);
    const ended = worker.signal("SIGTERM");
    await bench.open(gate);
    await ended;
    assert.deepEqual(
      (await bench.deeds()).map(({ how }) => how),
      ["ended"],
    );
    await bench.worker();
    await bench.report(id);
    assert.equal((await bench.deeds()).length, 1);
  },

  async "a worker recycles after so many steps, and takes no more"(bench) {
    const worker = await bench.worker({ recycleAfter: 2 });
    const parts = ["a", "b", "c"];
    const id = await bench.start([
      ...parts.map((part) => bench.step(part)),
      ...parts.map((part): Op => ({ do: "get", part })),
    ]);
    assert.equal(await worker.line(), "recycled: It has run 2 steps");
    assert.equal((await bench.deeds()).length, 2);
    await bench.worker();
    await bench.report(id);
  },

  async "a worker above its memory takes no work and recycles"(bench) {
    const worker = await bench.worker({ memoryBytes: 1_000 });
    assert.match((await worker.line()) ?? "", /^recycled: It holds more than 4000 bytes/);
  },

  async "workers are known while they live, with their queues"(bench) {
    const worker = await bench.worker({ listen: ["core"] });
    const workers = await bench.engine.runs.workers(CALL);
    assert.ok(workers.some(({ queues }) => queues.length === 1 && queues[0] === "core"));
    const count = workers.length;
    await worker.signal("SIGTERM");
    assert.equal((await bench.engine.runs.workers(CALL)).length, count - 1);
  },

  async "a worker takes steps of its queues only"(bench) {
    await bench.worker({ listen: ["core"] });
    const id = await bench.start([
      bench.step("other", {}, "limited"),
      bench.step("own"),
      { do: "get", part: "own" },
      { do: "get", part: "other" },
    ]);
    await bench.until(async () => (await bench.part(id, "own").catch(() => undefined))?.state === "succeeded");
    assert.equal((await bench.part(id, "other")).state, "queued");
    await bench.worker({ listen: ["keyed"] });
    await bench.report(id);
    const [own, other] = await Promise.all([bench.deeds("own"), bench.deeds("other")]);
    assert.notEqual(own[0]?.pid, other[0]?.pid);
  },

  async "sleeping goes on after a crash"(bench) {
    const first = await bench.worker();
    const id = await bench.start([
      bench.step("before"),
      { do: "get", part: "before" },
      { do: "sleep", ms: 1_000 },
      bench.step("after"),
      { do: "get", part: "after" },
    ]);
    // Known to have ended, or it would be done again.
    await bench.until(async () => (await bench.get(id)).parts[0]?.state === "succeeded");
    await first.signal("SIGKILL");
    await bench.worker();
    await bench.report(id);
    assert.equal((await bench.deeds()).length, 2);
  },

  async "pending work is known without the engine"(bench) {
    const id = await bench.start([]);
    assert.equal(await bench.engine.hasPending(), true);
    await bench.worker();
    await bench.report(id);
  },
};
