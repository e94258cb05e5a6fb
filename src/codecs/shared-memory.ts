const LEAST = 1 << 16;

/**
 * Memory that this thread and the workers both see, used by one job after the other. What a message carries is copied or
 * moved, and either way allocated anew for every job: then the collector is as busy as the codecs.
 */
export class SharedMemory {
  readonly #most: number;
  readonly #idle = new Map<number, SharedArrayBuffer[]>();
  #idleBytes = 0;

  /** Holds at most so many bytes that nobody uses. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Room for `bytes`; what was in it before may still be there. */
  take(bytes: number): Uint8Array {
    const size = Math.max(LEAST, 2 ** Math.ceil(Math.log2(Math.max(bytes, 1))));
    const idle = this.#idle.get(size)?.pop();
    if (idle !== undefined) this.#idleBytes -= size;
    return new Uint8Array(idle ?? new SharedArrayBuffer(size), 0, bytes);
  }

  /** Only what came from `take`, once, and when no thread works on it any more. */
  give({ buffer }: Uint8Array): void {
    if (!(buffer instanceof SharedArrayBuffer) || this.#idleBytes + buffer.byteLength > this.#most) return;
    const idle = this.#idle.get(buffer.byteLength) ?? [];
    this.#idle.set(buffer.byteLength, idle);
    idle.push(buffer);
    this.#idleBytes += buffer.byteLength;
  }
}

/** Room in shared memory for something whose size is told later, and perhaps twice: a file may change while it is read. */
export class Loan {
  readonly #memory: SharedMemory;
  #room: Uint8Array | undefined;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  readonly into = (bytes: number): Uint8Array => {
    if (this.#room === undefined || this.#room.length < bytes) this.#room = this.#memory.take(bytes);
    return this.#room;
  };

  /** The same bytes, in this memory if they are not yet. */
  hold(bytes: Uint8Array): Uint8Array {
    if (bytes.buffer === this.#room?.buffer) return bytes;
    const room = this.into(bytes.length).subarray(0, bytes.length);
    room.set(bytes);
    return room;
  }

  /** When no thread works on it any more; what is not given back is left to the collector. */
  giveBack(): void {
    if (this.#room !== undefined) this.#memory.give(this.#room);
    this.#room = undefined;
  }
}
