import { setTimeout as pause } from "node:timers/promises";
import type { Call } from "../../core/principal.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import type { Batch, Position, ReadOptions, Recorded } from "../event-log.ts";
import { checkPosition } from "../message.ts";
import { inGyresWords, type KafkaFetcher, makeFetcher } from "./client.ts";
import { type Cluster, closeQuietly, EARLIEST, LATEST } from "./cluster.ts";
import { type KafkaOptions, pauseBefore } from "./options.ts";
import { type Partition, partitionName } from "./position.ts";
import { decode, type Fetched } from "./records.ts";
import { untilAborted } from "./until-aborted.ts";

const DEFAULT_BATCH = 500;
const MAX_PARTITION_BYTES = 1024 * 1024;
/** While there is no partition at all, the first is looked for sooner than new ones are later. */
const EMPTY_REFRESH_MS = 500;
/** Of a read that is not live, one after the other; before each the client has tried several times. */
const MAX_FAILURES = 3;

/** What one broker answered, or why it did not. */
type Answer =
  | { readonly node: number; readonly fetched: readonly Fetched[] }
  | { readonly node: number; readonly error: unknown };

/** Reads by offsets that the caller keeps, as a member of no group. */
export class Reader {
  readonly #options: KafkaOptions;
  readonly #cluster: Cluster;
  readonly #read: ReadOptions;
  readonly #now: () => number;
  /** Next offset of each partition that is read, by name. */
  readonly #offsets = new Map<string, number>();
  /** Where a read that is not live ends. */
  readonly #ends = new Map<string, number>();
  #partitions: readonly Partition[] = [];
  #assignedAt = Number.NEGATIVE_INFINITY;
  /** How many topics had been made here when they were last asked for. */
  #seen = -1;
  #fetcher: Promise<KafkaFetcher> | undefined;
  readonly #underway = new Map<number, Promise<Answer>>();

  constructor(options: KafkaOptions, cluster: Cluster, read: ReadOptions) {
    this.#options = options;
    this.#cluster = cluster;
    this.#read = read;
    this.#now = options.now ?? (() => performance.now());
  }

  async *batches({ signal }: Call): AsyncGenerator<Batch> {
    const { live = false, from } = this.#read;
    checkPosition(from);
    try {
      for (let failures = 0; signal?.aborted !== true; ) {
        try {
          const fetched = await untilAborted({ signal }, () => this.#next(signal));
          if (fetched === undefined) return;
          failures = 0;
          yield* this.#cut(fetched);
        } catch (error) {
          if (signal?.aborted) break;
          const told = inGyresWords(error, "read from Kafka");
          if (!isGyreError(told, "Busy") || (!live && failures >= MAX_FAILURES)) throw told;
          this.#startOver();
          await waited(pauseBefore(++failures), signal);
        }
      }
      if (!live) signal?.throwIfAborted();
    } finally {
      this.#startOver();
    }
  }

  /** What some broker has next; undefined at the end of what was to be read. */
  async #next(signal: AbortSignal | undefined): Promise<readonly Fetched[] | undefined> {
    await this.#assign();
    if (signal?.aborted) return undefined;
    const wanted = this.#partitions.filter((partition) => {
      const name = partitionName(partition);
      return (this.#offsets.get(name) as number) < (this.#ends.get(name) ?? Number.POSITIVE_INFINITY);
    });
    if (wanted.length === 0) {
      if (!this.#read.live) return undefined;
      await waited(EMPTY_REFRESH_MS, signal);
      return [];
    }
    const fetcher = await (this.#fetcher ??= makeFetcher(this.#options));
    const topics = [...new Set(wanted.map(({ topic }) => topic))];
    fetcher.topics.trackAll(...topics);
    const cluster = await fetcher.metadata({ topics });
    const leaderOf = ({ topic, index }: Partition): number =>
      cluster.topics.get(topic)?.partitions[index]?.leader ?? -1;
    for (const [node, members] of Map.groupBy(wanted, leaderOf)) {
      if (this.#underway.has(node)) continue;
      const ids = new Map(topics.map((topic) => [topic, cluster.topics.get(topic)?.id ?? ""]));
      this.#underway.set(node, this.#fetch(fetcher, node, members, ids));
    }
    const answer = await Promise.race(this.#underway.values());
    this.#underway.delete(answer.node);
    if ("error" in answer) throw answer.error;
    return answer.fetched;
  }

  async #fetch(
    fetcher: KafkaFetcher,
    node: number,
    partitions: readonly Partition[],
    ids: ReadonlyMap<string, string>,
  ): Promise<Answer> {
    const names = new Map([...ids].map(([name, id]) => [id, name]));
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, members]) => ({
      topicId: ids.get(topic) as string,
      partitions: members.map((partition) => ({
        partition: partition.index,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(this.#offsets.get(partitionName(partition)) as number),
        lastFetchedEpoch: -1,
        partitionMaxBytes: MAX_PARTITION_BYTES,
      })),
    }));
    try {
      const { responses } = await fetcher.fetch({ node, topics });
      const fetched = responses.flatMap(({ topicId, partitions: answered }) =>
        answered.map(({ partitionIndex, records, abortedTransactions }) => ({
          partition: { topic: names.get(topicId) as string, index: partitionIndex },
          batches: records ?? [],
          aborted: abortedTransactions ?? [],
        })),
      );
      return { node, fetched };
    } catch (error) {
      return { node, error };
    }
  }

  /** Batches of at most the wanted size; one without messages when only the position moved. */
  *#cut(fetched: readonly Fetched[]): Generator<Batch> {
    const { batch: size = DEFAULT_BATCH, topics } = this.#read;
    let messages: Recorded[] = [];
    let hasMoved = false;
    for (const part of fetched) {
      const name = partitionName(part.partition);
      const from = this.#offsets.get(name);
      if (from === undefined) continue;
      const decoded = decode(part, from, this.#cluster.layout);
      for (const message of decoded.messages) {
        this.#offsets.set(name, message.offset + 1);
        hasMoved = true;
        if (topics !== undefined && !topics.test(message.topic)) continue;
        messages.push(message);
        if (messages.length < size) continue;
        yield { messages, next: this.#position() };
        messages = [];
        hasMoved = false;
      }
      if (decoded.next !== undefined && decoded.next > (this.#offsets.get(name) as number)) {
        this.#offsets.set(name, decoded.next);
        hasMoved = true;
      }
    }
    if (hasMoved) yield { messages, next: this.#position() };
  }

  #position(): Position {
    return { ...this.#read.from, ...Object.fromEntries(this.#offsets) };
  }

  /** Which partitions there are, and where to begin in those that are new. */
  async #assign(): Promise<void> {
    const { live = false, topics: filter, partitions: only, from } = this.#read;
    const isFirst = this.#assignedAt === Number.NEGATIVE_INFINITY;
    const age = this.#now() - this.#assignedAt;
    const due = this.#partitions.length === 0 ? EMPTY_REFRESH_MS : (this.#options.refreshMs ?? 30_000);
    if (!isFirst && (!live || (age < due && this.#seen === this.#cluster.topicsMade))) return;
    const seen = this.#cluster.topicsMade;
    const all = await this.#cluster.partitions(filter);
    const chosen = only && new Set(only);
    const wanted = all.filter((partition) => chosen?.has(partitionName(partition)) ?? true);
    const tails = await this.#cluster.position(wanted, EARLIEST);
    const heads = await this.#cluster.position(wanted, LATEST);
    for (const partition of wanted) {
      const name = partitionName(partition);
      const tail = tails[name] as number;
      const head = heads[name] as number;
      const offset = this.#offsets.get(name) ?? from[name] ?? tail;
      if (offset > head) throw behindTheEnd(name, offset, head);
      // What retention has taken is no longer there to be read.
      this.#offsets.set(name, Math.max(offset, tail));
      if (!live && !this.#ends.has(name)) this.#ends.set(name, head);
    }
    this.#partitions = wanted;
    this.#seen = seen;
    this.#assignedAt = this.#now();
  }

  /** Forgets everything but the offsets. */
  #startOver(): void {
    if (this.#fetcher !== undefined) void closeQuietly(this.#fetcher);
    this.#fetcher = undefined;
    this.#underway.clear();
    this.#assignedAt = Number.NEGATIVE_INFINITY;
  }
}

/** Over early when the call is aborted. */
async function waited(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => undefined);
}

/** Silence would be worse: the log is another one than it was, or has lost messages that it had accepted. */
function behindTheEnd(name: string, offset: number, head: number): GyreError {
  return new GyreError(
    "BadSource",
    `position ${offset} of ${name} lies behind the end of the log, ${head}: its broker is another one, or has lost messages`,
    { source: name, offset },
  );
}
