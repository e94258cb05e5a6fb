import { GyreError, isGyreError } from "../errors.ts";
import { type Clock, pause, systemClock } from "../log/clock.ts";

export type StartState = "starting" | "ready" | "failed";

/** Why something is not there, and since when. */
export interface StartFailure {
  readonly reason: string;
  readonly since: Date;
}

interface Closable {
  close(): Promise<void>;
}

export interface StartingOptions<T extends Closable> {
  /** As people know it: `the catalogue`. */
  readonly name: string;
  /** Leaves nothing behind when it rejects; asked to give up by the signal. */
  start(signal: AbortSignal): Promise<T>;
  readonly onError: (error: unknown) => void;
  readonly clock?: Clock;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Something that takes time to start and may be kept from it: it is tried again, ever more seldom, until it is there.
 * Only a configuration that is wrong stays wrong.
 */
export class Starting<T extends Closable> {
  /** Resolves when it is there; rejects when it never will be. */
  readonly started: Promise<T>;
  readonly #options: StartingOptions<T>;
  readonly #closing = new AbortController();
  /** The first attempt has ended, by one way or the other. */
  readonly #tried = Promise.withResolvers<void>();
  #value: T | undefined;
  #failure: StartFailure | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(options: StartingOptions<T>) {
    this.#options = options;
    this.started = this.#run();
    // Whoever asks is told; nobody has to.
    this.started.catch(() => undefined);
  }

  get state(): StartState {
    if (this.#value !== undefined) return "ready";
    return this.#failure === undefined ? "starting" : "failed";
  }

  /** Undefined while it is not there. */
  get running(): T | undefined {
    return this.#value;
  }

  get failure(): StartFailure | undefined {
    return this.#failure;
  }

  /** Waits for the first attempt. Throws Busy when it failed, until a later one succeeds. */
  async value(): Promise<T> {
    if (this.state === "starting") await this.#tried.promise;
    if (this.#value !== undefined) return this.#value;
    const { name } = this.#options;
    const why = this.#failure === undefined ? "is stopped" : `could not start: ${this.#failure.reason}`;
    throw new GyreError("Busy", `${name} of this node ${why}`, { retryAfter: Math.ceil(this.#pauseMs / 1000) });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#tried.resolve();
    const value = await this.started.catch(() => undefined);
    await value?.close();
  }

  async #run(): Promise<T> {
    const { start, clock = systemClock } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      try {
        this.#value = await start(signal);
        this.#failure = undefined;
        return this.#value;
      } catch (error) {
        if (signal.aborted) throw error;
        this.#tell(error);
        if (isGyreError(error, "BadRequest")) throw error;
      } finally {
        this.#tried.resolve();
      }
      await pause(clock, this.#pauseMs, signal);
      signal.throwIfAborted();
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    }
  }

  /** The same reason again is no news. */
  #tell(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== this.#failure?.reason) this.#options.onError(error);
    this.#failure = { reason, since: this.#failure?.since ?? new Date() };
  }
}
