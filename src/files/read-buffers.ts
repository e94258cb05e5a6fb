const LEAST = 4096;

/**
 * Memory that reads use one after the other. With memory of its own for every read the collector would let hundreds of
 * megabytes gather before it frees them, and the system would have to find and clear each page of it again.
 */
export class ReadBuffers {
  readonly #most: number;
  /** By size, the one that was given back last at the end. */
  readonly #idle = new Map<number, Uint8Array[]>();
  #idleBytes = 0;

  /** Holds at most so many bytes that nobody uses. */
  constructor(most: number) {
    this.#most = most;
  }

  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** Room for `bytes`, or some more; what was in it may still be there. */
  take(bytes: number): Uint8Array {
    const size = sizeFor(bytes);
    const buffer = this.#idle.get(size)?.pop();
    if (buffer === undefined) return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    this.#idleBytes -= size;
    return buffer;
  }

  /** Only what came from `take`, once, and when nobody reads it any more. */
  give(buffer: Uint8Array): void {
    const size = buffer.byteLength;
    if (size > this.#most) return;
    const same = this.#idle.get(size) ?? [];
    this.#idle.delete(size);
    this.#idle.set(size, same);
    same.push(buffer);
    this.#idleBytes += size;
    for (const [other, buffers] of this.#idle) {
      while (this.#idleBytes > this.#most && buffers.pop() !== undefined) this.#idleBytes -= other;
      if (this.#idleBytes <= this.#most) break;
      this.#idle.delete(other);
    }
  }
}

/** Four sizes from one power of two to the next: reads of nearly one size find each other's memory. */
function sizeFor(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(Math.max(bytes, LEAST))) - 2);
  return Math.ceil(Math.max(bytes, LEAST) / step) * step;
}
