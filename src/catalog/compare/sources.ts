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
 * Lets the followers of these sources end the batch that they apply, and holds the next until the transaction ends: a
 * follower moves its position before it applies. Answers where they are; who never began is not named. A follower that
 * takes the rows in another order may make a deadlock of it, so that the transaction is one to be tried again.
 */
export async function holdFollowers(tx: Database, sources: readonly Source[]): Promise<Positions> {
  const rows = await tx.query<{ consumer: string; partition: string; next: number }>(
    `select consumer, partition, next from consumer_position where consumer = any($1)
      order by consumer, partition collate "C" for update`,
    [sources.map(({ consumer }) => consumer)],
  );
  const positions: Record<string, Record<string, number>> = {};
  for (const { consumer, partition, next } of rows) {
    positions[consumer] ??= {};
    positions[consumer][partition] = next;
  }
  return positions;
}

/** Of transactions that hold followers, after deadlocks. */
export const RETRIES = 5;

/** Whether a message was applied. */
export function isBefore(positions: Positions, consumer: string, partition: string, offset: number): boolean {
  return offset < (positions[consumer]?.[partition] ?? 0);
}
