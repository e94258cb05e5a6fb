import type { Pool } from "../db/database.ts";
import { Bell } from "../flows/engine/bell.ts";
import type { Engine } from "../flows/engine/engine.ts";
import { hasPendingRuns } from "../flows/engine/pending.ts";
import { type Clock, pause, systemClock } from "../log/clock.ts";
import { Wake } from "../log/wake.ts";

export interface WorkingOptions {
  readonly pool: Pool;
  /** Starts what works on runs. */
  start(): Promise<Pick<Engine, "hasPending" | "close">>;
  /** How long steps may take to end by themselves when it closes. */
  readonly drainMs: number;
  onError(error: unknown): void;
  readonly clock?: Clock;
}

/** How often a node that works looks whether anything is left to do. */
export const REST_MS = 60_000;
const TRY_AGAIN_MS = 5_000;

/**
 * Works while there is work: a node at rest holds neither the engine nor its connections. Any process of the database
 * that starts a run wakes it.
 */
export class Working {
  readonly #options: WorkingOptions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #isWorking = false;
  /** What it was kept from its work by; the same again is no news. */
  #trouble: string | undefined;

  constructor(options: WorkingOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#ended = this.#run();
  }

  /** Whether the engine is there now. */
  get isWorking(): boolean {
    return this.#isWorking;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#listen();
      } catch (error) {
        this.#tell(error);
        await pause(this.#clock, TRY_AGAIN_MS, signal);
      }
    }
  }

  async #listen(): Promise<void> {
    const { pool } = this.#options;
    const { signal } = this.#closing;
    const news = new Wake();
    const bell = await Bell.listen(pool);
    try {
      using _hearing = bell.hear(() => news.ring());
      while (!signal.aborted) {
        const { version } = news;
        if (await hasPendingRuns(pool)) await this.#work();
        else await news.after(version, signal);
      }
    } finally {
      await bell.close();
    }
  }

  async #work(): Promise<void> {
    const { start, drainMs } = this.#options;
    const { signal } = this.#closing;
    const engine = await start();
    this.#isWorking = true;
    this.#trouble = undefined;
    try {
      do await pause(this.#clock, REST_MS, signal);
      while (!signal.aborted && (await engine.hasPending()));
    } finally {
      this.#isWorking = false;
      await engine.close({ drainMs });
    }
  }

  #tell(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== this.#trouble) this.#options.onError(error);
    this.#trouble = reason;
  }
}
