import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "../db/database.ts";

/**
 * Marks pending events that have reached the log. Nobody waits for it: what is not marked counts for a while all the
 * same (`doorStates`). Those that come for a while after others were marked share the next statement.
 */
export class AppendedMarks {
  readonly #pool: Pool;
  #waiting: string[] = [];
  #running: Promise<void> | undefined;
  readonly #hurry = new AbortController();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  add(eventIds: readonly string[]): void {
    this.#waiting.push(...eventIds);
    this.#running ??= this.#run();
  }

  /** Marks without a pause from now on; resolves when everything that was given is marked, or could not be. */
  async settled(): Promise<void> {
    this.#hurry.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const ids = this.#waiting.splice(0);
      await this.#pool.query(MARK, [ids]).catch(() => undefined);
      await delay(PAUSE_MS, undefined, { signal: this.#hurry.signal, ref: false }).catch(() => undefined);
    }
    this.#running = undefined;
  }
}

const PAUSE_MS = 100;

const MARK = `
  with quickly as materialized (select set_config('synchronous_commit', 'off', true))
  update pending set appended = now() from quickly where event_id = any($1)`;
