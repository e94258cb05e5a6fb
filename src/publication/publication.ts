import { hostname } from "node:os";
import { join } from "node:path";
import type { Catalog, EventStatus, Writes } from "../catalog/catalog.ts";
import { createExternalProjection } from "../catalog/external.ts";
import { createCatalog } from "../catalog/postgres-catalog.ts";
import { createCatalogProjection } from "../catalog/projection.ts";
import { rebuildCatalog, removeUnfollowed } from "../catalog/rebuild.ts";
import type { Level } from "../catalog/validate/policy.ts";
import type { SchemaStore } from "../catalog/validate/schema-store.ts";
import { createValidator, type Validator } from "../catalog/validate/validator.ts";
import { withValidation } from "../catalog/with-validation.ts";
import { createWrites } from "../catalog/writes.ts";
import type { Config, FollowConfig } from "../config.ts";
import { ANONYMOUS, type Call } from "../core/principal.ts";
import { topicFilter, topicTemplate } from "../core/topic.ts";
import type { Pool } from "../db/database.ts";
import { startEmbedded } from "../db/embedded.ts";
import { migrate } from "../db/migrate.ts";
import { connect, type ServerAddress } from "../db/postgres.ts";
import type { EventLog } from "../log/event-log.ts";
import { type FollowStatus, follow } from "../log/follow.ts";
import { type ConsumerLag, consumerLags } from "../log/lag.ts";
import { openForeignLog, openLog } from "./logs.ts";

/** The publishing half of a node: its database, its log, its catalogue, and what makes the one from the other. */
export interface Publication {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly writes: Writes;
  /** Every event of this node's door and of what it followed. */
  status(eventId: string, call: Call): Promise<EventStatus | undefined>;
  consumers(call: Call): Promise<readonly object[]>;
  /** Counts the events that followers of this process applied; undefined while one is kept from it. */
  applied(): number | undefined;
  /** Empties the catalogue, which the log then makes again. */
  rebuild(call: Call): Promise<void>;
  close(): Promise<void>;
}

export interface PublicationOptions {
  /** Of the embedded database. */
  readonly folder: string;
  /** Published JSON Schemas that documents are held to. */
  readonly schemas: SchemaStore;
  readonly onError: (error: unknown, where: string) => void;
  /** Told what a person should know: where files were placed, that the server was lost and is back. */
  readonly tell: (message: string) => void;
}

/** Starts, in this order: database, log, catalogue, followers. What was started is stopped when the rest cannot be. */
export async function startPublication(config: Config, options: PublicationOptions): Promise<Publication> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let stop = closing.pop(); stop !== undefined; stop = closing.pop()) await stop();
  };
  const failed = (where: string) => (error: unknown) => options.onError(error, where);
  try {
    const server = await openServer(config, options, closing);
    const pool = await connect({ ...server, schema: config.name, onError: failed("database") });
    closing.push(() => pool.close());
    await migrate(pool, { name: "node" });
    const { log, close: closeLog } = await openLog(config, server, failed("log"));
    closing.push(closeLog);
    const topic = topicTemplate(config.topics.template, config.topics.fallback);
    const catalog = createCatalog(pool);
    const door = createWrites({ pool, log, topic });
    closing.push(() => door.close());
    const writes = withValidation(door, validatorOf(config, options.schemas), catalog);
    const statuses: (() => FollowStatus | undefined)[] = [];
    for (const entry of config.follow) statuses.push(await started(entry, { config, pool, log, closing, failed }));
    return {
      pool,
      log,
      catalog,
      writes,
      status: (id, call) => writes.status(id, call),
      consumers: async (call) => consumersOf(await consumerLags(log, pool, call), statuses),
      applied: () => appliedBy(statuses),
      async rebuild(call) {
        await rebuildCatalog(pool, await log.tails(call));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Which documents are good enough, as `validation` of the configuration says. */
function validatorOf({ validation }: Config, store: SchemaStore): Validator {
  const { policy, collections } = validation;
  const levelOf = (collection: string): Level =>
    (Object.hasOwn(collections, collection) && collections[collection]) || policy;
  return createValidator({ store, policyOf: (collection) => ({ level: levelOf(collection) }) });
}

async function openServer(
  config: Config,
  { folder, tell }: PublicationOptions,
  closing: (() => Promise<void>)[],
): Promise<ServerAddress> {
  if (config.database !== "embedded") return { url: config.database };
  const server = await startEmbedded({ folder: config.databaseFolder ?? join(folder, "postgres"), tell });
  closing.push(() => server.close());
  return server.address;
}

interface Surroundings {
  readonly config: Config;
  readonly pool: Pool;
  readonly log: EventLog;
  readonly closing: (() => Promise<void>)[];
  readonly failed: (where: string) => (error: unknown) => void;
}

/** How far each consumer is, and what those of this process tell besides. */
function consumersOf(lags: readonly ConsumerLag[], statuses: readonly (() => FollowStatus | undefined)[]): object[] {
  const own = statuses.map((status) => status()).filter((status) => status !== undefined);
  return lags.map((lag) => {
    const status = own.find(({ consumer }) => consumer === lag.consumer);
    if (status === undefined) return lag;
    const { state, applied, failed, rate, lastError } = status;
    return { ...lag, state, applied, failed, rate, ...(lastError === undefined ? {} : { lastError }) };
  });
}

function appliedBy(statuses: readonly (() => FollowStatus | undefined)[]): number | undefined {
  let sum = 0;
  for (const status of statuses) {
    const now = status();
    if (now?.state === "retrying") return undefined;
    sum += now?.applied ?? 0;
  }
  return sum;
}

/** Starts a follower and answers what it tells of itself. */
async function started(
  entry: FollowConfig,
  { config, pool, log, closing, failed }: Surroundings,
): Promise<() => FollowStatus | undefined> {
  const topics = topicFilter(entry.topics);
  const name = entry.group ?? config.name;
  let source = log;
  if (entry.log !== undefined) {
    const foreign = await openForeignLog(entry.log);
    source = foreign.log;
    closing.push(foreign.close);
  }
  const projection =
    entry.target === undefined
      ? createCatalogProjection({ name, topics })
      : createExternalProjection({ name, topics, api: new URL(entry.target) });
  let status: FollowStatus | undefined;
  const told = failed(`following ${source.system} as ${name}`);
  const stop = new AbortController();
  const following = follow(
    {
      log: source,
      errors: log,
      db: pool,
      projection,
      node: config.name,
      owner: `${hostname()}/${process.pid}`,
      async onPattern(_from, _to, tx) {
        if (entry.narrowed === "keep" || entry.target !== undefined) return "kept";
        await removeUnfollowed(tx, topics);
        return "removed";
      },
      onStatus(now) {
        if (now.state === "retrying" && status?.state !== "retrying") told(new Error(now.lastError?.message));
        status = now;
      },
    },
    { signal: stop.signal, who: ANONYMOUS },
  ).catch(told);
  closing.push(async () => {
    stop.abort();
    await following;
  });
  return () => status;
}
