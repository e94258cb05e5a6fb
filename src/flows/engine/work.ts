import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Pool } from "../../db/database.ts";
import { GyreError } from "../../errors.ts";
import type { QueueSpec } from "../flow.ts";
import type { Bell, News } from "./bell.ts";
import { type Dbos, launchDbos } from "./dbos.ts";
import type { EngineOptions, LogLevel } from "./engine.ts";
import { Executor } from "./executor.ts";
import { BEAT_MS, Lease, LIVE_WORKERS } from "./lease.ts";
import type { Registry } from "./registry.ts";
import { StepWorker } from "./step-worker.ts";
import { every } from "./timers.ts";

/** What executes flows and steps in this process. */
export interface Work {
  readonly recycled: Promise<string>;
  close(drainMs: number): Promise<void>;
}

export interface WorkGround {
  readonly bell: Bell;
  readonly registry: Registry;
  /** Of this start of this process. */
  readonly id: string;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
/** Executions that ended so long ago are of no use: what they did is in our own tables. */
const PRUNE_AFTER_MS = 60_000;
/** For steps that were told to stop, and for the database to be told of it. */
const GIVE_UP_MS = 15_000;

/** DBOS is one for a process. */
let isWorking = false;

/** Starts to execute flows and steps. Throws Unsupported when another engine of this process does. */
export async function startWork(options: EngineOptions, ground: WorkGround): Promise<Work> {
  if (isWorking) throw new GyreError("Unsupported", "One engine of a process can execute flows at a time");
  isWorking = true;
  try {
    return await start(options, ground);
  } catch (error) {
    isWorking = false;
    throw error;
  }
}

async function start(options: EngineOptions, { bell, registry, id }: WorkGround): Promise<Work> {
  const { pool, onError } = options;
  const giveUp = new AbortController();
  const queues = queuesOf(options, registry);
  const lease = new Lease(
    pool,
    id,
    queues.map(({ name }) => name),
  );
  const steps = new StepWorker({
    pool,
    bell,
    id,
    steps: registry.steps,
    queues,
    concurrency: options.concurrency,
    recycleAfter: options.recycleAfter ?? Number.POSITIVE_INFINITY,
    memoryBytes: options.memoryBytes ?? Number.POSITIVE_INFINITY,
    scratch: options.scratch,
    closing: giveUp.signal,
    onError,
  });
  const executor: Executor = new Executor({
    pool,
    bell,
    flows: registry.flows,
    closing: giveUp.signal,
    timeIn: (ms) => dbos.timeIn(ms),
    onError,
  });
  // Before anything is taken or made, or a peer would take it away.
  await lease.beat();
  await steps.prepare();
  await clear(pool, options.scratch, id);
  const dbos: Dbos = await launchDbos({
    server: options.server,
    schema: pool.schema,
    executor: id,
    execute: (run, execution) => executor.execute(run, execution),
    onLog: (level, entry) => tell(options, level, entry),
    onError,
  });
  steps.start();
  const bury = async (): Promise<void> => {
    const dead = await lease.bury();
    if (dead.length === 0) return;
    await dbos.recover(dead);
    await dbos.nudge();
  };
  const check = async (): Promise<void> => {
    const tries = steps.tries();
    if (tries.size > 0) steps.stopOthers(await lease.tries(), tries);
    await stopOthers(pool, executor);
  };
  const hear = async (news: News | undefined): Promise<void> => {
    if (news === undefined || news.kind === "queued") steps.ring(news?.queue);
    if (news === undefined || news.kind === "started") await dbos.nudge();
    if (news?.kind === "left") await bury();
    if (news === undefined) await check();
    if (news?.kind !== "stopped") return;
    const active = executor.active.get(news.run);
    const tries = steps.tries(news.run);
    if (tries.size > 0) steps.stopOthers(await lease.tries(), tries);
    if (active !== undefined) await stopOthers(pool, executor, dbos);
  };
  const hearing = bell.hear((news) => void hear(news).catch(onError));
  const timers = [
    every(BEAT_MS, onError, async () => {
      await lease.beat();
      await check();
      await bury();
    }),
    every(PRUNE_AFTER_MS, onError, () => dbos.prune(new Date(Date.now() - PRUNE_AFTER_MS))),
  ];
  return {
    recycled: steps.recycled,
    async close(drainMs) {
      const timer = setTimeout(() => giveUp.abort(), drainMs + GIVE_UP_MS);
      try {
        await steps.close(drainMs);
        clearTimeout(timer);
        giveUp.abort();
        executor.giveUp();
        hearing[Symbol.dispose]();
        await Promise.all(timers.map((one) => one.stop()));
        await dbos.close();
      } finally {
        isWorking = false;
        await lease.leave().catch(onError);
      }
    },
  };
}

/** Stops executions of runs that were cancelled, deleted or begun anew. */
async function stopOthers(pool: Pool, executor: Executor, dbos?: Dbos): Promise<void> {
  const active = [...executor.active];
  if (active.length === 0) return;
  const rows = await pool.query<{ execution: string }>(
    "select execution from flow_run where id = any($1) and ended is null",
    [active.map(([run]) => run)],
  );
  const kept = new Set(rows.map(({ execution }) => execution));
  const gone = active.filter(([, { execution }]) => !kept.has(execution));
  for (const [run] of gone) executor.stop(run);
  if (gone.length > 0) await dbos?.cancel(gone.map(([, { execution }]) => execution));
}

/** The queues that this process works on, with their limits. */
function queuesOf({ queues, listen }: EngineOptions, { steps }: Registry): readonly QueueSpec[] {
  const specs = new Map(queues.map((queue) => [queue.name, queue]));
  const names = Array.isArray(listen)
    ? new Set<string>(listen)
    : new Set([...specs.keys(), ...[...steps.values()].map(({ queue }) => queue)]);
  return [...names].map((name) => specs.get(name) ?? { name });
}

/** Removes the folders of workers that are no more. */
async function clear(pool: Pool, scratch: string, own: string): Promise<void> {
  const folders = await readdir(scratch).catch(() => []);
  const alive = new Set([own, ...(await pool.query<{ id: string }>(LIVE_WORKERS)).map(({ id }) => id)]);
  const isWorkers = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  for (const folder of folders)
    if (isWorkers.test(folder) && !alive.has(folder)) await rm(join(scratch, folder), { recursive: true, force: true });
}

function tell({ onLog, onError, logLevel = "error" }: EngineOptions, level: LogLevel, entry: unknown): void {
  if (LEVELS.indexOf(level) < LEVELS.indexOf(logLevel)) return;
  if (onLog !== undefined) onLog(level, entry instanceof Error ? entry.message : String(entry));
  else if (level === "error") onError(entry);
}
