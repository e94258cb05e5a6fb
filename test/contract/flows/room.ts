import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../../../src/core/principal.ts";
import type { Pool } from "../../../src/db/database.ts";
import type { ServerAddress } from "../../../src/db/postgres.ts";
import { type Engine, type EngineOptions, startEngine } from "../../../src/flows/engine/engine.ts";
import type { Flow, Settled } from "../../../src/flows/flow.ts";
import type { Part, RunDetail } from "../../../src/flows/runs.ts";
import {
  type Act,
  type ActSteps,
  type Deed,
  deedsOf,
  type Op,
  openGate,
  QUEUES,
  type Report,
  type Script,
  scriptFlow,
} from "../../flows/engine/script.ts";
import type { WorkerProcess } from "../../flows/engine/worker-process.ts";
import { ForeignWorker } from "../../flows/engine/workers.ts";

export interface FlowsFixture {
  /** On an empty schema. */
  readonly pool: Pool;
  readonly address: ServerAddress;
  close(): Promise<unknown>;
}

/** Tests by their titles. */
export interface Cases {
  readonly [title: string]: (room: Room) => Promise<void>;
}

export const CALL: Call = { who: { subject: "ada", roles: ["editor"] } };
const LOOK_MS = 25;

/** An engine that executes nothing, unless told. */
export function optionsOf(
  { pool, address }: FlowsFixture,
  scratch: string,
  more: Partial<EngineOptions> = {},
): EngineOptions {
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
export class Room {
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
