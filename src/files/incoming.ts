import { GyreError } from "../errors.ts";

/** Bodies up to this size are read to their end when nobody wants them, which keeps the connection usable. */
const DRAINED_BYTES = 64 * 1024;

/** An answer whose body is read within bounds, or dropped. */
export class Incoming {
  readonly status: number;
  readonly headers: Headers;
  readonly #response: Response;
  readonly #alive: () => void;

  /** `alive` is told of every part that arrives. */
  constructor(response: Response, alive: () => void) {
    this.status = response.status;
    this.headers = response.headers;
    this.#response = response;
    this.#alive = alive;
  }

  /** What Content-Length says, when it can be believed to be about the bytes that arrive. */
  get length(): number | undefined {
    const text = this.headers.get("content-length");
    const length = text !== null && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
    return length !== undefined && Number.isSafeInteger(length) ? length : undefined;
  }

  async *parts(): AsyncGenerator<Uint8Array> {
    if (this.#response.body === null) return;
    for await (const part of this.#response.body) {
      this.#alive();
      yield part;
    }
  }

  /** The bytes from `start` to `end` (exclusive) of the body; stops reading there unless the rest is short. */
  async slice(start: number, end: number): Promise<Uint8Array> {
    const restIsShort = this.length !== undefined && this.length - end <= DRAINED_BYTES;
    const bytes = new Uint8Array(end - start);
    let position = 0;
    let filled = 0;
    for await (const part of this.parts()) {
      const wanted = part.subarray(Math.max(0, start - position), Math.max(0, end - position));
      bytes.set(wanted, filled);
      filled += wanted.byteLength;
      position += part.byteLength;
      if (position >= end && !restIsShort) break;
    }
    return filled === bytes.byteLength ? bytes : bytes.subarray(0, filled);
  }

  /** The whole body. Throws TooLarge beyond `limit`. */
  async bytes(limit: number): Promise<Uint8Array> {
    const { length } = this;
    if (length !== undefined && length <= limit) return this.slice(0, length);
    const kept: Uint8Array[] = [];
    let size = 0;
    for await (const part of length === undefined ? this.parts() : []) {
      size += part.byteLength;
      if (size > limit) break;
      kept.push(part);
    }
    if (length !== undefined || size > limit) {
      throw new GyreError("TooLarge", `the answer is larger than ${limit} bytes`);
    }
    return new Uint8Array(Buffer.concat(kept));
  }

  async text(limit: number): Promise<string> {
    return new TextDecoder().decode(await this.bytes(limit));
  }

  /** Lets go of the body, of which nobody wants anything more. */
  async drop(): Promise<void> {
    const { body, bodyUsed } = this.#response;
    if (body === null || bodyUsed) return;
    try {
      if ((this.length ?? 0) > DRAINED_BYTES) return await body.cancel();
      let drained = 0;
      for await (const part of this.parts()) if ((drained += part.byteLength) > DRAINED_BYTES) break;
    } catch {
      // A connection that breaks now is only lost for the next request.
    }
  }
}
