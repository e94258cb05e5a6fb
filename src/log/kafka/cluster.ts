import { GyreError } from "../../errors.ts";
import type { Position, TopicFilter } from "../event-log.ts";
import { MOST_VALUE_BYTES } from "../message.ts";
import { askVersion, inGyresWords, isKafkaError, type KafkaAdmin, makeAdmin } from "./client.ts";
import { type Layout, layoutOf } from "./layout.ts";
import type { KafkaOptions } from "./options.ts";
import { type Partition, partitionName } from "./position.ts";

/** Times with a meaning of their own in requests for offsets (ListOffsets). */
export const LATEST = -1n;
export const EARLIEST = -2n;
const OF_NEWEST = -3n;

/** An offset, and the time of the message there; both -1 where nothing answers the question. */
export interface Place {
  readonly partition: Partition;
  readonly offset: number;
  readonly time: number;
}

/** What may not be lost, nor shrink, nor explode: retention is ours to order, and compression not a writer's choice. */
const TOPIC_SETTINGS = {
  "cleanup.policy": "delete",
  "retention.ms": "-1",
  "retention.bytes": "-1",
  "max.message.bytes": String(MOST_VALUE_BYTES + 65_536),
  "compression.type": "uncompressed",
  "message.timestamp.type": "LogAppendTime",
} as const;

/** The topics of this log on the brokers. */
export class Cluster {
  readonly layout: Layout;
  /** Counts the topics that were made here: readers then look at once. */
  topicsMade = 0;
  #version: string | undefined;
  #admin: Promise<KafkaAdmin> | undefined;
  #counts = new Map<string, number>();
  #isClosed = false;
  readonly #options: KafkaOptions;

  constructor(options: KafkaOptions) {
    this.#options = options;
    this.layout = layoutOf(options.topics);
  }

  /** The release of the brokers, once one was reached. */
  get version(): string | undefined {
    return this.#version;
  }

  /** All partitions there are of this log, or those that can have messages for `filter`. */
  partitions(filter?: TopicFilter): Promise<readonly Partition[]> {
    return this.#ask("topics of Kafka", async (admin) => {
      const names = (await admin.listTopics({})).filter((name) => this.layout.includes(name, filter));
      const { shared } = this.layout;
      // Made before the first message, so that a follower need not look again and again for partitions to take.
      if (shared !== undefined && names.length === 0 && (await this.#mayMake(admin, shared))) names.push(shared);
      return this.#partitionsOf(admin, names);
    });
  }

  /**
   * How many partitions a topic has that messages go to; makes it when it is not there. One at a time: a broker says yes
   * to hundreds at once, and then is not their leader for many seconds.
   */
  async countOf(topic: string): Promise<number> {
    const known = this.#counts.get(topic);
    if (known !== undefined) return known;
    const count = await this.#ask(`topic ${topic} of Kafka`, async (admin) => {
      if (!(await admin.listTopics({})).includes(topic)) await this.#make(admin, topic);
      return (await this.#partitionsOf(admin, [topic])).length;
    });
    this.#counts.set(topic, count);
    return count;
  }

  /** Asks again how many partitions topics have. */
  forget(): void {
    this.#counts.clear();
  }

  /** For each partition the first offset whose time is `time` or later, or what the special times mean. */
  places(partitions: readonly Partition[], time: bigint): Promise<readonly Place[]> {
    if (partitions.length === 0) return Promise.resolve([]);
    return this.#ask("offsets of Kafka", async (admin) => {
      const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, members]) => ({
        name,
        partitions: members.map(({ index }) => ({ partitionIndex: index, timestamp: time })),
      }));
      // What transactions of others have not settled is not there yet.
      const listed = await admin.listOffsets({ topics, isolationLevel: 1 });
      return listed.flatMap(({ name, partitions: found }) =>
        found.map(({ partitionIndex, offset, timestamp }) => ({
          partition: { topic: name, index: partitionIndex },
          offset: Number(offset),
          time: Number(timestamp),
        })),
      );
    });
  }

  newest(partitions: readonly Partition[]): Promise<readonly Place[]> {
    return this.places(partitions, OF_NEWEST);
  }

  async position(partitions: readonly Partition[], time: bigint): Promise<Position> {
    const places = await this.places(partitions, time);
    return Object.fromEntries(places.map(({ partition, offset }) => [partitionName(partition), offset]));
  }

  /** Drops everything before the offsets. */
  async deleteBefore(places: readonly Omit<Place, "time">[]): Promise<void> {
    if (places.length === 0) return;
    const topics = [...Map.groupBy(places, ({ partition }) => partition.topic)].map(([name, members]) => ({
      name,
      partitions: members.map(inRequest),
    }));
    await this.#ask("retention of Kafka", (admin) => admin.deleteRecords({ topics }));
  }

  /** Tells the broker how far a consumer is, for those who look at it with Kafka's own tools. */
  async commit(group: string, places: readonly Omit<Place, "time">[]): Promise<void> {
    const topics = [...Map.groupBy(places, ({ partition }) => partition.topic)].map(([name, members]) => ({
      name,
      partitionOffsets: members.map(inRequest),
    }));
    await this.#ask("offsets of a group of Kafka", (admin) =>
      admin.alterConsumerGroupOffsets({ groupId: group, topics }),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#admin !== undefined) await closeQuietly(this.#admin);
  }

  /** Throws Busy when nobody answers. */
  async #ask<T>(doing: string, question: (admin: KafkaAdmin) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new GyreError("Busy", `${doing}: this log is closed`);
    try {
      const admin = await (this.#admin ??= makeAdmin(this.#options));
      this.#version ??= await askVersion(admin);
      return await question(admin);
    } catch (error) {
      throw inGyresWords(error, doing);
    }
  }

  async #partitionsOf(admin: KafkaAdmin, names: readonly string[]): Promise<readonly Partition[]> {
    if (names.length === 0) return [];
    const { topics } = await admin.metadata({ topics: [...names], forceUpdate: true });
    return [...topics].flatMap(([topic, { partitionsCount }]) =>
      Array.from({ length: partitionsCount }, (_, index) => ({ topic, index })),
    );
  }

  /** Makes a topic for one who may only read, perhaps: then somebody else will. */
  async #mayMake(admin: KafkaAdmin, topic: string): Promise<boolean> {
    try {
      await this.#make(admin, topic);
      return true;
    } catch (error) {
      if (isKafkaError(error, "TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED")) return false;
      throw error;
    }
  }

  async #make(admin: KafkaAdmin, topic: string): Promise<void> {
    const settings = { ...TOPIC_SETTINGS, ...this.#options.topicSettings };
    try {
      await admin.createTopics({
        topics: [topic],
        partitions: this.layout.partitions,
        ...(this.#options.replicas === undefined ? {} : { replicas: this.#options.replicas }),
        configs: Object.entries(settings).map(([name, value]) => ({ name, value })),
      });
      this.topicsMade++;
    } catch (error) {
      if (!isKafkaError(error, "TOPIC_ALREADY_EXISTS")) throw error;
    }
  }
}

function inRequest({ partition, offset }: Omit<Place, "time">): { partition: number; offset: bigint } {
  return { partition: partition.index, offset: BigInt(offset) };
}

/** Closes a client whose connections may be gone already. */
export async function closeQuietly(client: Promise<{ close(): Promise<void> }>): Promise<void> {
  try {
    await (await client).close();
  } catch {
    // There is nobody left to say goodbye to.
  }
}
