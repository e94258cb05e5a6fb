import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { isMarkedAsUntransferable, parentPort, workerData } from "node:worker_threads";
import type { TypedArray, Values } from "../core/dtype.ts";
import { isGyreError } from "../errors.ts";
import type { CodecEntry, Pipeline } from "./codec.ts";
import { createPipeline, decodeParts, put } from "./pipeline.ts";
import { createCodecRegistry } from "./registry.ts";
import type { Job, Reply, Request } from "./worker-pool.ts";
import { ownCopy } from "./worker-pool.ts";

/** How much less of a core this thread gets than the main one, where both want it; 19 is least. */
const NICENESS = 5;
/** Pipelines kept ready in one thread. */
const MAX_PIPELINES = 256;

yieldToMainThread();
const { plugins } = workerData as { readonly plugins: readonly string[] };
const registry = Promise.all(plugins.map((url) => import(url) as Promise<{ codecs?: readonly CodecEntry[] }>)).then(
  (modules) => createCodecRegistry(modules.flatMap((module) => module.codecs ?? [])),
);
const pipelines = new Map<number, Promise<Pipeline>>();

parentPort?.on("message", async ({ id, job, into }: Request) => {
  try {
    const result = await run(job, into);
    if (ArrayBuffer.isView(result) && result.byteLength <= (into?.length ?? -1)) {
      parentPort?.postMessage({ id, written: put(result, into!) } satisfies Reply);
      return;
    }
    const own = isPartOrShared(result) ? ownCopy(result) : result;
    parentPort?.postMessage({ id, result: own } satisfies Reply, transferable(own));
  } catch (error) {
    parentPort?.postMessage(failure(id, error));
  }
});

async function run(job: Job, into: Uint8Array | undefined): Promise<Values | Uint8Array> {
  const pipeline = await pipelineOf(job.pipeline, job);
  if (job.parts !== undefined) {
    await decodeParts(pipeline, job.parts);
    return [];
  }
  if (job.decode === undefined) return pipeline.encode(job.encode ?? [], job.shape);
  const values = await pipeline.decode(job.decode, job.shape, into);
  if (job.recode === undefined) return values;
  const { pipeline: id, codecs } = job.recode;
  return (await pipelineOf(id, { codecs, meta: job.meta })).encode(values);
}

/** Memory that cannot move to the main thread, since others use it too, or more of it. */
function isPartOrShared(result: Values | Uint8Array): result is TypedArray {
  if (!ArrayBuffer.isView(result)) return false;
  return result.buffer instanceof SharedArrayBuffer || result.byteLength !== result.buffer.byteLength;
}

function pipelineOf(id: number, { codecs, meta }: Pick<Job, "codecs" | "meta">): Promise<Pipeline> {
  let ready = pipelines.get(id);
  if (ready === undefined) {
    if (pipelines.size >= MAX_PIPELINES) pipelines.clear();
    ready = registry.then((known) => createPipeline(codecs, meta, known));
    pipelines.set(id, ready);
    ready.catch(() => pipelines.delete(id));
  }
  return ready;
}

/** Memory that moves to the main thread. What a native library owns cannot, and is copied. */
function transferable(result: Values | Uint8Array): ArrayBuffer[] {
  return ArrayBuffer.isView(result) && !isMarkedAsUntransferable(result.buffer) ? [result.buffer as ArrayBuffer] : [];
}

function failure(id: number, error: unknown): Reply {
  const message = error instanceof Error ? error.message : String(error);
  if (!isGyreError(error)) return { id, message };
  const { cause: _, ...details } = error.details;
  return { id, tag: error.tag, message, details };
}

/** Requests are answered while chunks are decoded on all cores. Linux alone has priorities of threads. */
function yieldToMainThread(): void {
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    setPriority(thread, NICENESS);
  } catch {
    // As it was.
  }
}
