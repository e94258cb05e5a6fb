import type { CodecRegistry } from "../../codecs/codec.ts";
import type { IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { Cursor, type Widths } from "./cursor.ts";
import type { Collection } from "./global-heap.ts";
import { findMessage, MESSAGE, readObjectHeader } from "./object-header.ts";
import { Reader } from "./reader.ts";
import { readSuperblock, type Superblock } from "./superblock.ts";

/** What the reader may use of the world. */
export interface Environment {
  readonly files: Files;
  readonly codecs: CodecRegistry;
}

/** A structure that is to be read: at most so many bytes, fewer at the end of the file. */
export interface Placed {
  readonly address: number;
  readonly length: number;
}

/** An HDF5 file: its bytes by address, which counts from the superblock (a user block may lie before it). */
export class H5File implements Widths {
  readonly environment: Environment;
  readonly reader: Reader;
  readonly superblock: Superblock;
  /** Global heap collections that were read lately: many small values lie in each. */
  readonly collections = new Map<number, Promise<Collection>>();
  /** How many links to other files led here: they may go round in circles. */
  readonly depth: number;
  #working = 0;

  constructor(environment: Environment, reader: Reader, superblock: Superblock, depth: number) {
    this.environment = environment;
    this.reader = reader;
    this.superblock = superblock;
    this.depth = depth;
  }

  get url(): URL {
    return this.reader.url;
  }

  get offsetSize(): number {
    return this.superblock.offsetSize;
  }

  get lengthSize(): number {
    return this.superblock.lengthSize;
  }

  /** The same file, reached once more through itself. */
  deeper(): H5File {
    return new H5File(this.environment, this.reader, this.superblock, this.depth + 1);
  }

  /**
   * Does a piece of work, and drops what was cached of the file once no other is under way: metadata are read once, and
   * many datasets are open at a time.
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#working++;
    try {
      return await work();
    } finally {
      if (--this.#working === 0) {
        this.reader.forget();
        this.collections.clear();
      }
    }
  }

  /** Offset in the file of an address. */
  offset(address: number): number {
    return address + this.superblock.base;
  }

  /** `length` bytes at an address, all inside the file. */
  async at(address: number, length: number): Promise<Cursor> {
    const offset = this.offset(address);
    return new Cursor(await this.reader.read(offset, length), this, offset);
  }

  /** At most `length` bytes at an address: fewer at the end of the file. For structures that say their own size. */
  upTo(address: number, length: number): Promise<Cursor> {
    return this.at(address, this.#within(address, length));
  }

  /** Whether such a structure needs no request. */
  has(address: number, length: number): boolean {
    return this.reader.has(this.offset(address), this.#within(address, length));
  }

  /** Structures of at most `length` bytes each, in the order of the file, some at a time. */
  async *each<T extends Placed>(parts: readonly T[]): AsyncGenerator<(readonly [T, Cursor])[]> {
    const places = parts.map((part) => {
      const { address, length } = part;
      return { part, offset: this.offset(address), length: this.#within(address, length) };
    });
    for await (const batch of this.reader.each(places)) {
      yield batch.map(([{ part, offset }, bytes]) => [part, new Cursor(bytes, this, offset)]);
    }
  }

  #within(address: number, length: number): number {
    return Math.max(0, Math.min(length, this.reader.size - this.offset(address)));
  }
}

/** How a file is opened: perhaps with its first bytes, which someone has read before. */
interface Opening extends IoCall {
  readonly head?: Uint8Array | undefined;
}

/** Opens the file and reads its superblock. Undefined: there is no such file. */
export async function openFile(
  environment: Environment,
  url: URL,
  { head, ...call }: Opening = {},
  depth = 0,
): Promise<H5File | undefined> {
  const info = await environment.files.head(url, call);
  if (info === undefined) return undefined;
  const reader = new Reader(environment.files, url, info, head);
  const superblock = await readSuperblock(reader);
  const file = new H5File(environment, reader, superblock, depth);
  const chunkTreeRank = await extendedRank(file);
  return chunkTreeRank === undefined ? file : new H5File(environment, reader, { ...superblock, chunkTreeRank }, depth);
}

/** IV.A.2.t B-tree 'K' Values, which superblocks from version 2 on leave to their extension. */
async function extendedRank(file: H5File): Promise<number | undefined> {
  const { extension } = file.superblock;
  if (extension === undefined) return undefined;
  const body = findMessage(await readObjectHeader(file, extension), MESSAGE.treeRanks)?.body;
  body?.version(0);
  return body?.u16();
}

/** A file that the user asked for: its absence is an error. */
export async function openNamedFile(environment: Environment, url: URL, opening?: Opening): Promise<H5File> {
  const file = await openFile(environment, url, opening);
  if (file === undefined) throw new GyreError("NotFound", `${url} is not there`, { source: url.href });
  return file;
}
