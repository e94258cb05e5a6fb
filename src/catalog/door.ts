import { isItemPayload, itemIdOf, type Payload } from "../core/event.ts";
import type { Principal } from "../core/principal.ts";
import type { Database } from "../db/database.ts";
import { keyOfItem } from "./batch.ts";
import { sql } from "./sql.ts";
import { inVisible, visibleTo } from "./visible.ts";

/** What the next event of a key will meet, as far as this node knows. */
export interface DoorState {
  /** Undefined: there will be no document. */
  readonly current: { readonly etag: string } | undefined;
  readonly topic: string | undefined;
  /** Items of a collection. */
  readonly items: number;
}

/** How long an event that may never have reached the log counts. */
const UNAPPENDED_SECONDS = 60;
const BUCKETS = 256;

/**
 * Lets one writer at a time look at and change what is pending for these keys: few locks, however many the keys. What is
 * pending need not survive a crash, so the transaction is not waited for until it is on disk.
 */
export async function lockKeys(tx: Database, keys: readonly string[]): Promise<void> {
  await tx.query(
    `select set_config('synchronous_commit', 'off', true),
        pg_advisory_xact_lock(hashtext('pending:' || current_schema()), bucket)
      from (select distinct abs(hashtext(key) % $2) as bucket from unnest($1::text[]) as key order by 1) b`,
    [keys, BUCKETS],
    { prepared: true },
  );
}

/** A key of the pending table: the item's id, or nothing for the collection itself. */
export function pendingKey(payload: Payload): string {
  return keyOfItem(payload.collection_id, itemIdOf(payload) ?? "");
}

/** States by `pendingKey`. Hidden documents are absent, but for POST, which must not take their place. */
export async function doorStates(
  db: Database,
  payloads: readonly Payload[],
  who: Principal,
): Promise<Map<string, DoorState>> {
  const keys = new Map(
    payloads.map((payload) => {
      const { collection_id: collection, method } = payload;
      const id = isItemPayload(payload) ? (itemIdOf(payload) as string) : "";
      return [pendingKey(payload), { collection, id, sees: method === "POST" }];
    }),
  );
  const { text, values } = sql`
    select k.collection, k.id, coalesce(d.etag, '') as etag, coalesce(p.topic, d.topic) as topic,
      p.event_id as pending, p.remains, coalesce(d.items, 0) as items
    from json_to_recordset(${JSON.stringify([...keys.values()])}) as k(collection text, id text, sees boolean)
    left join lateral (
      select etag, topic, 0 as items from item i
        where k.id <> '' and i.id = k.id and i.collection = k.collection and (k.sees or ${inVisible(who)})
      union all
      select case when document is not null then etag end, topic, items from collection c
        where k.id = '' and c.id = k.collection and (k.sees or ${visibleTo(who)})
    ) d on true
    left join pending p on p.collection = k.collection and p.id = k.id
      and (p.appended is not null or p.accepted > now() - ${UNAPPENDED_SECONDS} * interval '1 second')`;
  const rows = await db.query<DoorRow>(text, values);
  return new Map(rows.map((row) => [keyOfItem(row.collection, row.id), stateOf(row)]));
}

interface DoorRow {
  readonly collection: string;
  readonly id: string;
  readonly etag: string;
  readonly topic: string | null;
  readonly pending: string | null;
  readonly remains: boolean | null;
  readonly items: number;
}

function stateOf({ etag, topic, pending, remains, items }: DoorRow): DoorState {
  const last = pending === null ? etag : remains === true ? pending : "";
  return {
    current: last === "" ? undefined : { etag: last },
    topic: topic ?? undefined,
    items,
  };
}
