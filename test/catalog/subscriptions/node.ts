import type { Catalog, Search } from "../../../src/catalog/catalog.ts";
import { createCatalog } from "../../../src/catalog/postgres-catalog.ts";
import { createCatalogProjection } from "../../../src/catalog/projection.ts";
import { Keyring } from "../../../src/catalog/subscriptions/keyring.ts";
import {
  type Subscriptions,
  type SubscriptionsOptions,
  startSubscriptions,
} from "../../../src/catalog/subscriptions/subscriptions.ts";
import { withNotices } from "../../../src/catalog/subscriptions/with-notices.ts";
import type { Payload } from "../../../src/core/event.ts";
import type { Json } from "../../../src/core/stac.ts";
import { ALL_TOPICS } from "../../../src/core/topic.ts";
import type { Pool } from "../../../src/db/database.ts";
import type { EventLog } from "../../../src/log/event-log.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import type { Projection } from "../../../src/log/projection.ts";
import { requestedByBody } from "../../../src/protocols/stac/search-parameters.ts";
import { CALL, item, messageOf } from "../../contract/catalog/node.ts";
import { type Following, fastClock, startFollowing } from "../../log/following.ts";
import { type Ending, testDatabase } from "../../services/postgres.ts";

export const KEY = "01".repeat(32);

export const parse = (search: Json): Search => requestedByBody(search).search;

/** A node whose catalogue tells its subscriptions. */
export interface TellingNode {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly catalog: Catalog;
  /** Starts what sends; another beside it is another process's. */
  start(options?: Partial<SubscriptionsOptions>): Promise<Subscriptions>;
  /** Starts what applies; `around` wraps the projection. */
  follow(around?: (projection: Projection) => Projection): Following;
  append(payloads: readonly Payload[], ids?: readonly string[]): Promise<void>;
  /** Waits until the log is applied. */
  applied(following: Following): Promise<void>;
}

export async function tellingNode(t: Ending, log: EventLog = createMemoryLog()): Promise<TellingNode> {
  // What was started last ends first: the database behind all that use it.
  const endings: (() => Promise<void>)[] = [];
  const ending: Ending = { after: (work) => void endings.unshift(work) };
  t.after(async () => {
    for (const end of endings) await end();
  });
  const pool = await testDatabase(ending, { migrations: ["node"], max: 8 });
  const sources = [{ consumer: "catalog", log, topics: ALL_TOPICS }];
  const failures: unknown[] = [];
  ending.after(async () => {
    if (failures.length > 0) throw failures[0];
  });
  return {
    pool,
    log,
    catalog: createCatalog(pool),
    async start(options = {}) {
      const subscriptions = await startSubscriptions({
        ...{ pool, sources, log, parse, clock: fastClock },
        // What a busy machine is late with would be sent twice.
        timeoutMs: 600_000,
        reachable: { allow: [], isPrivate: true },
        keys: new Keyring([KEY]),
        onError: (error) => failures.push(error),
        ...options,
      });
      ending.after(() => subscriptions.close());
      return subscriptions;
    },
    follow(around = (projection) => projection) {
      const projection = withNotices(createCatalogProjection({ topics: ALL_TOPICS }), parse);
      return startFollowing(ending, { log, db: pool, projection: around(projection), batch: 50 });
    },
    async append(payloads, ids = []) {
      await log.append(
        payloads.map((payload, i) => messageOf(payload, ids[i])),
        CALL,
      );
    },
    async applied(following) {
      const heads = await log.heads(CALL);
      await following.until(({ partitions }) => {
        return Object.entries(heads).every(([partition, head]) => (partitions[partition]?.position ?? 0) >= head);
      });
    },
  };
}

export const put = (id: string, properties: Record<string, Json>): Payload => {
  return { method: "PUT", collection_id: "c", item_id: id, item: item(id, { properties }) };
};
export const patch = (id: string, properties: Record<string, Json>): Payload => {
  return { method: "PATCH", collection_id: "c", item_id: id, patch: { properties } };
};
export const remove = (id: string): Payload => ({ method: "DELETE", collection_id: "c", item_id: id });
