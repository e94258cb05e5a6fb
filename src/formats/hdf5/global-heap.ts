import { badSource, GyreError } from "../../errors.ts";
import type { H5File } from "./file.ts";

interface Collection {
  readonly bytes: Uint8Array;
  /** Start and length of each object, by its index. */
  readonly objects: ReadonlyMap<number, readonly [start: number, length: number]>;
}

/** Collections held for one piece of work at most. */
const MOST_BYTES = 256 * 1024 * 1024;
const USUAL_COLLECTION = 4096;
/** Both headers are padded to a multiple of 8 bytes, whatever the size of lengths. */
const COLLECTION_HEADER = 16;
const OBJECT_HEADER = 16;

/**
 * III.E Global Heap: where variable-length values lie. Made for one piece of work (a chunk, an object's attributes):
 * `load` the collections first, then `get` objects without waiting.
 */
export class GlobalHeap {
  readonly #file: H5File;
  readonly #collections = new Map<number, Collection>();
  #bytes = 0;

  constructor(file: H5File) {
    this.#file = file;
  }

  has(address: number): boolean {
    return this.#collections.has(address);
  }

  /** In the order of the file, so that reading ahead pays. */
  async load(addresses: Iterable<number>): Promise<void> {
    for (const address of [...new Set(addresses)].sort((a, b) => a - b)) {
      if (!this.#collections.has(address)) this.#collections.set(address, await this.#read(address));
    }
  }

  get(address: number, index: number): Uint8Array {
    const collection = this.#collections.get(address);
    const object = collection?.objects.get(index);
    if (collection === undefined || object === undefined) {
      throw badSource(this.#file.url, this.#file.offset(address), `no object ${index} in this global heap collection`);
    }
    return collection.bytes.subarray(object[0], object[0] + object[1]);
  }

  async #read(address: number): Promise<Collection> {
    const file = this.#file;
    let cursor = await file.upTo(address, USUAL_COLLECTION);
    cursor.expect("GCOL");
    cursor.version(1);
    cursor.skip(3);
    const size = cursor.length();
    this.#bytes += size;
    if (this.#bytes > MOST_BYTES) {
      throw new GyreError("TooLarge", `${file.url}: variable-length values of more than ${MOST_BYTES} bytes`);
    }
    if (size !== cursor.bytes.byteLength) cursor = await file.at(address, size);
    cursor.pos = COLLECTION_HEADER;
    const objects = new Map<number, readonly [number, number]>();
    while (cursor.left >= OBJECT_HEADER) {
      const next = cursor.pos + OBJECT_HEADER;
      const index = cursor.u16();
      cursor.skip(6);
      const length = cursor.length();
      // Object 0 is the free space at the end.
      if (index === 0) break;
      cursor.pos = next;
      objects.set(index, [cursor.skip(length), length]);
      cursor.skip(Math.min(cursor.left, (8 - (length % 8)) % 8));
    }
    return { bytes: cursor.bytes, objects };
  }
}
