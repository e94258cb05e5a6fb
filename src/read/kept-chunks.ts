import type { RawChunk } from "../core/access.ts";
import type { ChunkRef, IoCall } from "../core/array.ts";
import type { ReadOptions } from "../files/files.ts";
import { ReadBuffers } from "../files/read-buffers.ts";
import type { Cache } from "./cache.ts";

const MiB = 1024 * 1024;
const IDLE_BYTES = 32 * MiB;
/** Chunks remembered as asked for once; together they are no more bytes than may be kept. */
const MOST_SEEN = 65_536;

type About = Omit<RawChunk, "bytes" | "release">;

/** Reads the stored bytes of a located chunk, or makes others of them. */
type Fetch = (options: ReadOptions) => Promise<Uint8Array>;

/**
 * Stored chunks that are asked for again and again. One of a local file is kept when it is asked for a second time, not
 * long after the first: whoever walks through an archive, once or in circles, leaves what others use where it is, and
 * his bytes pass through memory that is used again as soon as they are sent.
 */
export class KeptChunks {
  readonly #cache: Cache<RawChunk>;
  readonly #buffers = new ReadBuffers(IDLE_BYTES);
  readonly #seen = new Map<string, number>();
  #seenBytes = 0;

  constructor(cache: Cache<RawChunk>) {
    this.#cache = cache;
  }

  /** Kept only where an entity tag says that the bytes stay what they are: then their file need not be asked again. */
  async read(ref: ChunkRef, fetch: Fetch, call?: IoCall): Promise<RawChunk> {
    if ("inline" in ref || ref.etag === undefined) return { bytes: await fetch({ ...call }), source: "raw" };
    const { etag } = ref;
    const file = ref.url.href;
    const key = `${file} ${etag} ${ref.offset} ${ref.length}`;
    const about: About = { source: "raw", etag };
    const isNear = ref.url.protocol === "file:";
    return this.#through(key, ref.length, isNear, about, { ...about, kept: { key, file } }, fetch, call);
  }

  /** The same for what is made of a chunk: at most, or about, `bytes`; `isNear`: of a local file. */
  made(key: string, bytes: number, isNear: boolean, make: Fetch): Promise<RawChunk> {
    const about: About = { source: "recoded" };
    return this.#through(key, bytes, isNear, about, about, make);
  }

  async #through(
    key: string,
    size: number,
    isNear: boolean,
    about: About,
    aboutKept: About,
    fetch: Fetch,
    call?: IoCall,
  ): Promise<RawChunk> {
    const known = this.#cache.find(key);
    if (known !== undefined) return known;
    if (isNear && (!this.#cache.takes(size) || this.#isNew(key, size))) return this.#lent(about, fetch, call);
    // Shared by all who wait for it, so it does not end when one of them does.
    return this.#cache.get(key, async () => {
      call?.signal?.throwIfAborted();
      const fetched = await fetch({});
      // A part of a page would keep the whole page.
      const bytes = fetched.byteLength === fetched.buffer.byteLength ? fetched : new Uint8Array(fetched);
      return { value: { ...aboutKept, bytes }, bytes: bytes.byteLength };
    });
  }

  async #lent(about: About, fetch: Fetch, call?: IoCall): Promise<RawChunk> {
    let room: Uint8Array | undefined;
    const into = (bytes: number): Uint8Array => {
      // Asked again where a file changed while it was read.
      if (room === undefined || room.byteLength < bytes) room = this.#buffers.take(bytes);
      return room;
    };
    const bytes = await fetch({ ...call, into });
    const lent = room;
    if (lent === undefined || bytes.buffer !== lent.buffer) return { ...about, bytes };
    return { ...about, bytes, release: () => this.#buffers.give(lent) };
  }

  #isNew(key: string, bytes: number): boolean {
    if (this.#cache.has(key) || this.#forget(key)) return false;
    this.#seen.set(key, bytes);
    this.#seenBytes += bytes;
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= MOST_SEEN && this.#seenBytes <= this.#cache.maxBytes) break;
      this.#forget(oldest);
    }
    return true;
  }

  #forget(key: string): boolean {
    this.#seenBytes -= this.#seen.get(key) ?? 0;
    return this.#seen.delete(key);
  }
}
