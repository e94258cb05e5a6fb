import type { StacItem } from "../../core/stac.ts";
import type { Database } from "../../db/database.ts";
import { isGyreError } from "../../errors.ts";
import { BatchState, type ItemState, keyOfItem } from "../batch.ts";
import { itemOf } from "../item-row.ts";
import { type AboutItem, type Change, changeOf } from "./change.ts";

/**
 * Applies events to the items as they were where a subscription looks through the past, by the rules of the catalogue,
 * and answers what they did. Events that were refused then are refused now.
 */
export async function applyToPast(
  tx: Database,
  subscription: string,
  about: readonly AboutItem[],
): Promise<readonly { readonly about: AboutItem; readonly change: Change }[]> {
  if (about.length === 0) return [];
  const batch = new BatchState({ items: await load(tx, subscription, about), collections: new Map() });
  const done: { about: AboutItem; change: Change }[] = [];
  for (const one of about) {
    const before = batch.items.get(one.key);
    const { event, message } = one;
    if (before?.etag === event.metadata.event_id) continue;
    try {
      batch.apply(event, message.topic);
    } catch (error) {
      if (isGyreError(error)) continue;
      throw error;
    }
    done.push({ about: one, change: changeOf(one, documentOf(before), documentOf(batch.items.get(one.key))) });
  }
  await save(tx, subscription, batch);
  return done;
}

function documentOf(state: ItemState | undefined): StacItem | undefined {
  return state?.body && state.properties ? itemOf(state.body, state.properties) : undefined;
}

async function load(tx: Database, subscription: string, about: readonly AboutItem[]): Promise<Map<string, ItemState>> {
  const rows = await tx.query<ItemState & { readonly collection: string; readonly id: string }>(
    `select p.collection, p.id, p.etag, p.topic, p.body, p.properties
      from json_to_recordset($2) as k(collection text, id text)
      join subscription_past p on p.subscription = $1 and p.collection = k.collection and p.id = k.id`,
    [subscription, JSON.stringify(about.map(({ collection, id }) => ({ collection, id })))],
  );
  return new Map(rows.map((row) => [keyOfItem(row.collection, row.id), row]));
}

async function save(tx: Database, subscription: string, { items, touched }: BatchState): Promise<void> {
  const kept: object[] = [];
  const gone: object[] = [];
  for (const [key, at] of touched) {
    const state = items.get(key);
    if (state === undefined) gone.push(at);
    else kept.push({ ...at, etag: state.etag, topic: state.topic, body: state.body, properties: state.properties });
  }
  await tx.query(
    `delete from subscription_past p using json_to_recordset($2) as k(collection text, id text)
      where p.subscription = $1 and p.collection = k.collection and p.id = k.id`,
    [subscription, JSON.stringify(gone)],
  );
  await tx.query(
    `insert into subscription_past (subscription, collection, id, etag, topic, properties, body)
      select $1, collection, id, etag, topic, properties, body from json_to_recordset($2)
        as r(collection text, id text, etag text, topic text, properties json, body json)
      on conflict (subscription, collection, id) do update set etag = excluded.etag, topic = excluded.topic,
        properties = excluded.properties, body = excluded.body`,
    [subscription, JSON.stringify(kept)],
  );
}
