import { badSource, GyreError } from "../../errors.ts";
import type { H5File } from "./file.ts";

/** A collection of values in the file. */
export interface Collection {
  readonly bytes: Uint8Array;
  /** Start and length of each object, by its index. */
  readonly objects: ReadonlyMap<number, readonly [start: number, length: number]>;
}

/** Bytes of collections held for one piece of work at most. */
const MOST_BYTES = 256 * 1024 * 1024;
/** Collections that a file keeps between pieces of work, and the largest of them: large ones hold few values. */
const KEPT = 64;
const LARGEST_KEPT = 1024 * 1024;
const USUAL_COLLECTION = 4096;
/** Both headers are padded to a multiple of 8 bytes, whatever the size of lengths. */
const COLLECTION_HEADER = 16;
const OBJECT_HEADER = 16;

/**
 * III.E Global Heap: where variable-length values lie. Made for one piece of work (a chunk, an attribute): `load` the
 * collections first, then `get` objects without waiting.
 */
export class GlobalHeap {
  readonly #file: H5File;
  readonly #collections = new Map<number, Collection>();
  #bytes = 0;

  constructor(file: H5File) {
    this.#file = file;
  }

  /** In the order of the file, so that reading ahead pays. */
  async load(addresses: Iterable<number>): Promise<void> {
    for (const address of [...new Set(addresses)].sort((a, b) => a - b)) {
      if (this.#collections.has(address)) continue;
      const collection = await recent(this.#file, address);
      this.#bytes += collection.bytes.byteLength;
      if (this.#bytes > MOST_BYTES) throw tooLarge(this.#file);
      this.#collections.set(address, collection);
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
}

function recent(file: H5File, address: number): Promise<Collection> {
  const { collections } = file;
  const reading = collections.get(address) ?? readCollection(file, address);
  collections.delete(address);
  collections.set(address, reading);
  const drop = (): unknown => collections.get(address) === reading && collections.delete(address);
  reading.then(({ bytes }) => bytes.byteLength > LARGEST_KEPT && drop(), drop);
  if (collections.size > KEPT) collections.delete(collections.keys().next().value as number);
  return reading;
}

async function readCollection(file: H5File, address: number): Promise<Collection> {
  let cursor = await file.upTo(address, USUAL_COLLECTION);
  cursor.expect("GCOL");
  cursor.version(1);
  cursor.skip(3);
  const size = cursor.length();
  if (size > MOST_BYTES) throw tooLarge(file);
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

function tooLarge({ url }: H5File): GyreError {
  return new GyreError("TooLarge", `${url}: variable-length values of more than ${MOST_BYTES} bytes`);
}
