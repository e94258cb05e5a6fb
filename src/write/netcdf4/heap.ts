import { Bytes } from "./bytes.ts";

const HEADER_BYTES = 16;
const OBJECT_BYTES = 16;
/** The C library refuses smaller collections, and indices are 16 bits. */
const MIN_COLLECTION = 4096;
const MAX_OBJECTS = 65535;
const MAX_COLLECTION = 1 << 20;

/** Where an object of the global heap lies, once its collection has an address. */
export interface HeapObject {
  readonly collection: Collection;
  readonly index: number;
}

/** One global heap collection (HDF5 specification III.E). */
export class Collection {
  address = 0;
  readonly #objects: (() => Uint8Array)[] = [];
  #size = HEADER_BYTES;

  /** Objects are asked for when the collection is written: references do not know their addresses before. */
  add(length: number, content: () => Uint8Array): number {
    this.#objects.push(content);
    this.#size += OBJECT_BYTES + padded(length);
    return this.#objects.length;
  }

  hasRoom(length: number): boolean {
    const grown = this.#size + OBJECT_BYTES + padded(length);
    return this.#objects.length === 0 || (this.#objects.length < MAX_OBJECTS && grown <= MAX_COLLECTION);
  }

  encode(): Uint8Array {
    const size = Math.max(MIN_COLLECTION, this.#size);
    const out = new Bytes().text("GCOL").u8(1, 0, 0, 0).u64(size);
    this.#objects.forEach((content, i) => {
      const bytes = content();
      out
        .u16(i + 1)
        .u16(1)
        .u32(0)
        .u64(bytes.length)
        .bytes(bytes)
        .alignTo(8);
    });
    // Object 0 is the free space behind the others, its own header included.
    const free = size - out.length;
    if (free >= OBJECT_BYTES) out.u16(0).u16(0).u32(0).u64(free);
    return out.zeros(size - out.length).done();
  }
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** What attributes and text variables keep outside their own storage. */
export class Heap {
  readonly collections: Collection[] = [];

  add(length: number, content: () => Uint8Array): HeapObject {
    let collection = this.collections.at(-1);
    if (collection === undefined || !collection.hasRoom(length)) {
      this.collections.push((collection = new Collection()));
    }
    return { collection, index: collection.add(length, content) };
  }

  /** An empty string has an object too, of no bytes: without one the C library reads it as absent. */
  text(text: string): HeapText {
    const bytes = new TextEncoder().encode(text);
    return { length: bytes.length, at: this.add(bytes.length, () => bytes) };
  }
}

/** A string in the heap, as variable-length elements point to it. */
export interface HeapText {
  readonly length: number;
  readonly at: HeapObject;
}

/** The 16 bytes that stand for a variable-length element (IV.B.7). */
export function descriptor(out: Bytes, length: number, at: HeapObject): void {
  out
    .u32(length)
    .u64(at?.collection.address ?? 0)
    .u32(at?.index ?? 0);
}
