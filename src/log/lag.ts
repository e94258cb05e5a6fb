import type { Call } from "../core/principal.ts";
import { topicFilter } from "../core/topic.ts";
import type { Database } from "../db/database.ts";
import { withoutErrors } from "./coverage.ts";
import type { EventLog, Position } from "./event-log.ts";

/** How far a consumer is, as its database tells: also while none of its followers runs. */
export interface ConsumerLag {
  readonly consumer: string;
  readonly pattern: string;
  readonly partitions: readonly {
    readonly partition: string;
    readonly position: number;
    readonly head: number;
    readonly owner: string | null;
    /** The past is looked through for topics that the pattern did not have before. */
    readonly isBackfilling: boolean;
  }[];
  /** Messages that are not applied, of any topic. */
  readonly lag: number;
  /** Those that retention took before they were read, where its followers have stood still for long. */
  readonly behindTail: number;
}

/** Messages that are counted by topic, at most. */
const MOST_COUNTED = 10_000;

/** The consumers of a database and their distance from the heads of the log. */
export async function consumerLags(
  log: Pick<EventLog, "heads" | "tails">,
  db: Database,
  call: Call,
): Promise<readonly ConsumerLag[]> {
  const [heads, tails] = await Promise.all([log.heads(call), log.tails(call)]);
  const rows = await db.query<{
    consumer: string;
    pattern: string;
    partition: string;
    position: number;
    owner: string | null;
    backfill: number | null;
  }>(
    `select c.name as consumer, c.pattern, p.partition, p.next as position, p.owner, p.backfill
     from consumer c join consumer_position p on p.consumer = c.name
     order by c.name collate "C", p.partition collate "C"`,
    [],
    call,
  );
  return [...Map.groupBy(rows, ({ consumer }) => consumer)].map(([consumer, found]) => {
    const partitions = found.map(({ partition, position, owner, backfill }) => ({
      partition,
      position,
      head: Math.max(heads[partition] ?? 0, position),
      owner,
      isBackfilling: backfill !== null,
    }));
    const lag = partitions.reduce((sum, { position, head }) => sum + head - position, 0);
    const behindTail = partitions.reduce((sum, { partition, position }) => {
      return sum + Math.max(0, (tails[partition] ?? 0) - position);
    }, 0);
    return { consumer, pattern: found[0]!.pattern, partitions, lag, behindTail };
  });
}

/** The messages of a consumer's topics that it has not applied; `isMore`: there are more than were counted. */
export async function lagByTopic(
  log: EventLog,
  { pattern, partitions }: Pick<ConsumerLag, "pattern" | "partitions">,
  call: Call,
): Promise<{ readonly topics: ReadonlyMap<string, number>; readonly isMore: boolean }> {
  const from: Position = Object.fromEntries(partitions.map(({ partition, position }) => [partition, position]));
  const counts = new Map<string, number>();
  let counted = 0;
  for await (const { messages } of log.read({ from, topics: withoutErrors(topicFilter(pattern)) }, call)) {
    for (const { topic } of messages) counts.set(topic, (counts.get(topic) ?? 0) + 1);
    if ((counted += messages.length) >= MOST_COUNTED) return { topics: counts, isMore: true };
  }
  return { topics: counts, isMore: false };
}
