import { isMarkedAsUntransferable, parentPort, workerData } from "node:worker_threads";
import type { Values } from "../core/dtype.ts";
import { isGyreError } from "../errors.ts";
import type { CodecEntry, Pipeline } from "./codec.ts";
import { createPipeline } from "./pipeline.ts";
import { createCodecRegistry } from "./registry.ts";
import type { Job, Reply, Request } from "./worker-pool.ts";
import { ownCopy } from "./worker-pool.ts";

/** Pipelines kept ready in one thread. */
const MAX_PIPELINES = 256;

const { plugins } = workerData as { readonly plugins: readonly string[] };
const registry = Promise.all(plugins.map((url) => import(url) as Promise<{ codecs?: readonly CodecEntry[] }>)).then(
  (modules) => createCodecRegistry(modules.flatMap((module) => module.codecs ?? [])),
);
const pipelines = new Map<number, Promise<Pipeline>>();

parentPort?.on("message", async ({ id, job }: Request) => {
  try {
    const result = await run(job);
    parentPort?.postMessage({ id, result } satisfies Reply, transferable(result));
  } catch (error) {
    parentPort?.postMessage(failure(id, error));
  }
});

async function run(job: Job): Promise<Values | Uint8Array> {
  const pipeline = await pipelineOf(job.pipeline, job);
  let result =
    job.decode === undefined
      ? await pipeline.encode(job.encode ?? [], job.shape)
      : await pipeline.decode(job.decode, job.shape);
  if (job.recode !== undefined) {
    const { pipeline: id, codecs } = job.recode;
    result = await (await pipelineOf(id, { codecs, meta: job.meta })).encode(result);
  }
  return ArrayBuffer.isView(result) && result.byteLength !== result.buffer.byteLength ? ownCopy(result) : result;
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
