import type { Pool } from "../db/database.ts";

/**
 * Marks pending events that have reached the log. Nobody waits for it: what is not marked counts for a while all the
 * same (`doorStates`). Those that come while others are marked share the next statement.
 */
export class AppendedMarks {
  readonly #pool: Pool;
  #waiting: string[] = [];
  #running: Promise<void> | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  add(eventIds: readonly string[]): void {
    this.#waiting.push(...eventIds);
    this.#running ??= this.#run();
  }

  /** Resolves when everything that was given is marked, or could not be. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const ids = this.#waiting.splice(0);
      await this.#pool.query(MARK, [ids]).catch(() => undefined);
    }
    this.#running = undefined;
  }
}

const MARK = `
  with quickly as materialized (select set_config('synchronous_commit', 'off', true))
  update pending set appended = now() from quickly where event_id = any($1)`;
