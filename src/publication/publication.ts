import type { Catalog, EventStatus, Writes } from "../catalog/catalog.ts";
import { createHealing, type Healing } from "../catalog/compare/healing.ts";
import { createLocalTree } from "../catalog/compare/local-tree.ts";
import type { Source } from "../catalog/compare/sources.ts";
import type { HashTree } from "../catalog/compare/tree.ts";
import { createCatalog } from "../catalog/postgres-catalog.ts";
import { rebuildCatalog } from "../catalog/rebuild.ts";
import { type Subscriptions, startSubscriptions } from "../catalog/subscriptions/subscriptions.ts";
import { keepTold } from "../catalog/subscriptions/with-notices.ts";
import type { Level } from "../catalog/validate/policy.ts";
import type { SchemaStore } from "../catalog/validate/schema-store.ts";
import { createValidator, type Validator } from "../catalog/validate/validator.ts";
import { withValidation } from "../catalog/with-validation.ts";
import { createWrites } from "../catalog/writes.ts";
import type { Config } from "../config.ts";
import type { Call } from "../core/principal.ts";
import { topicTemplate } from "../core/topic.ts";
import type { Pool } from "../db/database.ts";
import { withoutErrors } from "../log/coverage.ts";
import type { EventLog } from "../log/event-log.ts";
import {
  appliedBy,
  type ConsumerState,
  consumerStates,
  consumerTroubles,
  deafness,
  type TopicLags,
  type Trouble,
  topicLags,
} from "./consumers.ts";
import { type Follower, parseSearch, plannedFollowers, startFollower } from "./followers.ts";
import { openLog } from "./logs.ts";
import type { NodeDatabase } from "./node-database.ts";
import { retaining } from "./retention.ts";
import { nodeKeys } from "./secret-keys.ts";

/** The publishing half of a node: its database, its log, its catalogue, and what makes the one from the other. */
export interface Publication {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly writes: Writes;
  /** What other nodes compare theirs with. */
  readonly tree: HashTree;
  readonly healing: Healing;
  readonly subscriptions: Subscriptions;
  /** Every event of this node's door and of what it followed. */
  status(eventId: string, call: Call): Promise<EventStatus | undefined>;
  consumers(call: Call): Promise<readonly ConsumerState[]>;
  lags(call: Call): Promise<readonly TopicLags[]>;
  /** Why what is appended to this node's log does not reach a consumer. */
  deafness(consumer: string): string | undefined;
  /** Changes with the events that were applied; undefined while one is kept from that. */
  applied(): number | undefined;
  /** What keeps followers from going on now. */
  troubles(): readonly Trouble[];
  /** Empties the catalogue, which the logs then make again. */
  rebuild(call: Call): Promise<void>;
  close(): Promise<void>;
}

export interface PublicationOptions {
  readonly database: NodeDatabase;
  /** Where the node keeps the key of its secrets, unless one is configured. */
  readonly dataDir: string;
  /** Published JSON Schemas that documents are held to. */
  readonly schemas: SchemaStore;
  readonly onError: (error: unknown, where: string) => void;
  /** Told what a person should know though nothing is wrong. */
  readonly tell: (message: string) => void;
}

/** What was found out in a catalogue that other processes fill holds for so long. */
const STALE_MS = 5000;

/**
 * Starts, in this order: database, log, catalogue, followers. What was started is stopped when the rest cannot be, or
 * when the signal aborts before all is there.
 */
export async function startPublication(
  config: Config,
  options: PublicationOptions,
  signal: AbortSignal,
): Promise<Publication> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let stop = closing.pop(); stop !== undefined; stop = closing.pop()) await stop();
  };
  const { onError } = options;
  const failed = (where: string) => (error: unknown) => onError(error, where);
  try {
    const planned = plannedFollowers(config);
    const isConsumer = config.roles.includes("consumer");
    const topic = topicTemplate(config.topics.template, config.topics.fallback);
    tellIfDeaf(config, options);
    const { address, pool } = await options.database.open();
    signal.throwIfAborted();
    const own = await openLog(config, address, failed("log"));
    closing.push(() => own.close());
    signal.throwIfAborted();
    const { log } = own;
    const catalog = createCatalog(pool);
    const door = createWrites({ pool, log, topic });
    closing.push(() => door.close());
    const writes = withValidation(door, validatorOf(config, options.schemas), catalog);
    const followers: Follower[] = [];
    for (const one of planned) {
      followers.push(await startFollower(one, { config, pool, own, planned, onError }, closing));
    }
    const sources = sourcesOf(followers);
    const keys = await nodeKeys(config.secretKeys, options.dataDir);
    const subscriptions = await startSubscriptions({
      ...{ pool, sources, log, parse: parseSearch, keys, onError: failed("subscriptions") },
      reachable: { allow: config.subscriptions.allow, isPrivate: config.subscriptions.private },
    });
    closing.push(() => subscriptions.close());
    startRetention(config, { pool, log, onError: failed("retention") }, closing);
    return {
      pool,
      log,
      catalog,
      writes,
      tree: createLocalTree(pool),
      healing: createHealing(pool, sources),
      subscriptions,
      status: (id, call) => writes.status(id, call),
      consumers: (call) => consumerStates(pool, log, followers, call),
      lags: (call) => topicLags(pool, log, followers, call),
      deafness: (consumer) => deafness(followers, log, consumer),
      applied: () => (isConsumer ? appliedBy(followers) : Math.floor(Date.now() / STALE_MS)),
      troubles: () => consumerTroubles(followers),
      async rebuild(call) {
        const filling = followers.filter(({ entry }) => entry.target === undefined);
        const logs = [...new Set(filling.map((follower) => follower.log))];
        const tails = await Promise.all(logs.map((one) => one.tails(call)));
        await keepTold(pool);
        await rebuildCatalog(
          pool,
          tails,
          filling.map(({ name }) => name),
        );
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the catalogue is made of. */
function sourcesOf(followers: readonly Follower[]): readonly Source[] {
  const filling = followers.filter(({ entry }) => entry.target === undefined);
  return filling.map(({ name, log, topics }) => ({ consumer: name, log, topics: withoutErrors(topics) }));
}

/** Which documents are good enough, as `validation` of the configuration says. */
function validatorOf({ validation }: Config, store: SchemaStore): Validator {
  const { policy, collections } = validation;
  const levelOf = (collection: string): Level =>
    (Object.hasOwn(collections, collection) && collections[collection]) || policy;
  return createValidator({ store, policyOf: (collection) => ({ level: levelOf(collection) }) });
}

/** Writes would be accepted, and never be seen. */
function tellIfDeaf({ catalog, follow }: Config, { tell }: PublicationOptions): void {
  const hears = follow.some(({ log, target }) => log === undefined && target === undefined);
  if (catalog.writable && !hears) {
    tell("This node takes writes, but its catalogue does not follow its own log: add an entry without `log` to follow");
  }
}

function startRetention(
  { retention: days }: Config,
  options: Omit<Parameters<typeof retaining>[0], "days">,
  closing: (() => Promise<void>)[],
): void {
  const stop = new AbortController();
  const running = retaining({ ...options, days }, stop.signal);
  closing.push(async () => {
    stop.abort();
    await running;
  });
}
