import { randomUUID } from "node:crypto";
import type { Pool } from "../../db/database.ts";
import { migrate } from "../../db/migrate.ts";
import type { ServerAddress } from "../../db/postgres.ts";
import type { AnyFlow, QueueSpec } from "../flow.ts";
import type { Runs } from "../runs.ts";
import { Bell } from "./bell.ts";
import { migrateDbos } from "./dbos.ts";
import { EngineRuns } from "./engine-runs.ts";
import { expire, forget } from "./keeping.ts";
import { hasPendingRuns } from "./pending.ts";
import { type Registry, registryOf } from "./registry.ts";
import { every } from "./timers.ts";
import { startWork, type Work } from "./work.ts";

export { hasPendingRuns } from "./pending.ts";

export interface EngineOptions {
  /** The node's. */
  readonly pool: Pool;
  /** Where that pool is connected to: DBOS has connections of its own. */
  readonly server: ServerAddress;
  /** Flows that can be started, with all they are made of. */
  readonly flows: readonly AnyFlow[];
  /** Limits of queues; one that is not named here has none. */
  readonly queues: readonly QueueSpec[];
  /** Queues this process works on; it executes flows unless it is `none`. One engine of a process can work at a time. */
  readonly listen: readonly string[] | "all" | "none";
  /** Steps at once in this process. */
  readonly concurrency: number;
  /** Steps after which the process should be started anew (`Engine.recycled`); never unless told. */
  readonly recycleAfter?: number;
  /**
   * Memory of one step. A process that holds more than `concurrency` times this takes no more work, and should be
   * started anew once what runs has ended. A single step is not held back: JavaScript cannot tell whose memory it is.
   */
  readonly memoryBytes?: number;
  /** Where tries have their folders; may be shared by processes. */
  readonly scratch: string;
  /** Runs that nobody took for so long fail. */
  readonly expirySeconds?: number;
  /** Runs that ended are forgotten after so many days. */
  readonly retentionDays: number;
  onError(error: unknown): void;
  /** What DBOS says, from `logLevel` (default `error`) on. */
  onLog?(level: LogLevel, message: string): void;
  readonly logLevel?: LogLevel;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Engine {
  readonly runs: Runs;
  /** Resolves with a reason when this process has done its share of work and has none left: it should be started anew. */
  readonly recycled: Promise<string>;
  /** Whether runs wait or go on, in any process. */
  hasPending(): Promise<boolean>;
  /** Takes no more work, waits for what runs (default 0 ms), then leaves it to others. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

const EXPIRE_MS = 2_000;
const FORGET_MS = 60_000;

/** Starts what runs flows; with `listen: "none"` only what starts and reads runs. Several processes may at once. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { pool, server, onError } = options;
  const registry: Registry = registryOf(options.flows);
  await migrate(pool, { name: "flow" });
  await migrateDbos(server, pool.schema);
  const bell = await Bell.listen(pool);
  let work: Work | undefined;
  try {
    if (options.listen !== "none") work = await startWork(options, { bell, registry, id: randomUUID() });
  } catch (error) {
    await bell.close();
    throw error;
  }
  const timers = [
    every(FORGET_MS, onError, () => forget(pool, options.retentionDays)),
    every(EXPIRE_MS, onError, async () => {
      if (options.expirySeconds !== undefined) await expire(pool, options.expirySeconds);
    }),
  ];
  const close = async (drainMs: number): Promise<void> => {
    await Promise.all(timers.map((timer) => timer.stop()));
    await work?.close(drainMs);
    await bell.close();
  };
  let closing: Promise<void> | undefined;
  return {
    runs: new EngineRuns(pool, bell, new Map(options.flows.map((flow) => [flow.name, flow]))),
    recycled: work?.recycled ?? new Promise(() => undefined),
    hasPending: () => hasPendingRuns(pool),
    close({ drainMs = 0 } = {}) {
      closing ??= close(drainMs);
      return closing;
    },
  };
}
