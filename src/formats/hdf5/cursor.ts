import { badSource, type GyreError } from "../../errors.ts";
import { decodeText } from "../text.ts";

/** What a file's superblock says of the numbers in it, and where to point when one is wrong. */
export interface Widths {
  readonly url: URL;
  /** Bytes of an address ("Size of Offsets"). */
  readonly offsetSize: number;
  /** Bytes of a length ("Size of Lengths"). */
  readonly lengthSize: number;
}

/** Reads a structure front to back. Everything is little-endian; a step past the end throws, naming the byte. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly widths: Widths;
  /** Offset in the file of the first byte. */
  readonly at: number;
  pos = 0;

  constructor(bytes: Uint8Array, widths: Widths, at: number) {
    this.bytes = bytes;
    this.widths = widths;
    this.at = at;
  }

  get left(): number {
    return this.bytes.byteLength - this.pos;
  }

  fail(reason: string): GyreError {
    return badSource(this.widths.url, this.at + this.pos, reason);
  }

  /** Moves over `n` bytes and returns where they began. */
  skip(n: number): number {
    const start = this.pos;
    if (n > this.left) throw this.fail(`a structure ends early: ${n} bytes wanted, ${this.left} left`);
    this.pos = start + n;
    return start;
  }

  u8(): number {
    return this.bytes[this.skip(1)]!;
  }

  u16(): number {
    const start = this.skip(2);
    return this.bytes[start]! | (this.bytes[start + 1]! << 8);
  }

  u32(): number {
    return this.#uint(4);
  }

  /** An unsigned number of 1 to 8 bytes. Throws where JavaScript could not hold it exactly. */
  uint(width: number): number {
    const value = this.#uint(width);
    if (value > Number.MAX_SAFE_INTEGER) throw this.fail("a number beyond 2^53");
    return value;
  }

  /** All bits set means "undefined address" (1.2). */
  address(): number | undefined {
    return this.#unless(this.widths.offsetSize);
  }

  length(): number {
    return this.uint(this.widths.lengthSize);
  }

  /** A length for which all bits set means "unlimited". */
  limit(): number {
    return this.#unless(this.widths.lengthSize) ?? Number.POSITIVE_INFINITY;
  }

  take(n: number): Uint8Array {
    const start = this.skip(n);
    return this.bytes.subarray(start, start + n);
  }

  sub(n: number): Cursor {
    const at = this.at + this.pos;
    return new Cursor(this.take(n), this.widths, at);
  }

  /** Text of `n` bytes, up to its first NUL. */
  text(n: number): string {
    const bytes = this.take(n);
    const end = bytes.indexOf(0);
    return decodeText(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** NUL-terminated text; `padded` to a multiple of 8 bytes, terminator included. */
  cstring(padded = false): string {
    const end = this.bytes.indexOf(0, this.pos);
    if (end < 0) throw this.fail("a name without its terminating NUL");
    const length = end - this.pos;
    const text = decodeText(this.take(length));
    this.skip(padded ? (Math.floor(length / 8) + 1) * 8 - length : 1);
    return text;
  }

  expect(signature: string): void {
    const start = this.skip(signature.length);
    for (let i = 0; i < signature.length; i++) {
      if (this.bytes[start + i] !== signature.charCodeAt(i)) {
        this.pos = start;
        throw this.fail(`the signature ${signature} is missing`);
      }
    }
  }

  version(...allowed: readonly number[]): number {
    const version = this.u8();
    if (!allowed.includes(version)) throw this.fail(`version ${version}, expected ${allowed.join(" or ")}`);
    return version;
  }

  #uint(width: number): number {
    const start = this.skip(width);
    let value = 0;
    for (let i = start + width - 1; i >= start; i--) value = value * 256 + this.bytes[i]!;
    return value;
  }

  #unless(width: number): number | undefined {
    const start = this.pos;
    const value = this.#uint(width);
    if (value <= Number.MAX_SAFE_INTEGER && value < 2 ** (8 * width) - 1) return value;
    if (this.bytes.subarray(start, this.pos).every((byte) => byte === 0xff)) return undefined;
    throw this.fail("a number beyond 2^53");
  }
}
