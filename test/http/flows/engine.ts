import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { z } from "zod";
import type { Access } from "../../../src/core/access.ts";
import { ANONYMOUS } from "../../../src/core/principal.ts";
import { type Engine, startEngine } from "../../../src/flows/engine/engine.ts";
import type { AnyFlow, Flow, Step } from "../../../src/flows/flow.ts";
import type { RunDetail } from "../../../src/flows/runs.ts";
import { createApp } from "../../../src/http/app.ts";
import { createFlows } from "../../../src/http/routes/flows/flows.ts";
import { createProcesses } from "../../../src/http/routes/processes/processes.ts";
import { type Ending, testDatabase, testServer } from "../../services/postgres.ts";

export const CALL = { who: ANONYMOUS };
export const BASE = "http://node.example/";

const sumInput = z.object({
  a: z.number().describe("the first"),
  b: z.number().default(1),
  more: z.object({ deep: z.boolean() }).optional(),
});
type Sum = z.output<typeof sumInput>;

const adding: Step<Sum, number> = {
  name: "adding",
  input: sumInput,
  output: z.number(),
  queue: "core",
  async run({ a, b }, context) {
    context.used({ id: "https://user:secret@source.example/numbers?signature=1", digest: "sha256:00" });
    context.generated({ id: "sum.txt", digest: "sha256:11" });
    context.log(`${a} and ${b}`);
    return a + b;
  },
};

/** Two numbers together. */
export const sum: Flow<Sum, { sum: number; input: Sum }> = {
  name: "sum",
  title: "Sum",
  description: "Adds two numbers",
  input: sumInput,
  output: z.object({ sum: z.number(), input: sumInput }),
  steps: [adding],
  isPublic: true,
  estimate: async ({ a }) => ({ seconds: a }),
  run: async (input, context) => ({ sum: await (await context.step(adding, "add", input)).get(), input }),
};

const hanging: Step<null, null> = {
  name: "hanging",
  input: z.null(),
  output: z.null(),
  queue: "slow",
  async run(_, context) {
    const { signal } = context;
    context.progress({ percent: 40, text: "hangs" });
    if (!signal.aborted) await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
    signal.throwIfAborted();
    return null;
  },
};

/** Runs until it is cancelled; takes nothing that has a name. */
export const hang: Flow<null, null> = {
  name: "hang",
  title: "Hang",
  description: "Waits to be cancelled",
  input: z.null(),
  output: z.null(),
  steps: [hanging],
  isPublic: true,
  run: async (input, context) => (await context.step(hanging, "hang", input)).get(),
};

/** What the flow `mend` needs to succeed. */
export interface Switch {
  isFixed: boolean;
}

function mendable(state: Switch): Flow<string, string> {
  const trying: Step<string, string> = {
    name: "trying",
    input: z.string(),
    output: z.string(),
    queue: "core",
    async run(text) {
      if (!state.isFixed) throw new Error("it is broken: file:///home/someone/data.tif");
      return text;
    },
  };
  return {
    name: "mend",
    title: "Mend",
    description: "Fails until it is fixed; a part of others only",
    input: z.string(),
    output: z.string(),
    steps: [trying],
    run: async (input, context) => (await context.step(trying, "try", input)).get(),
  };
}

/** Routes over an engine of their own. */
export interface TestRuns {
  readonly app: ReturnType<typeof createApp>;
  readonly engine: Engine;
  readonly mend: Flow<string, string>;
  readonly mending: Switch;
  get(path: string, init?: RequestInit): Promise<Response>;
  json<T>(path: string): Promise<T>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Starts a run and waits until it has ended. */
  ran<In, Out>(flow: Flow<In, Out>, input: In): Promise<string>;
  /** Waits until a run hangs in its step. */
  hanging(id: string): Promise<void>;
}

/** Runs for all tests of a suite; `use` gets them before the first. */
export function withRuns(use: (runs: TestRuns) => void): void {
  const endings: (() => Promise<void>)[] = [];
  before(async () => use(await startRuns({ after: (work) => endings.unshift(work) })));
  after(async () => {
    for (const end of endings) await end();
  });
}

async function startRuns(ending: Ending): Promise<TestRuns> {
  const pool = await testDatabase(ending);
  const scratch = await mkdtemp(join(tmpdir(), "gyre-runs-"));
  const mending: Switch = { isFixed: false };
  const mend = mendable(mending);
  const flows: readonly AnyFlow[] = [sum, hang, mend];
  const engine = await startEngine({
    ...{ pool, server: await testServer(), flows, queues: [], listen: "all", concurrency: 4, scratch },
    retentionDays: 1,
    onError: (error) => console.error(error),
  });
  ending.after(async () => {
    await engine.close();
    await pool.query(`drop schema if exists ${pool.schema}_flow cascade`);
    await rm(scratch, { recursive: true, force: true });
  });
  const runs = async () => engine.runs;
  const protocols = [createFlows({ runs }), createProcesses({ runs })];
  const app = createApp({ access: {} as Access, protocols });
  const get: TestRuns["get"] = (path, init = {}) => app(new Request(new URL(path, BASE), init));
  return {
    app,
    engine,
    mend,
    mending,
    get,
    json: async <T>(path: string) => (await (await get(path)).json()) as T,
    post: (path, body, headers = {}) =>
      get(path, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    async ran(flow, input) {
      const { id } = await engine.runs.start(flow, input, CALL);
      await engine.runs.settled(id, CALL);
      return id;
    },
    async hanging(id) {
      let last: RunDetail | undefined;
      for await (const run of (await engine.runs.watch(id, CALL)) ?? []) {
        last = run;
        if (run.progress.percent === 40) return;
      }
      throw new Error(`it never hung: ${JSON.stringify(last)}`);
    },
  };
}
