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
}

export type Reply =
  | { readonly result: Values | Uint8Array }
  | { readonly tag: ErrorTag; readonly message: string; readonly details: ErrorDetails }
  | { readonly message: string };

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

/**
 * Up to `size` threads, started when first needed, which keep the process alive only while they work. A thread that
 * dies fails its job and is replaced; an aborted job is dropped from the queue, or its result is.
 */
export function createWorkerPool(size: number, plugins: readonly string[]): WorkerPool {
  const queue: Task[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Task>();
  let closed = false;

  function start(): Worker {
    const worker = new Worker(WORKER, { workerData: { plugins } });
    worker.on("message", (reply: Reply) => {
      const task = busy.get(worker);
      busy.delete(worker);
      worker.unref();
      idle.push(worker);
      next();
      if (task !== undefined) settle(task, reply);
    });
    let failure: unknown;
    worker.on("error", (error) => {
      failure = error;
    });
    worker.on("exit", (code) => {
      const task = busy.get(worker);
      busy.delete(worker);
      const at = idle.indexOf(worker);
      if (at >= 0) idle.splice(at, 1);
      const reason = failure instanceof Error ? failure.message : `exit code ${code}`;
      task?.reject(closed ? closedError() : new GyreError("BadSource", `a codec thread died: ${reason}`));
      next();
    });
    return worker;
  }

  function next(): void {
    while (!closed && queue.length > 0 && (idle.length > 0 || busy.size < size)) {
      const worker = idle.pop() ?? start();
      const task = queue.shift()!;
      busy.set(worker, task);
      worker.ref();
      worker.postMessage(task.job, task.transfer);
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
      await Promise.all([...idle, ...busy.keys()].map((worker) => worker.terminate()));
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
