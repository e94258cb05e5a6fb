import { corrupt } from "./failure.ts";

/** Reads packed numbers, highest bit first. */
export class BitStream {
  readonly #codec: string;
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(codec: string, bytes: Uint8Array) {
    this.#codec = codec;
    this.#bytes = bytes;
  }

  /** Up to 32 bits. */
  read(count: number): number {
    const end = this.#bit + count;
    if (end > this.#bytes.length * 8) throw corrupt(this.#codec, "the packed values end early");
    let value = 0;
    while (this.#bit < end) {
      const left = 8 - (this.#bit & 7);
      const take = Math.min(left, end - this.#bit);
      // No shift: from 256 MiB on the bit's number has more than 31 bits.
      const byte = this.#bytes[Math.floor(this.#bit / 8)]!;
      value = value * 2 ** take + ((byte >> (left - take)) & ((1 << take) - 1));
      this.#bit += take;
    }
    return value;
  }

  /** Up to 64 bits. */
  readBig(count: number): bigint {
    if (count <= 32) return BigInt(this.read(count));
    const high = this.read(count - 32);
    return (BigInt(high) << 32n) | BigInt(this.read(32));
  }
}
