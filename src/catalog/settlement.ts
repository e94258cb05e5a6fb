import type { Pool } from "../db/database.ts";

/** Wakes those who wait for an event when the projection, in whatever process, has committed it. */
export class Settlement {
  readonly #pool: Pool;
  readonly #waiting = new Map<string, Set<() => void>>();
  #listening: Promise<AsyncDisposable> | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Calls back when there may be news of the event; answers how to stop. */
  async watch(eventId: string, wake: () => void): Promise<() => void> {
    const wakes = this.#waiting.get(eventId) ?? new Set();
    this.#waiting.set(eventId, wakes.add(wake));
    const stop = (): void => {
      wakes.delete(wake);
      if (wakes.size === 0 && this.#waiting.get(eventId) === wakes) this.#waiting.delete(eventId);
    };
    try {
      await this.#listen();
      return stop;
    } catch (error) {
      stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    const listening = await this.#listening?.catch(() => undefined);
    await listening?.[Symbol.asyncDispose]();
  }

  #listen(): Promise<AsyncDisposable> {
    this.#listening ??= this.#pool
      .listen(
        `catalog:${this.#pool.schema}`.slice(0, 63),
        (payload) => this.#wake(idsOf(payload)),
        () => this.#wake([...this.#waiting.keys()]),
      )
      .catch((error: unknown) => {
        this.#listening = undefined;
        throw error;
      });
    return this.#listening;
  }

  #wake(ids: readonly string[]): void {
    for (const id of ids) for (const wake of this.#waiting.get(id) ?? []) wake();
  }
}

function idsOf(payload: string): readonly string[] {
  try {
    const ids: unknown = JSON.parse(payload);
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}
