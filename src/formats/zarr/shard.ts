import type { CodecRegistry } from "../../codecs/codec.ts";
import { readShardIndex, type ShardIndex, type ShardLayout, shardLayout } from "../../codecs/shard-index.ts";
import type { ChunkRef, CodecSpec, IoCall } from "../../core/array.ts";
import { badSource, isGyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { readWithInfo } from "../../files/read-with-info.ts";
import { Recent } from "../recent.ts";
import type { ArrayLayout } from "./array.ts";
import { readPart } from "./store.ts";

interface Shard {
  readonly ref: ChunkRef;
  readonly index: ShardIndex;
}

/** Bytes of shard indexes kept for one array. */
const KEPT = 32 * 1024 * 1024;

/**
 * Finds the inner chunks of a sharded array (Zarr v3 codec `sharding_indexed`), which are its chunks as clients see
 * it. The index of a shard is read once and kept while others have not pushed it out.
 */
export class Shards {
  /** Shape and codecs of an inner chunk. */
  readonly chunks: readonly number[];
  readonly codecs: readonly CodecSpec[];
  readonly #layout: ShardLayout;
  readonly #files: Files;
  readonly #indexes: Recent<ShardIndex>;
  /** By key, as they were when they were read. */
  readonly #latest: Recent<Shard | undefined>;

  constructor(layout: ShardLayout, files: Files, registry: CodecRegistry) {
    this.chunks = layout.chunkShape;
    this.codecs = layout.codecs.map((codec) => ({ ...codec, name: registry.get(codec.name)?.name ?? codec.name }));
    this.#layout = layout;
    this.#files = files;
    const most = Math.max(1, Math.min(256, Math.floor(KEPT / layout.indexBytes)));
    this.#indexes = new Recent(most);
    this.#latest = new Recent(most);
  }

  /** Cell of the grid of shards that holds an inner chunk. */
  shardOf(chunk: readonly number[]): number[] {
    return chunk.map((c, i) => Math.floor(c / this.#layout.grid[i]!));
  }

  /** An inner chunk within its shard; undefined when it was never written. */
  async locate(shard: ChunkRef, key: string, chunk: readonly number[], call?: IoCall): Promise<ChunkRef | undefined> {
    const identity = "inline" in shard ? key : `${key} ${shard.etag} ${shard.offset} ${shard.length}`;
    // Shared by all who wait for it: no single caller may stop it.
    const index = await this.#indexes.get(identity, () => this.#readIndex(shard, key));
    call?.signal?.throwIfAborted();
    return this.#inner({ ref: shard, index }, key, chunk);
  }

  /**
   * The same without a look at the shard's file while its index is known. That a chunk is not there may have changed
   * since, and nobody would notice: then `look` decides.
   */
  async locateToRead(
    file: URL,
    key: string,
    chunk: readonly number[],
    look: () => Promise<ChunkRef | undefined>,
    call?: IoCall,
  ): Promise<ChunkRef | undefined> {
    const isKnown = this.#latest.has(key);
    const shard = await this.#latest.get(key, () => this.#readShard(file, key));
    call?.signal?.throwIfAborted();
    if (shard === undefined) this.#latest.delete(key);
    const ref = shard && this.#inner(shard, key, chunk);
    return ref === undefined && isKnown ? look() : ref;
  }

  #inner({ ref: shard, index }: Shard, key: string, chunk: readonly number[]): ChunkRef | undefined {
    const { grid } = this.#layout;
    const entry = index.at(chunk.reduce((sum, c, i) => sum * grid[i]! + (c % grid[i]!), 0));
    if (entry === undefined) return undefined;
    const { offset, length } = entry;
    if (offset + length > sizeOf(shard)) {
      throw broken(shard, key, `chunk ${chunk} has ${length} bytes at ${offset}, in a shard of ${sizeOf(shard)}`);
    }
    if ("inline" in shard) return { inline: shard.inline.subarray(offset, offset + length) };
    return { ...shard, offset: shard.offset + offset, length };
  }

  async #readIndex(shard: ChunkRef, key: string): Promise<ShardIndex> {
    const { indexBytes, location } = this.#layout;
    const start = location === "start" ? 0 : sizeOf(shard) - indexBytes;
    if (start < 0) throw broken(shard, key, `no room for an index of ${indexBytes} bytes`);
    return this.#parse(await readPart(this.#files, shard, start, indexBytes), shard, key);
  }

  /** A shard's index and what its file is, in one request. */
  async #readShard(file: URL, key: string): Promise<Shard | undefined> {
    const { indexBytes, location } = this.#layout;
    const range = location === "start" ? { offset: 0, length: indexBytes } : { suffix: indexBytes };
    const found = await readWithInfo(this.#files, file, range);
    if (found === undefined) return undefined;
    const { bytes, info } = found;
    const ref = { url: file, offset: 0, length: info.size, ...(info.etag === undefined ? {} : { etag: info.etag }) };
    if (info.size < indexBytes) throw broken(ref, key, `no room for an index of ${indexBytes} bytes`);
    return { ref, index: await this.#parse(bytes, ref, key) };
  }

  async #parse(bytes: Uint8Array, shard: ChunkRef, key: string): Promise<ShardIndex> {
    try {
      return await readShardIndex(this.#layout, bytes);
    } catch (error) {
      if (!isGyreError(error, "BadSource")) throw error;
      throw broken(shard, key, `its index cannot be read: ${error.message}`);
    }
  }
}

/**
 * The shards of an array whose one codec they are. Undefined for others: what is transposed before, or compressed
 * after, has no inner chunks that could be located, and is decoded whole.
 */
export async function shardsOf(
  layout: ArrayLayout,
  files: Files,
  registry: CodecRegistry,
): Promise<Shards | undefined> {
  const [only] = layout.codecs;
  if (layout.codecs.length !== 1 || only?.name !== "sharding_indexed") return undefined;
  const meta = { dtype: layout.dtype, shape: layout.chunks };
  return new Shards(await shardLayout(only.configuration ?? {}, meta, registry), files, registry);
}

function sizeOf(ref: ChunkRef): number {
  return "inline" in ref ? ref.inline.byteLength : ref.length;
}

function broken(shard: ChunkRef, key: string, reason: string): Error {
  return "inline" in shard
    ? badSource(key, undefined, `shard: ${reason}`)
    : badSource(shard.url, shard.offset, `shard ${key}: ${reason}`);
}
