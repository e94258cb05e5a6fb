import { type ItemPayload, isItemPayload, itemIdOf, type Payload, type StacEvent } from "../core/event.ts";
import type { Json, StacCollection } from "../core/stac.ts";
import { GyreError } from "../errors.ts";
import {
  checkCollectionId,
  type Extent,
  type PreparedCollection,
  prepareCollection,
  widened,
} from "./collection-row.ts";
import { itemOf, type PreparedItem, prepareItem } from "./item-row.ts";
import { patched } from "./patch.ts";
import { type Summaries, SummaryBuilder } from "./queryables.ts";
import { checkIds, refusal } from "./transition.ts";

/** An item as it is or will be; `prepared` once an event of this batch wrote it. */
export interface ItemState {
  readonly etag: string;
  readonly topic: string | null;
  /** Where a patch needs it: the document without its properties. */
  readonly body?: object | null;
  readonly properties?: object | null;
  readonly prepared?: PreparedItem;
}

export interface CollectionState {
  etag: string;
  topic: string | null;
  document: StacCollection | null;
  readers: readonly string[] | null;
  items: number;
  extent: Extent;
  readonly summaries: SummaryBuilder;
  /** Set by the event that wrote the document, or took it away. */
  described?: PreparedCollection | null;
}

type Properties = { readonly [name: string]: Json };

/** What a batch starts from. */
export interface Loaded {
  readonly items: ReadonlyMap<string, ItemState>;
  readonly collections: ReadonlyMap<string, CollectionState>;
}

/**
 * Events applied one after the other, in memory: at the end each item and collection is written once. What an event
 * refuses to do leaves everything as it was.
 */
export class BatchState {
  readonly items: Map<string, ItemState | undefined>;
  readonly collections: Map<string, CollectionState>;
  /** Keys of items that must be written or deleted. */
  readonly touched = new Map<string, { readonly collection: string; readonly id: string }>();

  constructor(loaded: Loaded) {
    this.items = new Map(loaded.items);
    this.collections = new Map(loaded.collections);
  }

  /** Throws what `refusal` answers, or Invalid. */
  apply({ metadata, data: { payload } }: StacEvent, topic: string): void {
    checkCollectionId(payload.collection_id);
    checkIds(payload);
    if (isItemPayload(payload)) this.#applyToItem(payload, metadata.event_id, topic);
    else this.#applyToCollection(payload, metadata.event_id, topic);
  }

  #applyToItem(payload: ItemPayload, etag: string, topic: string): void {
    const { collection_id: collection } = payload;
    const id = itemIdOf(payload) as string;
    const key = keyOfItem(collection, id);
    const current = this.items.get(key);
    throwIf(refusal(payload, current));
    const next = payload.method === "DELETE" ? undefined : prepareItem(documentAfter(payload, current));
    const home = this.#home(collection, etag);
    home.items += (next === undefined ? 0 : 1) - (current === undefined ? 0 : 1);
    if (current?.properties) home.summaries.add(current.properties as Properties, -1);
    if (next !== undefined) {
      home.summaries.add(next.row.properties as Properties, 1);
      if (home.document === null) home.extent = widened(home.extent, extentOf(next));
    }
    const kept = current?.topic ?? topic;
    this.items.set(key, next && { etag, topic: kept, prepared: next, ...halves(next) });
    this.touched.set(key, { collection, id });
  }

  #applyToCollection(payload: Exclude<Payload, ItemPayload>, etag: string, topic: string): void {
    const known = this.collections.get(payload.collection_id);
    const document = known?.document ?? null;
    throwIf(refusal(payload, known === undefined || document === null ? undefined : known));
    const described = payload.method === "DELETE" ? null : prepareCollection(collectionAfter(payload, document));
    const home = this.#home(payload.collection_id, etag);
    home.etag = etag;
    home.topic ??= topic;
    home.document = described?.document ?? null;
    home.readers = described?.readers ?? null;
    home.described = described;
    if (described !== null) home.extent = described.extent;
  }

  #home(id: string, etag: string): CollectionState {
    const known = this.collections.get(id);
    if (known !== undefined) return known;
    const made = { etag, topic: null, document: null, readers: null, items: 0, extent: {} };
    const home: CollectionState = { ...made, summaries: new SummaryBuilder({} satisfies Summaries) };
    this.collections.set(id, home);
    return home;
  }
}

/** One text for two ids, whatever characters they have. */
export function keyOfItem(collection: string, id: string): string {
  return JSON.stringify([collection, id]);
}

function documentAfter(payload: Exclude<ItemPayload, { method: "DELETE" }>, current: ItemState | undefined): Json {
  const { collection_id: collection } = payload;
  if (payload.method !== "PATCH") return { ...(payload.item as unknown as { [name: string]: Json }), collection };
  if (!current?.body || !current.properties) throw new GyreError("BadSource", "the item to patch was not loaded");
  const item = itemOf(current.body, current.properties) as unknown as Json;
  const after = patched(item, payload.patch, "item") as { readonly [name: string]: Json };
  checkSame(after.id, payload.item_id, "/id");
  checkSame(after.collection, collection, "/collection");
  return after;
}

function collectionAfter(
  payload: Exclude<Payload, ItemPayload | { method: "DELETE" }>,
  document: StacCollection | null,
): unknown {
  if (payload.method !== "PATCH") return payload.collection;
  const after = patched(document as unknown as Json, payload.collection_patch, "collection");
  checkSame((after as { readonly id?: Json }).id, payload.collection_id, "/id");
  return after;
}

function checkSame(found: Json | undefined, expected: string, pointer: string): void {
  if (found === expected) return;
  const detail = "cannot be changed";
  throw new GyreError("Invalid", `${pointer} ${detail}`, { faults: [{ pointer, detail }], type: "id-mismatch" });
}

function halves({ row }: PreparedItem): Pick<ItemState, "body" | "properties"> {
  return { body: row.body as object, properties: row.properties as object };
}

function extentOf({ box, start, end }: PreparedItem): Extent {
  return { ...(box && { box }), ...(start && { start }), ...(end && { end }) };
}

function throwIf(error: GyreError | undefined): void {
  if (error !== undefined) throw error;
}
