import type { Call } from "../core/principal.ts";
import { GyreError } from "../errors.ts";
import type { Appended, Batch, EventLog, Message, Position, ReadOptions, TopicInfo } from "./event-log.ts";
import { Appender } from "./kafka/appender.ts";
import { Cluster, EARLIEST, LATEST } from "./kafka/cluster.ts";
import type { KafkaOptions } from "./kafka/options.ts";
import { parsePartition, partitionName } from "./kafka/position.ts";
import { Reader } from "./kafka/reader.ts";
import { Tally } from "./kafka/tally.ts";
import { untilAborted } from "./kafka/until-aborted.ts";
import { checkPosition } from "./message.ts";

export type { KafkaOptions, OneTopic, SaslSettings, TlsSettings, TopicEach } from "./kafka/options.ts";

/** A log on Kafka can also tell the broker how far a consumer is. */
export interface KafkaLog extends EventLog {
  /** For display of lag alone: nothing here ever reads from it. `group` is the consumer's name. */
  commit(group: string, position: Position, call: Call): Promise<void>;
}

/**
 * The event log on Apache Kafka. Nothing is asked of the brokers before the first call, so that a node starts without
 * them. Repeats of an id are recognised among the last 100,000 messages of this process; of others', by the projections.
 */
export function createKafkaLog(options: KafkaOptions): KafkaLog {
  return new OnKafka(options);
}

class OnKafka implements KafkaLog {
  readonly #options: KafkaOptions;
  readonly #cluster: Cluster;
  readonly #appender: Appender;
  readonly #tally: Tally;
  readonly #closing = new AbortController();

  constructor(options: KafkaOptions) {
    this.#options = options;
    this.#cluster = new Cluster(options);
    this.#appender = new Appender(options, this.#cluster);
    this.#tally = new Tally((from, call) => this.read({ from }, call));
  }

  get system(): string {
    return ["Apache Kafka", this.#cluster.version].filter(Boolean).join(" ");
  }

  async append(messages: readonly Message[], call: Call): Promise<readonly Appended[]> {
    return untilAborted(call, () => this.#appender.append(messages));
  }

  read(options: ReadOptions, call: Call): AsyncIterable<Batch> {
    const signals = [this.#closing.signal, call.signal].filter((signal) => signal !== undefined);
    return new Reader(this.#options, this.#cluster, options).batches({ ...call, signal: AbortSignal.any(signals) });
  }

  heads(call: Call): Promise<Position> {
    return this.#position(LATEST, call);
  }

  tails(call: Call): Promise<Position> {
    return this.#position(EARLIEST, call);
  }

  async topics(call: Call): Promise<readonly TopicInfo[]> {
    if (this.#cluster.layout.shared !== undefined) return this.#tally.topics(await this.tails(call), call);
    return untilAborted(call, async () => {
      const partitions = await this.#cluster.partitions();
      const tails = await this.#cluster.position(partitions, EARLIEST);
      const heads = await this.#cluster.position(partitions, LATEST);
      const newest = await this.#cluster.newest(partitions);
      const infos = [...Map.groupBy(newest, ({ partition }) => partition.topic)].map(([topic, places]) => {
        const last = Math.max(...places.map(({ time }) => time));
        const counts = places.map(({ partition }) => {
          const name = partitionName(partition);
          return (heads[name] ?? 0) - (tails[name] ?? 0);
        });
        return {
          name: this.#cluster.layout.topicOf(topic, undefined),
          messages: counts.reduce((sum, count) => sum + count, 0),
          last: last < 0 ? undefined : new Date(last),
        };
      });
      return infos.sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  retain(before: Date, call: Call): Promise<void> {
    return untilAborted(call, async () => {
      const partitions = await this.#cluster.partitions();
      // Asked first: what comes meanwhile is kept.
      const heads = await this.#cluster.position(partitions, LATEST);
      const kept = await this.#cluster.places(partitions, BigInt(before.getTime()));
      const cuts = kept.map(({ partition, offset }) => ({
        partition,
        offset: offset < 0 ? (heads[partitionName(partition)] as number) : offset,
      }));
      await this.#cluster.deleteBefore(cuts);
    });
  }

  async commit(group: string, position: Position, call: Call): Promise<void> {
    checkPosition(position);
    const places = Object.entries(position).flatMap(([name, offset]) => {
      const partition = parsePartition(name);
      return partition === undefined ? [] : [{ partition, offset }];
    });
    return untilAborted(call, () => this.#cluster.commit(group, places));
  }

  async close(): Promise<void> {
    this.#closing.abort(new GyreError("Busy", "the log on Kafka is closed"));
    await this.#appender.close();
    await this.#cluster.close();
  }

  #position(time: bigint, call: Call): Promise<Position> {
    return untilAborted(call, async () => this.#cluster.position(await this.#cluster.partitions(), time));
  }
}
