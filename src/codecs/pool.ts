import { availableParallelism } from "node:os";
import type { CodecSpec, IoCall } from "../core/array.ts";
import { product } from "../core/array.ts";
import type { Values } from "../core/dtype.ts";
import { itemSize } from "../core/dtype.ts";
import { isGyreError } from "../errors.ts";
import type { ChunkMeta, CodecRegistry, Pipeline } from "./codec.ts";
import { createPipeline } from "./pipeline.ts";
import type { Job, WorkerPool } from "./worker-pool.ts";
import { createWorkerPool, ownCopy } from "./worker-pool.ts";

export interface DecoderOptions {
  readonly registry: CodecRegistry;
  /** Threads for large chunks; 0: everything in this thread. Default: the number of cores. */
  readonly workers?: number;
  /** Chunks of at least so many decoded bytes go to a thread. Default 128 KiB: half a millisecond of work. */
  readonly threshold?: number;
  /** Addresses of modules that export `codecs: CodecEntry[]`, for the threads. */
  readonly plugins?: readonly string[];
}

/** Decodes and encodes chunks by their codec lists, large ones off the main thread. Results never differ. */
export interface Decoder {
  /** `shape`: that of the stored chunk where it is cut at the array's edge. The values may share memory with `bytes`. */
  decode(
    codecs: readonly CodecSpec[],
    meta: ChunkMeta,
    bytes: Uint8Array,
    shape?: readonly number[],
    call?: IoCall,
  ): Promise<Values>;
  encode(
    codecs: readonly CodecSpec[],
    meta: ChunkMeta,
    values: Values,
    shape?: readonly number[],
    call?: IoCall,
  ): Promise<Uint8Array>;
  /** Decodes a whole chunk and encodes it again, where it was decoded. */
  recode(
    from: readonly CodecSpec[],
    to: readonly CodecSpec[],
    meta: ChunkMeta,
    bytes: Uint8Array,
    call?: IoCall,
  ): Promise<Uint8Array>;
  /** Stops the threads; work under way fails. */
  close(): Promise<void>;
}

interface Cached {
  readonly id: number;
  readonly pipeline: Promise<Pipeline>;
}

export function createDecoder(options: DecoderOptions): Decoder {
  const { registry, workers = availableParallelism(), threshold = 1 << 17, plugins = [] } = options;
  const cached = pipelineCache(registry);
  let pool: WorkerPool | undefined;

  async function run<Result extends Values | Uint8Array>(
    job: Omit<Job, "pipeline">,
    input: Uint8Array | Values,
    local: (pipeline: Pipeline) => Promise<Result>,
    call?: IoCall,
  ): Promise<Result> {
    call?.signal?.throwIfAborted();
    const { id, pipeline } = cached(job.codecs, job.meta);
    // Also where a thread will work: what is unknown or wrong is found out here, once.
    const ready = await pipeline;
    if (workers === 0 || decodedBytes(job.meta, input) < threshold) return local(ready);
    pool ??= createWorkerPool(workers, plugins);
    // The caller may keep its bytes, a cached page: a thread gets a copy, the answer comes without one.
    const own = ArrayBuffer.isView(input) ? ownCopy(input) : input;
    const transfer = ArrayBuffer.isView(own) ? [own.buffer as ArrayBuffer] : [];
    const part = job.decode === undefined ? { encode: own } : { decode: own as Uint8Array };
    try {
      return (await pool.run({ ...job, ...part, pipeline: id }, transfer, call)) as Result;
    } catch (error) {
      // A codec that this thread knows and the workers do not: added to the registry without a module address.
      if (isGyreError(error, "Unsupported")) return local(ready);
      throw error;
    }
  }

  return {
    decode(codecs, meta, bytes, shape, call) {
      const job = { codecs, meta, decode: bytes, ...(shape === undefined ? {} : { shape }) };
      return run(job, bytes, (pipeline) => pipeline.decode(bytes, shape), call);
    },
    encode(codecs, meta, values, shape, call) {
      const job = { codecs, meta, ...(shape === undefined ? {} : { shape }) };
      return run(job, values, (pipeline) => pipeline.encode(values, shape), call);
    },
    async recode(from, to, meta, bytes, call) {
      const { id, pipeline } = cached(to, meta);
      const encoder = await pipeline;
      const job = { codecs: from, meta, decode: bytes, recode: { pipeline: id, codecs: to } };
      return run(job, bytes, async (decoder) => encoder.encode(await decoder.decode(bytes)), call);
    },
    async close() {
      await pool?.close();
    },
  };
}

function decodedBytes({ dtype, shape }: ChunkMeta, input: Uint8Array | Values): number {
  const size = itemSize(dtype);
  return size === undefined ? input.length : product(shape) * size;
}

/** Pipelines by codec list (by identity: it is the variable's own) and shape; forgotten with the variable. */
function pipelineCache(registry: CodecRegistry): (codecs: readonly CodecSpec[], meta: ChunkMeta) => Cached {
  const byCodecs = new WeakMap<readonly CodecSpec[], { readonly meta: ChunkMeta; readonly cached: Cached }[]>();
  let ids = 0;
  return (codecs, meta) => {
    const list = byCodecs.get(codecs) ?? [];
    byCodecs.set(codecs, list);
    const found = list.find((entry) => isSame(entry.meta, meta));
    if (found !== undefined) return found.cached;
    const pipeline = createPipeline(codecs, meta, registry);
    const entry = { meta, cached: { id: ++ids, pipeline } };
    pipeline.catch(() => list.splice(list.indexOf(entry), 1));
    if (list.length >= 16) list.shift();
    list.push(entry);
    return entry.cached;
  };
}

function isSame(a: ChunkMeta, b: ChunkMeta): boolean {
  return a.dtype === b.dtype && Object.is(a.fill, b.fill) && a.shape.join() === b.shape.join();
}
