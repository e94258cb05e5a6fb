import type { Json } from "../../core/stac.ts";
import type { Database } from "../../db/database.ts";
import { isGyreError } from "../../errors.ts";
import type { Search } from "../catalog.ts";
import type { Positions } from "../compare/sources.ts";
import type { Change } from "./change.ts";
import { type Documents, documentsOf, kindOf, matchesOf } from "./matching.ts";
import {
  channelOf,
  MOST_DOCUMENT,
  MOST_WAITING,
  type Notice,
  type NoticeKind,
  noticeId,
  type Subscription,
} from "./subscription.ts";

/** Reads a search that was accepted before. */
export type ParseSearch = (search: Json) => Search;

/** Changes, with their documents read once for all subscriptions. */
export interface Changes {
  readonly of: readonly Change[];
  readonly documents: Documents;
}

export function changesOf(of: readonly Change[]): Changes {
  const items = of.flatMap(({ before, after }) => [before, after].filter((item) => item !== undefined));
  return { of, documents: documentsOf(items) };
}

/**
 * Keeps the notices of some changes for a subscription; a change that was told before is not told again. False: more
 * would wait than may, and none was kept.
 */
export async function record(
  tx: Database,
  subscription: Pick<Subscription, "id" | "search" | "who">,
  changes: Changes,
  parse: ParseSearch,
): Promise<boolean> {
  const matches = await matchesOf(tx, changes.documents, parse(subscription.search), subscription.who);
  const told = changes.of.flatMap((change) => {
    const kind = kindOf(change, matches);
    return kind === undefined ? [] : [{ change, kind }];
  });
  if (told.length === 0) return true;
  const known = await tx.query<{ event_id: string }>(
    "select event_id from notice where subscription = $1 and event_id = any($2)",
    [subscription.id, told.map(({ change }) => change.eventId)],
  );
  const seen = new Set(known.map(({ event_id }) => event_id));
  const fresh = told.filter(({ change: { eventId } }) => !seen.has(eventId) && seen.add(eventId));
  const [row] = await tx.query<{ first: number }>(
    `update subscription set notices = notices + $2 where id = $1 and notices - delivered + $2 <= $3
      returning notices - $2 + 1 as first`,
    [subscription.id, fresh.length, MOST_WAITING],
  );
  if (row === undefined) return false;
  const rows = fresh.map(({ change, kind }, i) => rowOf(subscription.id, change, kind, row.first + i));
  await tx.query(
    `insert into notice (subscription, sequence, event_id, body)
      select $1, sequence, event_id, body from json_to_recordset($2) as r(sequence bigint, event_id text, body text)`,
    [subscription.id, JSON.stringify(rows)],
  );
  await tellOf(tx, subscription.id);
  return true;
}

/** The past is to be looked through from here, since what comes could not be kept or not be asked. */
export async function fallBack(tx: Database, id: string, since: Positions, error?: unknown): Promise<void> {
  const reason =
    error === undefined ? null : isGyreError(error) ? error.message : "the search cannot be asked any more";
  await tx.query(
    `update subscription set read = '{}', since = $2, paused = paused or $3::text is not null, error = coalesce($3, error)
      where id = $1`,
    [id, JSON.stringify(since), reason],
  );
  await tellOf(tx, id);
}

/** When the transaction is committed, whoever works for the subscription looks again. */
export async function tellOf(tx: Database, id: string): Promise<void> {
  const [row] = await tx.query<{ schema: string }>("select current_schema() as schema");
  await tx.query("select pg_notify($1, $2)", [channelOf(row?.schema ?? ""), id]);
}

function rowOf(subscription: string, change: Change, kind: NoticeKind, sequence: number): object {
  const { eventId, time, collection, id, after = null } = change;
  const isSent = after !== null && Buffer.byteLength(JSON.stringify(after)) <= MOST_DOCUMENT;
  const notice: Notice = {
    id: noticeId(eventId, subscription),
    ...{ subscription, sequence, kind, event_id: eventId, collection, item: id, time },
    document: isSent ? after : null,
  };
  return { sequence, event_id: eventId, body: JSON.stringify(notice) };
}
