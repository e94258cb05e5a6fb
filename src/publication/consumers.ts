import type { Call } from "../core/principal.ts";
import type { Pool } from "../db/database.ts";
import { isGyreError } from "../errors.ts";
import type { EventLog } from "../log/event-log.ts";
import type { FollowStatus } from "../log/follow.ts";
import { type ConsumerLag, consumerLags, lagByTopic } from "../log/lag.ts";
import type { Follower } from "./followers.ts";

/** How far a consumer is; where one of its followers runs in this process, what that tells besides. */
export type ConsumerState = Omit<ConsumerLag, "lag"> & {
  /** Null: the log that it reads is another node's, which does not answer. */
  readonly lag: number | null;
} & Partial<Pick<FollowStatus, "state" | "applied" | "failed" | "missed" | "rate" | "lastError">>;

/** What keeps something from going on, and since when. */
export interface Trouble {
  readonly source: string;
  readonly reason: string;
  readonly since: string;
}

/** How long another node may take to say how far its log is. */
const PATIENCE_MS = 5000;

/** All consumers of a node's database. Those of another log are measured by that one. */
export async function consumerStates(
  pool: Pool,
  log: EventLog,
  followers: readonly Follower[],
  call: Call,
): Promise<readonly ConsumerState[]> {
  const foreign = followers.filter((follower) => follower.log !== log);
  const isForeign = ({ consumer }: ConsumerLag): boolean => foreign.some(({ name }) => name === consumer);
  const own = (await consumerLags(log, pool, call)).filter((lag) => !isForeign(lag));
  const others = await Promise.all(foreign.map((follower) => foreignLag(follower, pool, call)));
  return [...own, ...others.flat()].map((lag) => ({ ...lag, ...told(followers, lag.consumer) }));
}

/** What a consumer has still to apply. */
export interface TopicLags {
  readonly consumer: string;
  readonly topics: Readonly<Record<string, number>>;
  /** There is more than was counted. */
  readonly isMore: boolean;
}

/** The messages of each topic that consumers have not applied, but for those whose log does not answer. */
export async function topicLags(
  pool: Pool,
  log: EventLog,
  followers: readonly Follower[],
  call: Call,
): Promise<readonly TopicLags[]> {
  const lags: TopicLags[] = [];
  for (const state of await consumerStates(pool, log, followers, call)) {
    const { consumer, lag } = state;
    if (lag === null) continue;
    const source = followers.find(({ name }) => name === consumer)?.log ?? log;
    const { topics, isMore } = await lagByTopic(source, state, call);
    lags.push({ consumer, topics: Object.fromEntries(topics), isMore });
  }
  return lags;
}

async function foreignLag({ name, log }: Follower, pool: Pool, call: Call): Promise<Omit<ConsumerState, "state">[]> {
  const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), ...(call.signal ? [call.signal] : [])]);
  const isIt = ({ consumer }: ConsumerLag): boolean => consumer === name;
  try {
    return (await consumerLags(log, pool, { ...call, signal })).filter(isIt);
  } catch (error) {
    if (call.signal?.aborted || !(isGyreError(error, "Busy") || signal.aborted)) throw error;
    const nowhere = { heads: async () => ({}), tails: async () => ({}) };
    return (await consumerLags(nowhere, pool, call)).filter(isIt).map((lag) => ({ ...lag, lag: null }));
  }
}

function told(followers: readonly Follower[], consumer: string): Partial<ConsumerState> {
  const status = followers.find(({ name }) => name === consumer)?.status();
  if (status === undefined) return {};
  const { state, applied, failed, missed, rate, lastError } = status;
  return { state, applied, failed, missed, rate, ...(lastError === undefined ? {} : { lastError }) };
}

/** Why what is appended to the node's own log does not reach a consumer; undefined: it does, for all that is known here. */
export function deafness(followers: readonly Follower[], own: EventLog, consumer: string): string | undefined {
  const follower = followers.find(({ name }) => name === consumer);
  if (follower === undefined || follower.log === own) return undefined;
  const { entry, log } = follower;
  const isHeard = followers.some((other) => other.log === own && other.entry.target === undefined);
  if (entry.target === undefined && isHeard) return undefined;
  const way = entry.target === undefined ? ": heal its catalogue, or make it again" : "";
  return `${consumer} follows ${log.system}, not the log of this node${way}`;
}

/** Counts the events that this process applied to its catalogue; undefined while it is kept from that. */
export function appliedBy(followers: readonly Follower[]): number | undefined {
  let sum = 0;
  for (const { entry, status } of followers) {
    if (entry.target !== undefined) continue;
    const { state, applied = 0 } = status() ?? {};
    if (state === "retrying") return undefined;
    sum += applied;
  }
  return sum;
}

/** What keeps followers from going on now. */
export function consumerTroubles(followers: readonly Follower[]): readonly Trouble[] {
  return followers.flatMap(({ name, log, status }) => {
    const { state, lastError } = status() ?? {};
    if (state !== "retrying" || lastError === undefined) return [];
    return [
      { source: `${name}, following ${log.system}`, reason: lastError.message, since: lastError.at.toISOString() },
    ];
  });
}
