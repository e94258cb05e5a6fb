import type { Clock } from "../../src/files/transport.ts";

interface Waiting {
  readonly due: number;
  readonly resolve: () => void;
}

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  /** Every wait that was asked for, in milliseconds. */
  readonly waits: number[] = [];
  #now = 0;
  #waiting: Waiting[] = [];

  #looked: () => void = () => undefined;
  #waited: (ms: number) => void = () => undefined;

  now(): number {
    this.#looked();
    return this.#now;
  }

  random(): number {
    return 0.5;
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    this.waits.push(ms);
    this.#waited(ms);
    return new Promise((resolve, reject) => {
      const entry = { due: this.#now + ms, resolve };
      this.#waiting.push(entry);
      signal?.addEventListener("abort", () => {
        this.#waiting = this.#waiting.filter((other) => other !== entry);
        reject(signal.reason);
      });
    });
  }

  /** Resolves when somebody asks what time it is. */
  nextLook(): Promise<void> {
    return new Promise((resolve) => {
      this.#looked = resolve;
    });
  }

  /** Resolves when somebody begins a wait of this kind. */
  nextWait(matches: (ms: number) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waited = (ms) => matches(ms) && resolve();
    });
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#waiting.filter((entry) => entry.due <= this.#now);
    this.#waiting = this.#waiting.filter((entry) => entry.due > this.#now);
    for (const { resolve } of due) resolve();
  }
}

/** A clock on which pauses are over at once and silence never grows long. */
export class EagerClock extends ManualClock {
  readonly timeoutMs = 1e9;

  override async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms >= this.timeoutMs) return super.wait(ms, signal);
    signal?.throwIfAborted();
    this.waits.push(ms);
  }

  /** The pauses between attempts. */
  get pauses(): number[] {
    return this.waits.filter((ms) => ms < this.timeoutMs);
  }
}
