import type { CodecEntry } from "./codec.ts";
import { corrupt, tooLong } from "./failure.ts";

/** bzip2, streams one after the other included. */
export const bz2: CodecEntry = {
  name: "bz2",
  aliases: ["numcodecs.bz2", "hdf5:307", "imagecodecs_bz2"],
  kind: "bytes-bytes",
  summary: "bzip2",
  encodes: false,
  effort: { decode: 32 },
  async create() {
    const { default: bunzip } = await import("seek-bzip");
    return {
      kind: "bytes-bytes",
      decode(bytes, { maxBytes }) {
        if (bytes.length === 0) throw corrupt("bz2", "no bytes");
        const sink = new BoundedSink(maxBytes);
        bunzip.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), sink, true);
        return sink.bytes();
      },
    };
  },
};

/** Grows to what is needed and no further than the chunk can be: bzip2 packs a thousand million zeros in a kilobyte. */
class BoundedSink {
  readonly #maxBytes: number;
  #buffer = new Uint8Array(4096);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  writeByte(byte: number): void {
    if (this.#length === this.#buffer.length) this.#grow();
    this.#buffer[this.#length++] = byte;
  }

  #grow(): void {
    if (this.#length >= this.#maxBytes) throw tooLong("bz2", this.#maxBytes);
    const larger = new Uint8Array(Math.min(this.#buffer.length * 4, Math.max(this.#maxBytes, 4096)));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }

  bytes(): Uint8Array {
    if (this.#length > this.#maxBytes) throw tooLong("bz2", this.#maxBytes);
    return this.#buffer.subarray(0, this.#length);
  }
}
