import { setTimeout as delay } from "node:timers/promises";
import { Turns } from "../core/turns.ts";
import type { Pool } from "../db/database.ts";

/**
 * Marks pending events that have reached the log. Nobody waits for it: what is not marked counts for a while all the
 * same (`doorStates`). Those that come for a while after others were marked share the next statement.
 */
export class AppendedMarks {
  readonly #turns: Turns<readonly string[]>;
  readonly #hurry = new AbortController();

  constructor(pool: Pool) {
    this.#turns = new Turns({
      work: async (eventIds) => {
        await pool.query(MARK, [eventIds.flat()]).catch(() => undefined);
        await delay(PAUSE_MS, undefined, { signal: this.#hurry.signal, ref: false }).catch(() => undefined);
      },
    });
  }

  add(eventIds: readonly string[]): void {
    this.#turns.add(eventIds);
  }

  /** Marks without a pause from now on; resolves when everything that was given is marked, or could not be. */
  settled(): Promise<void> {
    this.#hurry.abort();
    return this.#turns.settled();
  }
}

/** Most are applied before they are marked, and then need it no more; `doorStates` counts them far longer than this. */
const PAUSE_MS = 5000;

/** What is being applied needs no mark any more; who waited for it could be waited for as well. */
const MARK = `
  with quickly as materialized (select set_config('synchronous_commit', 'off', true)),
    idle as (select event_id from pending where event_id = any($1) for update skip locked)
  update pending set appended = now() from quickly, idle where pending.event_id = idle.event_id`;
