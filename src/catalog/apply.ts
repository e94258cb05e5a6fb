import { isItemPayload, itemIdOf, type StacEvent } from "../core/event.ts";
import type { StacCollection } from "../core/stac.ts";
import type { Database } from "../db/database.ts";
import { attemptOf } from "../log/error-event.ts";
import type { Recorded } from "../log/event-log.ts";
import { BatchState, type CollectionState, type ItemState, keyOfItem, type Loaded } from "./batch.ts";
import { EXTENT, type ExtentRow, extentOfRow } from "./collection-row.ts";
import { textOf, vectorOf } from "./facets.ts";
import { boxText } from "./footprint.ts";
import { problemOf } from "./problem.ts";
import { type Summaries, SummaryBuilder } from "./queryables.ts";
import { spanText } from "./times.ts";

/** An event with the message that it came in. */
export interface Arrived {
  readonly message: Recorded;
  readonly event: StacEvent;
}

export interface Refused extends Arrived {
  readonly error: unknown;
}

/** Applies events in their order by a fixed number of statements, and answers those that were refused. */
export async function applyEvents(tx: Database, arrived: readonly Arrived[]): Promise<Refused[]> {
  // First, so that all else is read as it is when nobody else applies to these collections.
  const collections = await lockCollections(tx, arrived);
  const known = await knownFates(tx, arrived);
  const fresh = arrived.filter((one) => !isRepeat(one, known));
  if (fresh.length === 0) return [];
  const loaded: Loaded = { items: await loadItems(tx, fresh), collections };
  const state = new BatchState(loaded);
  const last = new Map<string, Arrived>();
  const refused = new Map<Arrived, Refused>();
  for (const one of fresh) {
    // Once more, since it may have come twice in this batch.
    if (isRepeat(one, known)) continue;
    const id = one.event.metadata.event_id;
    try {
      state.apply(one.event, one.message.topic);
      known.set(id, "applied");
    } catch (error) {
      refused.set(one, { ...one, error });
      known.set(id, "failed");
    }
    last.set(id, one);
  }
  await saveItems(tx, state);
  await saveCollections(tx, loaded, state);
  await saveOutcomes(tx, [...last.values()], refused);
  return [...refused.values()];
}

type Fate = "applied" | "failed";

async function knownFates(tx: Database, arrived: readonly Arrived[]): Promise<Map<string, Fate>> {
  const rows = await tx.query<{ event_id: string; failed: boolean }>(
    "select event_id, problem is not null as failed from outcome where event_id = any($1) and applied is not null",
    [arrived.map(({ event }) => event.metadata.event_id)],
  );
  return new Map(rows.map(({ event_id, failed }) => [event_id, failed ? "failed" : "applied"]));
}

/** It came before; but what failed is tried again where it was sent again for that. */
function isRepeat({ message, event }: Arrived, known: ReadonlyMap<string, Fate>): boolean {
  const fate = known.get(event.metadata.event_id);
  return fate === "applied" || (fate === "failed" && attemptOf(message.id) === 0);
}

async function loadItems(tx: Database, arrived: readonly Arrived[]): Promise<Loaded["items"]> {
  const keys = new Map<string, { collection: string; id: string; isPatch: boolean }>();
  for (const payload of arrived.map(({ event }) => event.data.payload).filter(isItemPayload)) {
    const [collection, id] = [payload.collection_id, itemIdOf(payload) as string];
    const key = keyOfItem(collection, id);
    keys.set(key, { collection, id, isPatch: payload.method === "PATCH" || (keys.get(key)?.isPatch ?? false) });
  }
  const items = await tx.query<ItemState & { id: string; collection: string }>(
    `select i.id, i.collection, i.etag, i.topic,
        case when k."isPatch" then i.body end as body, i.properties
      from json_to_recordset($1) as k(collection text, id text, "isPatch" boolean)
      join item i on i.id = k.id and i.collection = k.collection`,
    [JSON.stringify([...keys.values()])],
  );
  return new Map(items.map((item) => [keyOfItem(item.collection, item.id), item]));
}

/** Followers that share a catalogue count the items of one collection one after the other. */
async function lockCollections(tx: Database, arrived: readonly Arrived[]): Promise<Loaded["collections"]> {
  const ids = [...new Set(arrived.map(({ event }) => event.data.payload.collection_id))];
  const found = await lockedCollections(tx, ids);
  const there = new Set(found.map(({ id }) => id));
  const missing = ids.filter((id) => !there.has(id));
  if (missing.length > 0) {
    // There is no row to lock: of two who would make it the second finds what the first has made.
    await tx.query(
      `select pg_advisory_xact_lock(hashtext('collection:' || current_schema()), bucket)
        from (select distinct abs(hashtext(id) % $2) as bucket from unnest($1::text[]) as id order by 1) b`,
      [missing, NEW_BUCKETS],
    );
    found.push(...(await lockedCollections(tx, missing)));
  }
  return new Map(found.map((row) => [row.id, stateOf(row)]));
}

/** Few locks, however many the collections. */
const NEW_BUCKETS = 64;

function lockedCollections(tx: Database, ids: readonly string[]): Promise<CollectionRow[]> {
  return tx.query<CollectionRow>(
    `select id, etag, topic, document, readers, items, queryables, ${EXTENT}
      from collection where id = any($1) order by id for update`,
    [ids],
  );
}

interface CollectionRow extends ExtentRow {
  readonly id: string;
  readonly etag: string;
  readonly topic: string | null;
  readonly document: StacCollection | null;
  readonly readers: readonly string[] | null;
  readonly items: number;
  readonly queryables: Summaries;
}

function stateOf(row: CollectionRow): CollectionState {
  const { etag, topic, document, readers, items, queryables } = row;
  const extent = extentOfRow(row);
  return { etag, topic, document, readers, items, extent, summaries: new SummaryBuilder(queryables) };
}

async function saveItems(tx: Database, { items, touched }: BatchState): Promise<void> {
  const gone: object[] = [];
  const kept: object[] = [];
  for (const [key, at] of touched) {
    const state = items.get(key);
    if (state?.prepared === undefined) gone.push(at);
    else {
      const { row } = state.prepared;
      kept.push({ ...at, ...row, words: vectorOf(row.words), etag: state.etag, topic: state.topic });
    }
  }
  if (gone.length > 0) {
    await tx.query(
      `delete from item i using json_to_recordset($1) as k(collection text, id text)
        where i.id = k.id and i.collection = k.collection`,
      [JSON.stringify(gone)],
    );
  }
  if (kept.length > 0) await tx.query(UPSERT_ITEMS, [JSON.stringify(kept)], { prepared: true });
}

const UPSERT_ITEMS = `
  insert into item (id, collection, datetime, span, place, shape, holes, low, high, facets, words, etag, topic, updated,
      properties, body)
    select id, collection, datetime, span, place, shape, holes, low, high, facets, words, etag, topic, now(),
      properties, body
    from json_to_recordset($1) as r(id text, collection text, datetime timestamptz, span tstzrange, place box,
      shape polygon[], holes polygon[], low float8, high float8, facets text[], words tsvector, etag text,
      topic text, properties jsonb, body json)
  on conflict (id, collection) do update set datetime = excluded.datetime, span = excluded.span,
    place = excluded.place, shape = excluded.shape, holes = excluded.holes, low = excluded.low, high = excluded.high,
    facets = excluded.facets, words = excluded.words, etag = excluded.etag,
    topic = excluded.topic, updated = excluded.updated, properties = excluded.properties, body = excluded.body`;

async function saveCollections(tx: Database, loaded: Loaded, { collections }: BatchState): Promise<void> {
  const written: object[] = [];
  const grown: object[] = [];
  const gone: string[] = [];
  for (const [id, state] of collections) {
    const { etag, topic, document, readers, items, extent, summaries, described } = state;
    if (document === null && items === 0) gone.push(id);
    else {
      const { box, start, end } = extent;
      const row = {
        ...{ id, items, place: box === undefined ? null : boxText(box) },
        span: start === undefined && end === undefined ? null : spanText(start, end),
        queryables: summaries.isChanged ? summaries.summaries() : null,
      };
      const isNew = !loaded.collections.has(id);
      if (!isNew && described === undefined) grown.push(row);
      else
        written.push({ ...row, document, etag, topic, readers, words: vectorOf(described?.words ?? textOf(id, {})) });
    }
  }
  if (gone.length > 0) await tx.query("delete from collection where id = any($1)", [gone]);
  if (grown.length > 0) {
    await tx.query(
      `update collection c set items = r.items, place = r.place, span = r.span,
          queryables = coalesce(r.queryables, c.queryables)
        from json_to_recordset($1) as r(id text, items bigint, place box, span tstzrange, queryables jsonb)
        where c.id = r.id`,
      [JSON.stringify(grown)],
    );
  }
  if (written.length > 0) await tx.query(UPSERT_COLLECTIONS, [JSON.stringify(written)]);
}

const UPSERT_COLLECTIONS = `
  insert into collection (id, document, etag, topic, updated, readers, items, place, span, queryables, words)
    select id, document, etag, topic, now(), readers, items, place, span, coalesce(queryables, '{}'), words
    from json_to_recordset($1) as r(id text, document jsonb, etag text, topic text, readers text[], items bigint,
      place box, span tstzrange, queryables jsonb, words tsvector)
  on conflict (id) do update set document = excluded.document, etag = excluded.etag, topic = excluded.topic,
    updated = excluded.updated, readers = excluded.readers, items = excluded.items, place = excluded.place,
    span = excluded.span, words = excluded.words,
    queryables = case when excluded.queryables = '{}' then collection.queryables else excluded.queryables end`;

/** What became of each, for status URLs and against repeats; wakes those who wait. */
export async function saveOutcomes(
  tx: Database,
  arrived: readonly Arrived[],
  refused: ReadonlyMap<Arrived, Refused>,
): Promise<void> {
  const rows = arrived.map((one) => {
    const { metadata, data } = one.event;
    const error = refused.get(one)?.error;
    return {
      event_id: metadata.event_id,
      collection: data.payload.collection_id,
      item: itemIdOf(data.payload) ?? null,
      method: data.payload.method,
      accepted: metadata.time,
      effects: error === undefined ? 1 : 0,
      problem: error === undefined ? null : problemOf(error),
    };
  });
  await tx.query(SAVE_OUTCOMES, [JSON.stringify(rows), inParts(rows.map(({ event_id }) => event_id))]);
}

/**
 * The commit is not waited for until it is on disk: what a crash takes away it takes with the position, and the log, which
 * is durable, brings it again.
 */
const SAVE_OUTCOMES = `
  with r as materialized (
    select * from json_to_recordset($1) as r(event_id text, collection text, item text, method text,
      accepted timestamptz, effects int, problem jsonb)
  ), written as (
    insert into outcome (event_id, collection, item, method, accepted, applied, applied_count, problem)
      select event_id, collection, item, method, accepted, now(), effects, problem from r
      on conflict (event_id) do update set applied = excluded.applied, problem = excluded.problem,
        applied_count = outcome.applied_count + excluded.applied_count
  ), settled as (
    delete from pending using r where pending.event_id = r.event_id
  ), quickly as materialized (
    select set_config('synchronous_commit', 'off', true)
  )
  select pg_notify(left('catalog:' || current_schema(), 63), ids) from quickly, unnest($2::text[]) as ids`;

/** Below the 8,000 bytes of a notification: an event id has 200 characters at most. */
function inParts(ids: readonly string[]): string[] {
  const parts: string[] = [];
  for (let i = 0; i < ids.length; i += 35) parts.push(JSON.stringify(ids.slice(i, i + 35)));
  return parts;
}
