import type { Catalog, Change, EventStatus, Search, Writes } from "../../../src/catalog/catalog.ts";
import { createCatalog } from "../../../src/catalog/postgres-catalog.ts";
import { createCatalogProjection } from "../../../src/catalog/projection.ts";
import { createWrites } from "../../../src/catalog/writes.ts";
import type { Payload } from "../../../src/core/event.ts";
import { ANONYMOUS, type Call } from "../../../src/core/principal.ts";
import type { Geometry, Json, StacCollection, StacItem } from "../../../src/core/stac.ts";
import { ALL_TOPICS, topicTemplate } from "../../../src/core/topic.ts";
import type { Pool } from "../../../src/db/database.ts";
import { BEGINNING, type EventLog, type Message } from "../../../src/log/event-log.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import type { Failure } from "../../../src/log/projection.ts";
import type { Ending } from "../../services/postgres.ts";

export const CALL: Call = { who: ANONYMOUS };

/** A catalogue with its log, whose projection runs when a test says so. */
export interface TestNode {
  readonly catalog: Catalog;
  readonly writes: Writes;
  readonly log: EventLog;
  /** Applies what is in the log and was not applied, and answers what could not be. */
  apply(): Promise<readonly Failure[]>;
  /** Accepts and applies; throws when anything failed. */
  publish(...payloads: readonly Payload[]): Promise<readonly EventStatus[]>;
  /** Into the log, past the door. */
  append(payloads: readonly Payload[], ids?: readonly string[]): Promise<void>;
  ids(search: Partial<Search>, call?: Call): Promise<string[]>;
  close(): Promise<void>;
}

export function testNode(pool: Pool, log: EventLog = createMemoryLog()): TestNode {
  const catalog = createCatalog(pool, { countMs: 60_000 });
  const writes = createWrites({ pool, log, topic: topicTemplate() });
  const projection = createCatalogProjection({ topics: ALL_TOPICS });
  let position = BEGINNING;
  const node: TestNode = {
    catalog,
    writes,
    log,
    async apply() {
      const failures: Failure[] = [];
      for await (const batch of log.read({ from: position }, CALL)) {
        failures.push(...(await pool.transaction((tx) => projection.apply(batch.messages, tx))));
        position = batch.next;
      }
      return failures;
    },
    async publish(...payloads) {
      const accepted = await writes.accept(
        payloads.map((payload) => changeOf(payload)),
        CALL,
      );
      const [failure] = await node.apply();
      if (failure !== undefined) throw failure.error;
      return accepted;
    },
    async append(payloads, ids = []) {
      await log.append(
        payloads.map((payload, i) => messageOf(payload, ids[i])),
        CALL,
      );
    },
    async ids(search, call = CALL) {
      const { entries } = await catalog.search({ limit: 1000, ...search }, call);
      return entries.map(({ document }) => document.id);
    },
    close: () => writes.close(),
  };
  return node;
}

export function changeOf(payload: Payload, eventId?: string): Change {
  return {
    payload,
    requester: { client_id: "test", iss: "https://iss.example", sub: "someone" },
    requestId: "request",
    publisher: { package: "test", version: "1" },
    ...(eventId === undefined ? {} : { eventId }),
  };
}

let count = 0;

/** An event as another node's door writes it. */
export function messageOf(payload: Payload, id = `event-${++count}`): Message {
  const metadata = {
    auth: { requester_data: { client_id: "test", iss: "https://iss.example", sub: "someone" } },
    event_id: id,
    request_id: "request",
    publisher: { package: "test", version: "1" },
    time: "2026-01-01T00:00:00Z",
    schema_version: "1.0.0",
  };
  const value = new TextEncoder().encode(JSON.stringify({ metadata, data: { type: "STAC", payload } }));
  const item = "item" in payload ? payload.item.id : "item_id" in payload ? payload.item_id : "";
  return { id, topic: "test.topic.x", key: `${payload.collection_id}/${item}`, value };
}

export interface ItemOptions {
  readonly collection?: string;
  readonly geometry?: Geometry | null;
  readonly bbox?: readonly number[];
  readonly properties?: { readonly [name: string]: Json };
}

export function item(id: string, options: ItemOptions = {}): StacItem {
  const { collection = "c", geometry = box(0, 0, 10, 10), bbox, properties } = options;
  return {
    type: "Feature",
    stac_version: "1.1.0",
    id,
    collection,
    geometry,
    ...(bbox === undefined ? {} : { bbox }),
    properties: { datetime: "2020-01-01T00:00:00Z", ...properties },
    links: [],
    assets: { data: { href: `https://data.example/${id}` } },
  };
}

export function box(west: number, south: number, east: number, north: number): Geometry {
  return { type: "Polygon", coordinates: [ringOf(west, south, east, north)] };
}

export function ringOf(west: number, south: number, east: number, north: number): number[][] {
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
}

export function post(one: StacItem): Payload {
  return { method: "POST", collection_id: one.collection as string, item: one };
}

export function collection(id: string, fields: { readonly [name: string]: unknown } = {}): StacCollection {
  return {
    type: "Collection",
    stac_version: "1.1.0",
    id,
    description: `About ${id}`,
    license: "CC0-1.0",
    extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [["2000-01-01T00:00:00Z", null]] } },
    links: [],
    ...fields,
  };
}

/** A node with these items, until the test ends. */
export async function published(
  make: (ending: Ending) => Promise<Pool>,
  t: Ending,
  items: readonly StacItem[],
): Promise<TestNode> {
  const node = testNode(await make(t));
  t.after(() => node.close());
  await node.publish(...items.map(post));
  return node;
}
