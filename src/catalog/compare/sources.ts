import type { Database } from "../../db/database.ts";
import type { EventLog, Position, TopicFilter } from "../../log/event-log.ts";

/** A log that the catalogue is made of, and the consumer by whose positions. */
export interface Source {
  readonly consumer: string;
  readonly log: EventLog;
  readonly topics: TopicFilter;
}

/** Positions in the logs of several sources, by consumer. */
export type Positions = Readonly<Record<string, Position>>;

/** What is before these positions has been applied. */
export async function appliedPositions(db: Database): Promise<Positions> {
  const rows = await db.query<{ consumer: string; positions: Position }>(
    "select consumer, json_object_agg(partition, next) as positions from consumer_position group by consumer",
  );
  return Object.fromEntries(rows.map(({ consumer, positions }) => [consumer, positions]));
}

/**
 * Lets followers end the batch that they apply, and holds the next until the transaction ends: a follower moves its
 * position before it applies. First in a transaction, or two could wait for each other.
 */
export async function holdFollowers(tx: Database): Promise<void> {
  await tx.query("lock table consumer_position in share row exclusive mode");
}

/** Whether a message was applied. */
export function isBefore(positions: Positions, consumer: string, partition: string, offset: number): boolean {
  return offset < (positions[consumer]?.[partition] ?? 0);
}
