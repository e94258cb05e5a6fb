import type { Call } from "../core/principal.ts";
import type { TopicFilter } from "../core/topic.ts";

export type { TopicFilter } from "../core/topic.ts";

/** One message as it is appended. `value` is bytes, since what others wrote may be no event at all. */
export interface Message {
  /** Event id: the same one again is not appended again. */
  readonly id: string;
  readonly topic: string;
  /** Messages of one key keep their order: `collection/item`. */
  readonly key: string;
  readonly value: Uint8Array;
}

/** One message as it lies in the log. `id` is empty when the writer gave none. */
export interface Recorded extends Message {
  readonly partition: string;
  readonly offset: number;
  readonly time: Date;
}

/** For each partition the offset of the next message to read; a partition that is not named starts at its beginning. */
export type Position = Readonly<Record<string, number>>;

/** Before everything that is kept. */
export const BEGINNING: Position = Object.freeze({});

export interface Appended {
  readonly id: string;
  readonly partition: string;
  readonly offset: number;
  /** There was a message of this id already; this is its place, and nothing was written. */
  readonly isRepeat: boolean;
}

/** Messages in the order of their partitions, and where to go on: `next` also counts those that the topics left out. */
export interface Batch {
  readonly messages: readonly Recorded[];
  readonly next: Position;
}

export interface ReadOptions {
  readonly topics?: TopicFilter;
  readonly from: Position;
  /** Only these partitions; all without it. */
  readonly partitions?: readonly string[];
  /** History, and then whatever comes, until the call is aborted (the iteration then ends without an error). */
  readonly live?: boolean;
  /** Messages of one batch, at most; default 500. */
  readonly batch?: number;
}

export interface TopicInfo {
  readonly name: string;
  readonly messages: number;
  readonly last: Date | undefined;
}

/**
 * The source of truth of all publications (DESIGN 6). It knows no consumers: their cursors are rows of the projection's
 * own database.
 */
export interface EventLog {
  /** As the server names itself: `PostgreSQL 15.20`, `Apache Kafka 4.1`, `memory`. */
  readonly system: string;
  /** Durable when it answers. Answers in the order of `messages`. Throws Busy when the log cannot be reached. */
  append(messages: readonly Message[], call: Call): Promise<readonly Appended[]>;
  read(options: ReadOptions, call: Call): AsyncIterable<Batch>;
  /** Behind the last message of every partition. */
  heads(call: Call): Promise<Position>;
  /** The first message of every partition that retention has left. */
  tails(call: Call): Promise<Position>;
  topics(call: Call): Promise<readonly TopicInfo[]>;
  /** Forgets messages older than `before`; cursors of live consumers are the caller's care. */
  retain(before: Date, call: Call): Promise<void>;
  close(): Promise<void>;
}
