import { Worker } from "node:worker_threads";
import type { CodecSpec, IoCall } from "../core/array.ts";
import type { TypedArray, Values } from "../core/dtype.ts";
import type { ErrorDetails, ErrorTag } from "../errors.ts";
import { GyreError } from "../errors.ts";
import type { ChunkMeta } from "./codec.ts";

/** What a worker is asked: `pipeline` names the chain, so that the worker can keep it ready. */
export interface Job {
  readonly pipeline: number;
  readonly codecs: readonly CodecSpec[];
  readonly meta: ChunkMeta;
  readonly shape?: readonly number[];
  readonly decode?: Uint8Array;
  readonly encode?: Values;
  /** What is decoded is encoded so. */
  readonly recode?: { readonly pipeline: number; readonly codecs: readonly CodecSpec[] };
}

/** A job on its way to a worker, and what comes back under the same number. */
export interface Request {
  readonly id: number;
  readonly job: Job;
}

export type Reply = { readonly id: number } & (
  | { readonly result: Values | Uint8Array }
  | { readonly tag: ErrorTag; readonly message: string; readonly details: ErrorDetails }
  | { readonly message: string }
);

export interface WorkerPool {
  /** `job`'s own buffers in `transfer` move to the worker. */
  run(job: Job, transfer: readonly ArrayBuffer[], call?: IoCall): Promise<Values | Uint8Array>;
  close(): Promise<void>;
}

interface Task {
  readonly job: Job;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (result: Values | Uint8Array) => void;
  readonly reject: (reason: unknown) => void;
}

/** Values in memory of their own, which can move to another thread. A Node Buffer's `slice` would share its memory. */
export function ownCopy(values: TypedArray): TypedArray {
  return values instanceof Uint8Array ? new Uint8Array(values) : (values.slice() as TypedArray);
}

/** The worker's file has this module's own suffix: `.ts` from source, `.js` in `dist`. */
const WORKER = new URL(`./worker${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url);

/** Jobs that a thread has at once: it begins the next while the answer to the last is on its way. */
const JOBS_PER_THREAD = 2;

/**
 * Up to `size` threads, started when first needed, which keep the process alive only while they work. A thread that
 * dies fails its jobs and is replaced; an aborted job is dropped from the queue, or its result is.
 */
export function createWorkerPool(size: number, plugins: readonly string[]): WorkerPool {
  const queue: Task[] = [];
  const threads = new Map<Worker, Map<number, Task>>();
  let ids = 0;
  let closed = false;

  function start(): Worker {
    const worker = new Worker(WORKER, { workerData: { plugins } });
    const tasks = new Map<number, Task>();
    threads.set(worker, tasks);
    worker.on("message", (reply: Reply) => {
      const task = tasks.get(reply.id);
      tasks.delete(reply.id);
      if (tasks.size === 0) worker.unref();
      next();
      if (task !== undefined) settle(task, reply);
    });
    let failure: unknown;
    worker.on("error", (error) => {
      failure = error;
    });
    worker.on("exit", (code) => {
      threads.delete(worker);
      const reason = failure instanceof Error ? failure.message : `exit code ${code}`;
      for (const task of tasks.values()) {
        task.reject(closed ? closedError() : new GyreError("BadSource", `a codec thread died: ${reason}`));
      }
      next();
    });
    return worker;
  }

  /** The thread with the fewest jobs; a new one rather than one that is busy. Undefined: all have enough. */
  function freest(): Worker | undefined {
    let found: Worker | undefined;
    let fewest = JOBS_PER_THREAD;
    for (const [worker, { size: jobs }] of threads) {
      if (jobs < fewest) [found, fewest] = [worker, jobs];
    }
    return fewest > 0 && threads.size < size ? start() : found;
  }

  function next(): void {
    while (!closed && queue.length > 0) {
      const worker = freest();
      if (worker === undefined) return;
      const task = queue.shift()!;
      const id = ids++;
      threads.get(worker)!.set(id, task);
      worker.ref();
      worker.postMessage({ id, job: task.job } satisfies Request, task.transfer);
    }
  }

  return {
    run(job, transfer, call) {
      const signal = call?.signal;
      if (closed) return Promise.reject(closedError());
      if (signal?.aborted) return Promise.reject(signal.reason);
      return new Promise((resolve, reject) => {
        const abort = (): void => {
          const at = queue.indexOf(task);
          if (at >= 0) queue.splice(at, 1);
          reject(signal?.reason);
        };
        const done = <A>(settleWith: (value: A) => void) => {
          return (value: A): void => {
            signal?.removeEventListener("abort", abort);
            settleWith(value);
          };
        };
        const task: Task = { job, transfer, resolve: done(resolve), reject: done(reject) };
        signal?.addEventListener("abort", abort, { once: true });
        queue.push(task);
        next();
      });
    },
    async close() {
      closed = true;
      for (const task of queue.splice(0)) task.reject(closedError());
      await Promise.all([...threads.keys()].map((worker) => worker.terminate()));
    },
  };
}

function settle(task: Task, reply: Reply): void {
  if ("result" in reply) task.resolve(reply.result);
  else if ("tag" in reply) task.reject(new GyreError(reply.tag, reply.message, reply.details));
  else task.reject(new Error(reply.message));
}

function closedError(): GyreError {
  return new GyreError("Busy", "the codec threads are closed");
}
