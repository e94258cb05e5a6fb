import { on } from "node:events";
import { Worker } from "node:worker_threads";
import type { IoCall } from "../../core/array.ts";
import { type ErrorTag, type Fault, GyreError } from "../../errors.ts";
import type { UnwrapOptions } from "./antimeridian.ts";
import { type Area, areaOf } from "./area.ts";
import type { Rings } from "./rings.ts";

export interface ThreadOptions extends IoCall {
  /** Milliseconds of work after which it gives up; the start of the thread is not counted. */
  readonly mostMs: number;
}

export interface AreaTask {
  readonly polygons: readonly Rings[];
  readonly options: UnwrapOptions;
}

/** First that the thread begins, then what became of it. */
export type AreaAnswer =
  | { readonly isBegun: true }
  | { readonly area: Area }
  | { readonly tag: ErrorTag; readonly message: string; readonly faults: readonly Fault[] };

/** The worker's file has this module's own suffix: `.ts` from source, `.js` in `dist`. */
const SUFFIX = import.meta.url.slice(import.meta.url.lastIndexOf("."));
const WORKER = new URL(`./area-worker${SUFFIX}`, import.meta.url);
/** Crossings of so few edges are soon found, sooner than a thread starts. */
const FEW_VERTICES = 64;
/** Threads at once, and tasks that wait for them. */
const THREADS = 1;
const MOST_WAITING = 16;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * `areaOf` for polygons of clients. A few thousand edges that all cross each other keep GEOS busy for minutes and fill
 * its memory, so a thread of its own does it, which is ended when it takes too long.
 */
export async function areaInThread(task: AreaTask, options: ThreadOptions): Promise<Area> {
  const vertices = task.polygons.flat().reduce((sum, ring) => sum + ring.length, 0);
  if (vertices <= FEW_VERTICES) return areaOf(task.polygons, task.options);
  await turn();
  try {
    options.signal?.throwIfAborted();
    return await inThread(task, options);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

/** Whoever waits is handed the place of one who leaves. */
async function turn(): Promise<void> {
  if (running < THREADS) running++;
  else if (waiting.length < MOST_WAITING) await new Promise<void>((resolve) => waiting.push(resolve));
  else throw new GyreError("Busy", "too many polygons wait to be checked", { retryAfter: 10 });
}

async function inThread(task: AreaTask, { signal, mostMs }: ThreadOptions): Promise<Area> {
  const worker = new Worker(WORKER, { workerData: task });
  const late = new AbortController();
  const stop = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const [answer] of on(worker, "message", { signal: stop }) as AsyncIterable<[AreaAnswer]>) {
      if ("area" in answer) return answer.area;
      if ("tag" in answer) throw new GyreError(answer.tag, answer.message, { faults: answer.faults });
      timer = setTimeout(() => late.abort(), mostMs);
    }
    throw new Error("the thread ended without an answer");
  } catch (error) {
    if (!late.signal.aborted || signal?.aborted === true) throw error;
    const detail = "its edges cross each other too often to be repaired";
    throw new GyreError("Invalid", detail, { faults: [{ pointer: "", detail }] });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
