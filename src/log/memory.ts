import type { Call } from "../core/principal.ts";
import { ALL_TOPICS } from "../core/topic.ts";
import type { Appended, Batch, EventLog, Message, Position, ReadOptions, Recorded, TopicInfo } from "./event-log.ts";
import { checkMessages, checkPosition, partitionOf } from "./message.ts";
import { Wake } from "./wake.ts";

const BATCH = 500;

interface Partition {
  readonly name: string;
  /** Offset of the first message that is kept. */
  tail: number;
  messages: Recorded[];
}

export interface MemoryLogOptions {
  /** Default 8. */
  readonly partitions?: number;
  readonly now?: () => number;
}

/** A log that lasts as long as the process: for tests, and for nodes that keep nothing. */
export function createMemoryLog(options: MemoryLogOptions = {}): EventLog {
  return new MemoryLog(options.partitions ?? 8, options.now ?? Date.now);
}

class MemoryLog implements EventLog {
  readonly system = "memory";
  readonly #partitions: readonly Partition[];
  readonly #byId = new Map<string, Omit<Appended, "isRepeat">>();
  readonly #wake = new Wake();
  readonly #now: () => number;

  constructor(partitions: number, now: () => number) {
    this.#partitions = Array.from({ length: partitions }, (_, i) => ({ name: String(i), tail: 0, messages: [] }));
    this.#now = now;
  }

  async append(messages: readonly Message[], { signal }: Call): Promise<readonly Appended[]> {
    signal?.throwIfAborted();
    checkMessages(messages);
    const appended = messages.map((message) => this.#append(message));
    if (appended.some(({ isRepeat }) => !isRepeat)) this.#wake.ring();
    return appended;
  }

  async *read(options: ReadOptions, { signal }: Call): AsyncGenerator<Batch> {
    const { topics = ALL_TOPICS, live = false, batch = BATCH } = options;
    checkPosition(options.from);
    const partitions = this.#partitions.filter(({ name }) => options.partitions?.includes(name) ?? true);
    const ends = live ? undefined : this.#headsOf(partitions);
    let next = { ...options.from };
    for (;;) {
      const { version } = this.#wake;
      if (!live) signal?.throwIfAborted();
      else if (signal?.aborted === true) return;
      const step = takeBatch(partitions, next, batch, topics.test, ends);
      if (step !== undefined) {
        next = { ...next, ...step.next };
        yield { messages: step.messages, next };
      } else if (live) await this.#wake.after(version, signal);
      else return;
    }
  }

  async heads({ signal }: Call): Promise<Position> {
    signal?.throwIfAborted();
    return this.#headsOf(this.#partitions);
  }

  async tails({ signal }: Call): Promise<Position> {
    signal?.throwIfAborted();
    return Object.fromEntries(this.#partitions.map(({ name, tail }) => [name, tail]));
  }

  async topics({ signal }: Call): Promise<readonly TopicInfo[]> {
    signal?.throwIfAborted();
    const byTopic = Map.groupBy(
      this.#partitions.flatMap(({ messages }) => messages),
      ({ topic }) => topic,
    );
    return [...byTopic.entries()]
      .map(([name, found]) => ({
        name,
        messages: found.length,
        last: new Date(Math.max(...found.map(({ time }) => time.getTime()))),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async retain(before: Date, { signal }: Call): Promise<void> {
    signal?.throwIfAborted();
    for (const partition of this.#partitions) {
      const found = partition.messages.findIndex(({ time }) => time >= before);
      const count = found < 0 ? partition.messages.length : found;
      for (const { id } of partition.messages.slice(0, count)) this.#byId.delete(id);
      partition.messages = partition.messages.slice(count);
      partition.tail += count;
    }
  }

  async close(): Promise<void> {}

  #append(message: Message): Appended {
    const known = message.id === "" ? undefined : this.#byId.get(message.id);
    if (known !== undefined) return { ...known, isRepeat: true };
    const partition = this.#partitions[partitionOf(message.key, this.#partitions.length)]!;
    const place = { id: message.id, partition: partition.name, offset: headOf(partition) };
    const { topic, key, value } = message;
    partition.messages.push({ ...place, topic, key, value: value.slice(), time: new Date(this.#now()) });
    if (message.id !== "") this.#byId.set(message.id, place);
    return { ...place, isRepeat: false };
  }

  #headsOf(partitions: readonly Partition[]): Position {
    return Object.fromEntries(partitions.map((partition) => [partition.name, headOf(partition)]));
  }
}

function headOf({ tail, messages }: Partition): number {
  return tail + messages.length;
}

/** The next messages of all partitions, `most` at most; undefined when nothing lies before the ends. */
function takeBatch(
  partitions: readonly Partition[],
  from: Position,
  most: number,
  fits: (topic: string) => boolean,
  ends: Position | undefined,
): Batch | undefined {
  const messages: Recorded[] = [];
  const next: Record<string, number> = {};
  for (const partition of partitions) {
    const { name, tail } = partition;
    const end = ends?.[name] ?? headOf(partition);
    let at = Math.max(from[name] ?? tail, tail);
    if (at >= end) continue;
    for (; at < end && messages.length < most; at++) {
      const message = partition.messages[at - tail]!;
      if (fits(message.topic)) messages.push(message);
    }
    next[name] = at;
  }
  return Object.keys(next).length === 0 ? undefined : { messages, next };
}
