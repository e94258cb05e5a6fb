import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Config } from "../config.ts";
import { ANONYMOUS, type Call } from "../core/principal.ts";
import type { Engine, EngineOptions } from "../flows/engine/engine.ts";
import { hasPendingRuns } from "../flows/engine/pending.ts";
import type { QueueSpec } from "../flows/flow.ts";
import type { Runs } from "../flows/runs.ts";
import type { NodeDatabase } from "../publication/node-database.ts";
import { aborted } from "./aborted.ts";
import { atNeed } from "./at-need.ts";
import { openParts, type Parts, type PartsOptions } from "./parts.ts";
import { Working } from "./working.ts";

/** The processing half of a node once its database is there: what flows are about, and what runs them. */
export interface Processing {
  parts(): Promise<Parts>;
  runs(): Promise<Runs>;
  /** `dataset.version` of what is on its way into the package of a boundary. */
  executing(boundary: string, call: Call): Promise<readonly string[]>;
  /** Works on runs from now on, whenever there are any. */
  begin(): void;
  /** Works on runs until the signal aborts, or until the process should be started anew: answers why. */
  work(signal: AbortSignal, onStart: () => void): Promise<string | undefined>;
  /** Whether the database answers, and somebody works on runs or can. */
  isReady(): Promise<boolean>;
  close(): Promise<void>;
}

export interface ProcessingOptions extends Omit<PartsOptions, "pool" | "runs" | "publicUrl"> {
  readonly database: NodeDatabase;
  /** Where clients find packages; asked when the first is made or described. */
  publicUrl(): URL;
  readonly tell: (message: string) => void;
}

/** What of a run of the flow `dataset` tells where its result goes. */
const datasetInput = z.object({ boundary: z.object({ name: z.string() }), processor: z.string() });

/** Steps that run when a process is asked to end may go on for so long; then others take them up. */
const DRAIN_MS = 5_000;

/** Waits for the database, and for nothing else: all that follows is made when it is asked for. */
export async function startProcessing(
  config: Config,
  options: ProcessingOptions,
  signal: AbortSignal,
): Promise<Processing> {
  const { onError, tell } = options;
  const { pool, address } = await options.database.open();
  signal.throwIfAborted();
  let running: Runs | undefined;
  const parts = atNeed(() =>
    openParts(config, {
      ...{ ...options, pool, publicUrl: options.publicUrl() },
      runs() {
        if (running === undefined) throw new Error("flows run in engines only");
        return running;
      },
    }),
  );

  /** `none`: starts and reads runs, and works on none. */
  async function engineOf(listen: EngineOptions["listen"], more: Partial<EngineOptions> = {}): Promise<Engine> {
    const [{ startEngine }, { flows }] = await Promise.all([import("../flows/engine/engine.ts"), parts()]);
    const { concurrency, expiry, logLevel, retentionDays } = config.flows;
    const engine = await startEngine({
      ...{ pool, server: address, listen, concurrency, logLevel, retentionDays },
      flows: [flows.package, flows.packages, flows.redescribe],
      queues: queuesOf(config, flows.queues),
      scratch: fileURLToPath(options.places.scratch),
      expirySeconds: expiry / 1000,
      onError: (error) => onError(error, "flows"),
      onLog: (level, message) => tell(`flows: ${level}: ${message}`),
      ...more,
    });
    running ??= engine.runs;
    return engine;
  }

  const reader = atNeed(() => engineOf("none"));
  let working: Working | undefined;
  return {
    parts,
    runs: async () => (await reader()).runs,
    async executing(boundary, call) {
      if (!(await hasPendingRuns(pool))) return [];
      const { runs } = await reader();
      const going = await runs.list(
        { flow: "dataset", children: true, states: ["queued", "running"], limit: 1000 },
        call,
      );
      const inputs = going.runs.map(({ input }) => datasetInput.parse(input));
      return inputs.filter((input) => input.boundary.name === boundary).map(({ processor }) => processor);
    },
    begin() {
      working ??= new Working({
        pool,
        start: () => engineOf(config.flows.listen ?? "all"),
        drainMs: DRAIN_MS,
        onError: (error) => onError(error, "flows"),
      });
    },
    async work(stop, onStart) {
      const { memory, recycleAfter, listen = "all" } = config.flows;
      const engine = await engineOf(listen, {
        memoryBytes: memory,
        ...(recycleAfter === undefined ? {} : { recycleAfter }),
      });
      onStart();
      try {
        return await Promise.race([engine.recycled, aborted(stop)]);
      } finally {
        await engine.close({ drainMs: DRAIN_MS });
      }
    },
    async isReady() {
      await pool.query("select 1");
      if (working !== undefined) return true;
      return (await (await reader()).runs.workers({ who: ANONYMOUS })).length > 0;
    },
    async close() {
      await working?.close();
      await (await reader.made?.catch(() => undefined))?.close();
    },
  };
}

/** What flows want of their queues, and the configuration over it. */
function queuesOf({ flows }: Config, own: readonly QueueSpec[]): readonly QueueSpec[] {
  const names = new Set([...own.map(({ name }) => name), ...Object.keys(flows.queues)]);
  return [...names].map((name) => ({
    name,
    ...own.find((queue) => queue.name === name),
    ...given(flows.queues[name]),
  }));
}

function given(limits: Config["flows"]["queues"][string] = {}): Partial<QueueSpec> {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined));
}
