import { forgetOutcomes } from "../catalog/outcome.ts";
import type { Config } from "../config.ts";
import { ANONYMOUS } from "../core/principal.ts";
import type { Pool } from "../db/database.ts";
import { LOCK_SPACE } from "../db/postgres.ts";
import { type Clock, pause, systemClock } from "../log/clock.ts";
import type { EventLog } from "../log/event-log.ts";

export interface RetentionOptions {
  readonly days: Config["retention"];
  readonly log: EventLog;
  /** The node's catalogue, with what became of each event. */
  readonly pool: Pool;
  readonly onError: (error: unknown) => void;
  readonly clock?: Clock;
}

const DAY_MS = 86_400_000;

/** Forgets what is older than the node is to keep, now and once a day, until the signal aborts. */
export async function retaining(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { days, onError, clock = systemClock } = options;
  if (days.events === undefined && days.statuses === undefined) return;
  while (!signal.aborted) {
    await forgetOld(options, signal).catch((error: unknown) => {
      if (!signal.aborted) onError(error);
    });
    await pause(clock, DAY_MS, signal);
  }
}

async function forgetOld(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { days, log, pool } = options;
  // By the clock that the log and the catalogue have their times from: one of this machine that is ahead would forget all.
  const [row] = await pool.query<{ now: Date }>("select now()");
  const ago = (count: number): Date => new Date(row!.now.getTime() - count * DAY_MS);
  const { events, statuses } = days;
  if (statuses !== undefined) await forgetOutcomes(pool, ago(statuses));
  if (events === undefined) return;
  await pool.transaction(async (tx) => {
    // Nodes that share a database share its log: one at a time is enough.
    const [lock] = await tx.query<{ got: boolean }>(
      "select pg_try_advisory_xact_lock($1, hashtext('retention')) as got",
      [LOCK_SPACE],
    );
    if (lock?.got === true) await log.retain(ago(events), { signal, who: ANONYMOUS });
  });
}
