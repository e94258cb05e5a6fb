import { hostname } from "node:os";
import { createExternalProjection } from "../catalog/external.ts";
import { createCatalogProjection } from "../catalog/projection.ts";
import { removeUnfollowed } from "../catalog/rebuild.ts";
import type { ParseSearch } from "../catalog/subscriptions/recording.ts";
import { withNotices } from "../catalog/subscriptions/with-notices.ts";
import type { Config, FollowConfig } from "../config.ts";
import { ANONYMOUS } from "../core/principal.ts";
import { type TopicFilter, topicFilter } from "../core/topic.ts";
import type { Pool } from "../db/database.ts";
import { GyreError } from "../errors.ts";
import type { EventLog } from "../log/event-log.ts";
import { type FollowStatus, follow } from "../log/follow.ts";
import { requestedByBody } from "../protocols/stac/search-parameters.ts";
import { lagShower } from "./lag-shower.ts";
import { logName, type OpenedLog, openForeignLog } from "./logs.ts";

/** One entry of `follow` under its name as a consumer. */
export interface PlannedFollower {
  readonly name: string;
  readonly entry: FollowConfig;
  readonly topics: TopicFilter;
}

/** A running follower. */
export interface Follower extends PlannedFollower {
  /** What it reads: the node's own log, or somebody else's. */
  readonly log: EventLog;
  /** As it told last. */
  status(): FollowStatus | undefined;
}

/** What followers of one node have in common. */
export interface Surroundings {
  readonly config: Config;
  readonly pool: Pool;
  readonly own: OpenedLog;
  readonly planned: readonly PlannedFollower[];
  /** Told of what keeps a follower from going on, once each time. */
  readonly onError: (error: unknown, where: string) => void;
}

/** Messages of one transaction, each of which is a request: what a crash repeats. */
const EXTERNAL_BATCH = 50;

/** Searches of subscriptions are those of the STAC API. */
export const parseSearch: ParseSearch = (search) => requestedByBody(search).search;

/** The entries of `follow`, with names of their own. Throws BadRequest where two have one. */
export function plannedFollowers({ name: node, follow: entries }: Config): readonly PlannedFollower[] {
  const planned = entries.map((entry) => {
    return { name: entry.group ?? nameOf(node, entry), entry, topics: topicFilter(entry.topics) };
  });
  const names = planned.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return planned;
  throw new GyreError("BadRequest", `two entries of follow are called ${twice}: give one of them another group`, {
    subject: twice,
  });
}

/** Positions in one log mean nothing in another: what reads another log is another consumer. */
function nameOf(node: string, { log, target }: FollowConfig): string {
  return [node, log && `from.${logName(log)}`, target && `to.${target}`]
    .filter((part) => part !== undefined)
    .join(".")
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .slice(0, 200);
}

/** Starts a follower, where this process is a consumer; what stops it is added to `closing`. */
export async function startFollower(
  { name, entry, topics }: PlannedFollower,
  { config, pool, own, planned, onError }: Surroundings,
  closing: (() => Promise<void>)[],
): Promise<Follower> {
  let source = own;
  if (entry.log !== undefined) {
    source = await openForeignLog(entry.log);
    closing.push(() => source.close());
  }
  const { log } = source;
  if (!config.roles.includes("consumer")) return { name, entry, topics, log, status: () => undefined };
  const told = (error: unknown): void => onError(error, `following ${log.system} as ${name}`);
  const shower = lagShower(source, name);
  const stop = new AbortController();
  const { signal } = stop;
  const { target, token } = entry;
  let status: FollowStatus | undefined;
  const following = follow(
    {
      log,
      errors: own.log,
      db: pool,
      projection:
        target === undefined
          ? withNotices(createCatalogProjection({ name, topics }), parseSearch)
          : createExternalProjection({ name, topics, api: new URL(target), token, signal }),
      node: config.name,
      owner: `${hostname()}/${process.pid}`,
      ...(target === undefined ? {} : { batch: EXTERNAL_BATCH }),
      async onPattern(_from, _to, tx) {
        if (entry.narrowed === "keep") return "kept";
        await removeUnfollowed(tx, catalogueTopics(planned));
        return "removed";
      },
      onStatus(now) {
        if (now.state === "retrying" && status?.state !== "retrying") told(new Error(now.lastError?.message));
        status = now;
        shower.show(now);
      },
    },
    { signal, who: ANONYMOUS },
  ).catch(told);
  closing.push(async () => {
    stop.abort();
    await following;
    await shower.settled();
  });
  return { name, entry, topics, log, status: () => status };
}

/** What any of the entries brings into the catalogue. */
function catalogueTopics(planned: readonly PlannedFollower[]): (topic: string) => boolean {
  const filters = planned.filter(({ entry }) => entry.target === undefined).map(({ topics }) => topics);
  return (topic) => filters.some((filter) => filter.test(topic));
}
