import { badSource } from "../../errors.ts";
import { decodeText } from "../text.ts";

/** Thrown when the header goes on beyond the bytes read so far; the caller reads more and parses again. */
export class NeedMore {
  readonly end: number;

  constructor(end: number) {
    this.end = end;
  }
}

/** Bytes of header that are read at most. */
export const MAX_HEADER = 64 * 1024 * 1024;

/** CDF-1, CDF-2 (64-bit offsets), CDF-5 (64-bit offsets and counts). */
export type Version = 1 | 2 | 5;

/** Walks a classic header. Every count is held against the size of the file before anything is made of it. */
export class Cursor {
  #at = 4;
  readonly url: URL;
  readonly version: Version;
  readonly #view: DataView;
  readonly #fileSize: number;

  constructor(url: URL, bytes: Uint8Array, fileSize: number, version: Version) {
    this.url = url;
    this.version = version;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fileSize = fileSize;
  }

  fail(reason: string): never {
    throw badSource(this.url, this.#at, reason);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  /** NON_NEG: 4 bytes, 8 in CDF-5. */
  nonNegative(what: string): number {
    if (this.version === 5) return this.#int64(what);
    const n = this.int32();
    return n >= 0 ? n : this.fail(`${what} is negative`);
  }

  /** Number of records; undefined for STREAMING (all ones): to be found from the file's size. */
  recordCount(): number | undefined {
    if (this.version !== 5) {
      const n = this.#view.getUint32(this.#take(4));
      if (n === 0xffff_ffff) return undefined;
      return n <= 0x7fff_ffff ? n : this.fail("the number of records is negative");
    }
    const at = this.#take(8);
    if (this.#view.getBigUint64(at) === 0xffff_ffff_ffff_ffffn) return undefined;
    this.#at = at;
    return this.#int64("the number of records");
  }

  /** OFFSET: 4 bytes in CDF-1, else 8. */
  offset(): number {
    return this.version === 1 ? this.#view.getUint32(this.#take(4)) : this.#int64("an offset");
  }

  /** A list's tag and length; `least` is the smallest size of an entry, so that no count can outgrow the file. */
  listLength(tag: number, what: string, least: number): number {
    const found = this.int32();
    const count = this.nonNegative(`the number of ${what}`);
    if (found === 0 && count === 0) return 0;
    if (found !== tag) this.fail(`tag ${found} where the list of ${what} (${tag}) must begin`);
    this.bounded(count, least, what);
    return count;
  }

  /** Refuses a count whose entries would not fit in the rest of the file. */
  bounded(count: number, least: number, what: string): void {
    const rest = Math.min(this.#fileSize, MAX_HEADER) - this.#at;
    if (count * least > rest)
      this.fail(`${count} ${what} do not fit in the ${rest} bytes that a header may still have`);
  }

  name(): string {
    const bytes = this.padded(this.nonNegative("a name's length"));
    // Old writers count a terminator, as in C.
    return decodeText(bytes).replace(/\0.*$/s, "").normalize("NFC");
  }

  /** Bytes of a value that is followed by padding to four bytes. */
  padded(length: number): Uint8Array {
    this.bounded(length, 1, "bytes");
    const at = this.#take(length + ((4 - (length % 4)) % 4));
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length);
  }

  #int64(what: string): number {
    const n = this.#view.getBigInt64(this.#take(8));
    if (n < 0n || n > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`${what} is ${n}`);
    return Number(n);
  }

  #take(length: number): number {
    const at = this.#at;
    const end = at + length;
    if (end > this.#view.byteLength) {
      if (end > this.#fileSize) this.fail(`the header goes on beyond the end of the file (${this.#fileSize} bytes)`);
      throw new NeedMore(end);
    }
    this.#at = end;
    return at;
  }
}
