import { badSource } from "../../errors.ts";
import type { FileInfo, Files } from "../../files/files.ts";

const PAGE = 64 * 1024;
/** Pages kept: enough that no structure of an ordinary file is asked for twice while it is opened. */
const KEPT = 256;
/** A structure larger than this is none: its length was made up. */
const MOST_BYTES = 256 * 1024 * 1024;
/** Pages fetched in one request when a walk goes straight on through the file. */
const MOST_AHEAD = 16;
/** Structures whose places are all known are read in such runs: gaps up to this cost less than another request. */
const MOST_GAP = PAGE / 2;
const MOST_RUN = MOST_AHEAD * PAGE;
const RUNS_AT_ONCE = 4;

/** A part of the file. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/**
 * Metadata lies scattered in small pieces: this reads pages, keeps a bounded number of them, shares requests under way
 * and asks for more at once (up to 1 MiB) while misses follow each other. It never asks beyond the end of the file.
 */
export class Reader {
  readonly url: URL;
  readonly info: FileInfo;
  readonly #files: Files;
  readonly #pages = new Map<number, Promise<Uint8Array>>();
  /** Where a walk would go on; the first page begins none, as whoever opens the file has mostly read it already. */
  #next = -1;
  #ahead = 1;

  /** `head`: the first bytes of the file, where they are known. */
  constructor(files: Files, url: URL, info: FileInfo, head: Uint8Array = new Uint8Array(0)) {
    this.#files = files;
    this.url = url;
    this.info = info;
    const isPage = head.byteLength > 0 && head.byteLength >= Math.min(PAGE, info.size);
    if (isPage) this.#pages.set(0, Promise.resolve(head.subarray(0, PAGE)));
  }

  get size(): number {
    return this.info.size;
  }

  get etag(): string | undefined {
    return this.info.etag;
  }

  /** Exactly `length` bytes; they may be a view into a cached page. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    this.check(offset, length);
    if (length > MOST_BYTES) throw badSource(this.url, offset, `a structure of ${length} bytes`);
    if (length === 0) return new Uint8Array(0);
    const first = Math.floor(offset / PAGE);
    const last = Math.floor((offset + length - 1) / PAGE);
    if (last - first > MOST_AHEAD) return this.#fetch(offset, length);
    const start = offset - first * PAGE;
    const pages = this.#want(first, last);
    if (pages.length === 1) return (await pages[0]!).subarray(start, start + length);
    const joined = Buffer.concat(await Promise.all(pages));
    return new Uint8Array(joined.buffer, joined.byteOffset + start, length);
  }

  /**
   * Parts in the order of the file: near ones come in one request, and no pages are read or kept for them, as nothing
   * else around them will be asked for.
   */
  async *each<T extends Extent>(parts: readonly T[]): AsyncGenerator<(readonly [T, Uint8Array])[]> {
    const reading: Promise<(readonly [T, Uint8Array])[]>[] = [];
    for (const part of parts) this.check(part.offset, part.length);
    for (const run of runsOf(parts)) {
      const bytes = this.#readRun(run);
      // Whoever comes to it is told; others may fail before.
      bytes.catch(() => undefined);
      if (reading.push(bytes) === RUNS_AT_ONCE) yield await reading.shift()!;
    }
    for (const bytes of reading) yield await bytes;
  }

  /** Throws when the range is not wholly inside the file. */
  check(offset: number, length: number): void {
    const inside = Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.size;
    if (!inside) throw badSource(this.url, offset, `${length} bytes reach beyond the end of the file (${this.size})`);
  }

  /** Drops all pages. */
  forget(): void {
    this.#pages.clear();
  }

  async #readRun<T extends Extent>(run: readonly T[]): Promise<(readonly [T, Uint8Array])[]> {
    const start = run[0]!.offset;
    const length = run.reduce((most, part) => Math.max(most, part.offset + part.length - start), 0);
    const isPaged = length > MOST_RUN || this.has(start, length);
    const bytes = await (isPaged ? this.read(start, length) : this.#fetch(start, length));
    return run.map((part) => [part, bytes.subarray(part.offset - start, part.offset - start + part.length)]);
  }

  /** Whether all pages of the range are at hand. */
  has(offset: number, length: number): boolean {
    if (length === 0) return false;
    const last = Math.floor((offset + length - 1) / PAGE);
    for (let n = Math.floor(offset / PAGE); n <= last; n++) if (!this.#pages.has(n)) return false;
    return true;
  }

  #want(first: number, last: number): Promise<Uint8Array>[] {
    const pages: Promise<Uint8Array>[] = [];
    for (let n = first; n <= last; n++) {
      const page = this.#pages.get(n) ?? this.#load(n, last);
      // Moved to the end: a Map in order of use is the whole bookkeeping that eviction needs.
      this.#pages.delete(n);
      this.#pages.set(n, page);
      pages.push(page);
    }
    for (const n of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) break;
      this.#pages.delete(n);
    }
    return pages;
  }

  #load(from: number, needed: number): Promise<Uint8Array> {
    this.#ahead = from === this.#next ? Math.min(this.#ahead * 2, MOST_AHEAD) : 1;
    const end = Math.min(Math.max(needed + 1, from + this.#ahead), Math.ceil(this.size / PAGE));
    let stop = from + 1;
    while (stop < end && !this.#pages.has(stop)) stop++;
    this.#next = stop;
    const offset = from * PAGE;
    const run = this.#fetch(offset, Math.min(stop * PAGE, this.size) - offset);
    for (let n = from; n < stop; n++) {
      const page = run.then((bytes) => bytes.subarray((n - from) * PAGE, (n - from + 1) * PAGE));
      page.catch(() => this.#pages.get(n) === page && this.#pages.delete(n));
      this.#pages.set(n, page);
    }
    return this.#pages.get(from)!;
  }

  async #fetch(offset: number, length: number): Promise<Uint8Array> {
    const options = this.etag === undefined ? undefined : { ifMatch: this.etag };
    const bytes = await this.#files.read(this.url, { offset, length }, options);
    if (bytes === undefined) throw badSource(this.url, offset, "the file is no longer there");
    if (bytes.byteLength !== length) {
      throw badSource(this.url, offset, `${bytes.byteLength} bytes came where ${length} were expected`);
    }
    return bytes;
  }
}

/** Parts in the order of the file, near ones together. */
function runsOf<T extends Extent>(parts: readonly T[]): T[][] {
  const runs: T[][] = [];
  let start = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const part of [...parts].sort((a, b) => a.offset - b.offset)) {
    const next = part.offset + part.length;
    if (part.offset - end <= MOST_GAP && next - start <= MOST_RUN) {
      runs.at(-1)!.push(part);
      end = Math.max(end, next);
    } else {
      runs.push([part]);
      [start, end] = [part.offset, next];
    }
  }
  return runs;
}
