/** HDF5's "undefined address" and unlimited size: all bits set. */
export const UNDEFINED = 0xffff_ffff_ffff_ffffn;

/** Little-endian bytes one after the other. */
export class Bytes {
  #buffer = new Uint8Array(256);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(...values: readonly number[]): this {
    const at = this.#grow(values.length);
    for (let i = 0; i < values.length; i++) this.#buffer[at + i] = values[i]!;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: number | bigint): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  /** ASCII signatures and UTF-8 names. */
  text(text: string): this {
    return this.bytes(new TextEncoder().encode(text));
  }

  zeros(count: number): this {
    this.#grow(count);
    return this;
  }

  alignTo(size: number): this {
    return this.zeros((size - (this.#length % size)) % size);
  }

  done(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#buffer.length * 2));
      larger.set(this.#buffer);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
