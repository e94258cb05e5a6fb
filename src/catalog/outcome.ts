import type { Call } from "../core/principal.ts";
import type { Database } from "../db/database.ts";
import type { EventStatus } from "./catalog.ts";
import { sql } from "./sql.ts";
import { visibleTo } from "./visible.ts";

const COLUMNS = "event_id, collection, item, method, accepted, applied, problem";

type OutcomeRow = Omit<EventStatus, "status"> & { readonly digest: string | null };

/** What became of an event, for those who may see what it was about. */
export async function statusOf(db: Database, eventId: string, call: Call): Promise<EventStatus | undefined> {
  const { text, values } = sql`
    select event_id, collection, item, method, accepted, applied, problem from outcome o
    where event_id = ${eventId}
      and not exists (select from collection c where c.id = o.collection and not ${visibleTo(call.who)})`;
  const [row] = await db.query<OutcomeRow>(text, values, call);
  return row && toStatus(row);
}

export interface KnownOutcome {
  readonly status: EventStatus;
  /** Of the body that this node accepted. */
  readonly digest: string | null;
}

/** Those of `eventIds` that are known. */
export async function knownOutcomes(db: Database, eventIds: readonly string[]): Promise<Map<string, KnownOutcome>> {
  const rows = await db.query<OutcomeRow>(`select ${COLUMNS}, digest from outcome where event_id = any($1)`, [
    eventIds,
  ]);
  return new Map(rows.map((row) => [row.event_id, { status: toStatus(row), digest: row.digest }]));
}

/**
 * Forgets events that were applied, or accepted and never appended, before a time. Repeats of events that are forgotten
 * are refused as what they then are (409, 404); a log must not be replayed from before that time.
 */
export async function forgetOutcomes(db: Database, before: Date): Promise<void> {
  await db.query("delete from outcome where accepted < $1 and (applied is null or applied < $1)", [before]);
  await db.query("delete from pending where accepted < $1", [before]);
}

function toStatus({ digest: _, ...row }: OutcomeRow): EventStatus {
  const status = row.applied === null ? "pending" : row.problem === null ? "applied" : "failed";
  return { ...row, status };
}
