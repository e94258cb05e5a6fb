import { availableParallelism } from "node:os";
import type { CodecSpec, IoCall } from "../core/array.ts";
import { product } from "../core/array.ts";
import type { Values } from "../core/dtype.ts";
import { itemSize } from "../core/dtype.ts";
import { isGyreError } from "../errors.ts";
import type { ChunkMeta, CodecRegistry, Part, Pipeline } from "./codec.ts";
import { createPipeline, decodeParts } from "./pipeline.ts";
import { SharedMemory } from "./shared-memory.ts";
import type { Into, Job, WorkerPool } from "./worker-pool.ts";
import { createWorkerPool } from "./worker-pool.ts";

/** Memory shared with threads that is kept while no job uses it. */
const IDLE_BYTES = 64 * 1024 * 1024;

export interface DecoderOptions {
  readonly registry: CodecRegistry;
  /** Threads for large chunks; 0: everything in this thread. Default: the number of cores. */
  readonly workers?: number;
  /**
   * Chunks of at least so many decoded bytes go to a thread, fewer of codecs that take more effort. Default 128 KiB: less
   * than half a millisecond of inflating.
   */
  readonly threshold?: number;
  /** Addresses of modules that export `codecs: CodecEntry[]`, for the threads. */
  readonly plugins?: readonly string[];
}

/** Decodes and encodes chunks by their codec lists, large ones off the main thread. Results never differ. */
export interface Decoder {
  /** Memory for `decodeAll`: threads reach no other. */
  readonly memory: SharedMemory;
  /** Decodes chunks of the same codecs, one after the other where that is. Throws at the first that is broken. */
  decodeAll(codecs: readonly CodecSpec[], meta: ChunkMeta, parts: readonly Part[], call?: IoCall): Promise<void>;
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
  /** Decodes a whole chunk and encodes it again, where it was decoded. `into` gives room for the answer's bytes. */
  recode(
    from: readonly CodecSpec[],
    to: readonly CodecSpec[],
    meta: ChunkMeta,
    bytes: Uint8Array,
    call?: IoCall & Into,
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
  const memory = new SharedMemory(IDLE_BYTES);
  let pool: WorkerPool | undefined;

  async function run<Result extends Values | Uint8Array>(
    job: Omit<Job, "pipeline">,
    local: (pipeline: Pipeline) => Promise<Result>,
    call?: IoCall & Into,
  ): Promise<Result> {
    call?.signal?.throwIfAborted();
    const { id, pipeline } = cached(job.codecs, job.meta);
    // Also where a thread will work: what is unknown or wrong is found out here, once.
    const ready = await pipeline;
    if (workers === 0 || decodedBytes(job) * effortOf(job, registry) < threshold) return local(ready);
    pool ??= createWorkerPool(workers, plugins, memory);
    try {
      return (await pool.run({ ...job, pipeline: id }, call)) as Result;
    } catch (error) {
      // A codec that this thread knows and the workers do not: added to the registry without a module address.
      if (isGyreError(error, "Unsupported")) return local(ready);
      throw error;
    }
  }

  return {
    memory,
    async decodeAll(codecs, meta, parts, call) {
      const local = async (pipeline: Pipeline): Promise<Values> => {
        await decodeParts(pipeline, parts);
        return [];
      };
      await run({ codecs, meta, parts }, local, call);
    },
    decode(codecs, meta, bytes, shape, call) {
      const job = { codecs, meta, decode: bytes, ...(shape === undefined ? {} : { shape }) };
      return run(job, (pipeline) => pipeline.decode(bytes, shape), call);
    },
    encode(codecs, meta, values, shape, call) {
      const job = { codecs, meta, encode: values, ...(shape === undefined ? {} : { shape }) };
      return run(job, (pipeline) => pipeline.encode(values, shape), call);
    },
    async recode(from, to, meta, bytes, call) {
      const { id, pipeline } = cached(to, meta);
      const encoder = await pipeline;
      const job = { codecs: from, meta, decode: bytes, recode: { pipeline: id, codecs: to } };
      const local = async (decoder: Pipeline): Promise<Uint8Array> => {
        const recoded = await encoder.encode(await decoder.decode(bytes));
        return recoded.buffer === bytes.buffer ? new Uint8Array(recoded) : recoded;
      };
      return run(job, local, call);
    },
    async close() {
      await pool?.close();
    },
  };
}

function decodedBytes({ meta: { dtype, shape }, decode, encode, parts }: Omit<Job, "pipeline">): number {
  if (parts !== undefined) return parts.reduce((bytes, { into }) => bytes + into.length, 0);
  const size = itemSize(dtype);
  return size === undefined ? (decode ?? encode ?? []).length : product(shape) * size;
}

/** The most that one of the codecs takes, and for recoding the same of what follows. */
function effortOf({ codecs, encode, recode }: Omit<Job, "pipeline">, registry: CodecRegistry): number {
  const most = (list: readonly CodecSpec[], way: "decode" | "encode"): number =>
    Math.max(1, ...list.map(({ name }) => registry.get(name)?.effort?.[way] ?? 1));
  const own = most(codecs, encode === undefined ? "decode" : "encode");
  return recode === undefined ? own : own + most(recode.codecs, "encode");
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
