import type { CodecSpec, Json } from "../core/array.ts";
import { product } from "../core/array.ts";
import type { ChunkMeta, CodecRegistry, Pipeline } from "./codec.ts";
import type { Configuration } from "./configuration.ts";
import { integersOption, wordOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";
import { createPipeline } from "./pipeline.ts";

/** More inner chunks than any real shard has; the index of so many is 64 MiB. */
const MAX_INNER_CHUNKS = 1 << 22;
const MISSING = 2n ** 64n - 1n;
const DEFAULT_INDEX_CODECS: readonly CodecSpec[] = [
  { name: "bytes", configuration: { endian: "little" } },
  { name: "crc32c" },
];

/** What a shard's configuration says, checked. */
export interface ShardLayout {
  readonly chunkShape: readonly number[];
  /** Inner chunks along each dimension. */
  readonly grid: readonly number[];
  readonly codecs: readonly CodecSpec[];
  readonly location: "start" | "end";
  /** Length of the stored index, at the `location` of the shard. */
  readonly indexBytes: number;
  readonly index: Pipeline;
}

/** Where inner chunks lie in their shard, in C order of the grid. */
export interface ShardIndex {
  /** Undefined: never written. Not checked against the shard's length, which is not known here. */
  at(chunk: number): { readonly offset: number; readonly length: number } | undefined;
}

/** Reads the configuration of `sharding_indexed` for shards of `meta.shape`. */
export async function shardLayout(
  configuration: Configuration,
  meta: ChunkMeta,
  registry: CodecRegistry,
): Promise<ShardLayout> {
  const name = "sharding_indexed";
  const chunkShape = integersOption(name, configuration, "chunk_shape", 64);
  const fits = chunkShape.length === meta.shape.length && chunkShape.every((n, i) => n > 0 && meta.shape[i]! % n === 0);
  if (!fits) throw corrupt(name, `inner chunks [${chunkShape}] do not tile the shard [${meta.shape}]`);
  const grid = meta.shape.map((n, i) => n / chunkShape[i]!);
  if (product(grid) > MAX_INNER_CHUNKS) throw corrupt(name, `a shard of ${product(grid)} chunks`);
  const codecs = codecList(configuration.codecs, "codecs");
  const indexCodecs =
    configuration.index_codecs === undefined
      ? DEFAULT_INDEX_CODECS
      : codecList(configuration.index_codecs, "index_codecs");
  const location = wordOption(name, configuration, "index_location", ["start", "end"], "end");
  const index = await createPipeline(indexCodecs, { dtype: "uint64", shape: [...grid, 2] }, registry);
  // The codecs of an index have a fixed size by the standard: any index tells it.
  const indexBytes = (await index.encode(new BigUint64Array(2 * product(grid)).fill(MISSING))).length;
  return { chunkShape, grid, codecs, location, indexBytes, index };
}

/** The index out of its `indexBytes` stored bytes. */
export async function readShardIndex({ index }: ShardLayout, bytes: Uint8Array): Promise<ShardIndex> {
  const entries = (await index.decode(bytes)) as BigUint64Array;
  return {
    at(chunk) {
      const offset = entries[2 * chunk];
      const length = entries[2 * chunk + 1];
      if (offset === undefined || length === undefined || (offset === MISSING && length === MISSING)) return undefined;
      const at = { offset: Number(offset), length: Number(length) };
      if (!Number.isSafeInteger(at.offset + at.length)) {
        throw corrupt("sharding_indexed", `inner chunk ${chunk} at ${offset} with ${length} bytes`);
      }
      return at;
    },
  };
}

/** Encodes where the chunks of a whole shard lie. */
export function shardIndexBytes(
  { index }: ShardLayout,
  entries: readonly ({ readonly offset: number; readonly length: number } | undefined)[],
): Promise<Uint8Array> {
  const pairs = entries.flatMap((e) => (e === undefined ? [MISSING, MISSING] : [BigInt(e.offset), BigInt(e.length)]));
  return index.encode(BigUint64Array.from(pairs));
}

function codecList(value: Json | undefined, key: string): CodecSpec[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 64) {
    throw corrupt("sharding_indexed", `${key} is not a list of codecs`);
  }
  return (value as readonly Json[]).map((item): CodecSpec => {
    if (typeof item === "string") return { name: item };
    const { name, configuration } = (item ?? {}) as { readonly [key: string]: Json };
    if (typeof name !== "string") throw corrupt("sharding_indexed", `${key} has an entry without a name`);
    return configuration === undefined ? { name } : { name, configuration: configuration as Configuration };
  });
}
