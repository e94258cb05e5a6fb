import { createHealing } from "../../../src/catalog/compare/healing.ts";
import { createLocalTree } from "../../../src/catalog/compare/local-tree.ts";
import { createCatalog } from "../../../src/catalog/postgres-catalog.ts";
import { createCatalogProjection } from "../../../src/catalog/projection.ts";
import { createWrites } from "../../../src/catalog/writes.ts";
import type { Access } from "../../../src/core/access.ts";
import type { Payload } from "../../../src/core/event.ts";
import { ALL_TOPICS, topicTemplate } from "../../../src/core/topic.ts";
import type { Pool } from "../../../src/db/database.ts";
import { createApp } from "../../../src/http/app.ts";
import { listen } from "../../../src/http/listen.ts";
import { createCompare } from "../../../src/http/routes/compare.ts";
import type { EventLog } from "../../../src/log/event-log.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { createStac } from "../../../src/protocols/stac/stac.ts";
import { CALL, messageOf } from "../../contract/catalog/node.ts";
import { startFollowing } from "../../log/following.ts";
import { type Ending, testDatabase } from "../../services/postgres.ts";

/** A node of the catalogue alone, with its log, which it follows, and a port. */
export interface CatalogNode {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly url: string;
  /** Into the log, past the door, and waits until it is applied. */
  publish(payloads: readonly Payload[], ids?: readonly string[]): Promise<void>;
  /** Waits until the log is applied. */
  settle(): Promise<void>;
}

export async function catalogNode(t: Ending, log: EventLog = createMemoryLog()): Promise<CatalogNode> {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const source = { consumer: "catalog", log, topics: ALL_TOPICS };
  const writes = createWrites({ pool, log, topic: topicTemplate() });
  t.after(() => writes.close());
  const following = startFollowing(t, { log, db: pool, projection: createCatalogProjection({ topics: ALL_TOPICS }) });
  const app = createApp({
    access: {} as Access,
    protocols: [
      createStac({ catalog: createCatalog(pool), writes, id: "test", bodyBytes: 1e6 }),
      createCompare({ tree: async () => createLocalTree(pool), healing: async () => createHealing(pool, [source]) }),
    ],
  });
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  t.after(() => server.close(0));
  const settle = async (): Promise<void> => {
    const heads = await log.heads(CALL);
    await following.until(({ partitions }) => {
      return Object.entries(heads).every(([partition, head]) => (partitions[partition]?.position ?? 0) >= head);
    });
  };
  return {
    pool,
    log,
    url: server.url.href,
    settle,
    async publish(payloads, ids = []) {
      await log.append(
        payloads.map((payload, i) => messageOf(payload, ids[i])),
        CALL,
      );
      await settle();
    },
  };
}
