import { Worker } from "node:worker_threads";
import type { CodecSpec, IoCall } from "../core/array.ts";
import { product } from "../core/array.ts";
import type { TypedArray, Values } from "../core/dtype.ts";
import { asBytes, asValues, itemSize } from "../core/dtype.ts";
import type { ErrorDetails, ErrorTag } from "../errors.ts";
import { GyreError } from "../errors.ts";
import type { ChunkMeta, Part } from "./codec.ts";
import { Loan, type SharedMemory } from "./shared-memory.ts";

/** What a worker is asked: `pipeline` names the chain, so that the worker can keep it ready. */
export interface Job {
  readonly pipeline: number;
  readonly codecs: readonly CodecSpec[];
  readonly meta: ChunkMeta;
  readonly shape?: readonly number[];
  readonly decode?: Uint8Array;
  readonly encode?: Values;
  readonly parts?: readonly Part[];
  /** What is decoded is encoded so. */
  readonly recode?: { readonly pipeline: number; readonly codecs: readonly CodecSpec[] };
}

/** A job on its way to a worker, and what comes back under the same number. */
export interface Request {
  readonly id: number;
  readonly job: Job;
  /** Memory that both threads see: the answer goes there if it fits. */
  readonly into?: Uint8Array;
}

/** `written`: the bytes of the answer in `into`. */
export type Reply = { readonly id: number } & (
  | { readonly written: number }
  | { readonly result: Values | Uint8Array }
  | { readonly tag: ErrorTag; readonly message: string; readonly details: ErrorDetails }
  | { readonly message: string }
);

/** Where the bytes of an answer go instead of memory of their own. */
export interface Into {
  readonly into?: (bytes: number) => Uint8Array;
}

export interface WorkerPool {
  /** The result is in memory of its own; that of `parts` is in theirs. */
  run(job: Job, call?: IoCall & Into): Promise<Values | Uint8Array>;
  close(): Promise<void>;
}

interface Task extends Into {
  readonly job: Job;
  readonly resolve: (result: Values | Uint8Array) => void;
  readonly reject: (reason: unknown) => void;
}

/** A task that a worker has, and the memory that is its until the answer has come. */
interface Sent {
  readonly task: Task;
  readonly loan?: Loan;
  readonly into?: Uint8Array;
}

interface Thread {
  readonly worker: Worker;
  readonly sent: Map<number, Sent>;
}

/** Values in memory of their own, which can move to another thread. A Node Buffer's `slice` would share its memory. */
export function ownCopy(values: TypedArray): TypedArray {
  return values instanceof Uint8Array ? new Uint8Array(values) : (values.slice() as TypedArray);
}

/** The worker's file has this module's own suffix: `.ts` from source, `.js` in `dist`. */
const WORKER = new URL(`./worker${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url);

/** Jobs that a thread has at once: it begins the next while the answer to the last is on its way. */
const JOBS_PER_THREAD = 3;
/** Larger chunks are moved to the thread and back: memory for them is not worth keeping. */
const MOST_SHARED = 1 << 26;

/**
 * Up to `size` threads, started when first needed, which keep the process alive only while they work. A thread that
 * dies fails its jobs and is replaced; an aborted job is dropped from the queue, or its result is.
 */
export function createWorkerPool(size: number, plugins: readonly string[], memory: SharedMemory): WorkerPool {
  const queue: Task[] = [];
  const threads = new Set<Thread>();
  let ids = 0;
  let closed = false;

  function start(): Thread {
    const worker = new Worker(WORKER, { workerData: { plugins } });
    const sent = new Map<number, Sent>();
    const thread = { worker, sent };
    threads.add(thread);
    worker.on("message", (reply: Reply) => {
      const job = sent.get(reply.id);
      if (job === undefined) return;
      sent.delete(reply.id);
      if (sent.size === 0) worker.unref();
      next();
      settle(job, reply);
      job.loan?.giveBack();
      if (job.into !== undefined) memory.give(job.into);
    });
    let failure: unknown;
    worker.on("error", (error) => {
      failure = error;
    });
    worker.on("exit", (code) => {
      threads.delete(thread);
      const reason = failure instanceof Error ? failure.message : `exit code ${code}`;
      for (const { task } of sent.values()) {
        task.reject(closed ? closedError() : new GyreError("BadSource", `a codec thread died: ${reason}`));
      }
      next();
    });
    return thread;
  }

  /** The thread with the fewest jobs; a new one rather than one that is busy. Undefined: all have enough. */
  function freest(): Thread | undefined {
    let found: Thread | undefined;
    let fewest = JOBS_PER_THREAD;
    for (const thread of threads) {
      if (thread.sent.size < fewest) [found, fewest] = [thread, thread.sent.size];
    }
    return fewest > 0 && threads.size < size ? start() : found;
  }

  function next(): void {
    while (!closed && queue.length > 0) {
      const thread = freest();
      if (thread === undefined) return;
      send(thread, queue.shift()!);
    }
  }

  function send({ worker, sent }: Thread, task: Task): void {
    const { job } = task;
    const id = ids++;
    worker.ref();
    const input = job.decode ?? job.encode;
    const decoded = decodedBytes(job);
    if (!ArrayBuffer.isView(input)) {
      sent.set(id, { task });
      worker.postMessage({ id, job } satisfies Request);
    } else if (decoded !== undefined && Math.max(decoded, input.byteLength) <= MOST_SHARED) {
      const loan = new Loan(memory);
      const isShared = input.buffer instanceof SharedArrayBuffer;
      const from = isShared ? asBytes(input) : loan.hold(asBytes(input));
      const into = memory.take(decoded);
      sent.set(id, { task, loan, into });
      const shared = job.decode === undefined ? asValues(job.meta.dtype, from) : from;
      worker.postMessage({ id, job: withInput(job, shared), into } satisfies Request);
    } else {
      sent.set(id, { task });
      // The caller may keep its bytes, a cached page: a thread gets a copy.
      const own = ownCopy(input);
      worker.postMessage({ id, job: withInput(job, own) } satisfies Request, [own.buffer as ArrayBuffer]);
    }
  }

  return {
    run(job, call) {
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
        const room = call?.into === undefined ? {} : { into: call.into };
        const task: Task = { job, ...room, resolve: done(resolve), reject: done(reject) };
        signal?.addEventListener("abort", abort, { once: true });
        queue.push(task);
        next();
      });
    },
    async close() {
      closed = true;
      for (const task of queue.splice(0)) task.reject(closedError());
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
}

/** Bytes of a whole decoded chunk; undefined where nothing tells. */
function decodedBytes({ meta }: Job): number | undefined {
  const bytes = itemSize(meta.dtype);
  return bytes === undefined ? undefined : product(meta.shape) * bytes;
}

function withInput(job: Job, input: TypedArray): Job {
  return job.decode === undefined ? { ...job, encode: input } : { ...job, decode: input as Uint8Array };
}

function settle({ task, into }: Sent, reply: Reply): void {
  if ("written" in reply && into !== undefined) task.resolve(taken(into.subarray(0, reply.written), task));
  else if ("result" in reply) task.resolve(reply.result);
  else if ("tag" in reply) task.reject(new GyreError(reply.tag, reply.message, reply.details));
  else if ("message" in reply) task.reject(new Error(reply.message));
}

/** A copy of an answer: the memory that it is in belongs to the next job. */
function taken(bytes: Uint8Array, { job: { decode, recode, meta }, into }: Task): TypedArray {
  if (decode !== undefined && recode === undefined) return ownCopy(asValues(meta.dtype, bytes));
  if (into === undefined) return ownCopy(bytes);
  const room = into(bytes.length).subarray(0, bytes.length);
  room.set(bytes);
  return room;
}

function closedError(): GyreError {
  return new GyreError("Busy", "the codec threads are closed");
}
