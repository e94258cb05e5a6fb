import { GyreError, isGyreError } from "../../errors.ts";
import type { Appended, Message } from "../event-log.ts";
import { checkMessages } from "../message.ts";
import { inGyresWords, type KafkaProducer, makeProducer } from "./client.ts";
import { type Cluster, closeQuietly } from "./cluster.ts";
import { partitionOf } from "./murmur2.ts";
import type { KafkaOptions } from "./options.ts";
import { type Partition, partitionName } from "./position.ts";
import { ID_HEADER, TOPIC_HEADER } from "./records.ts";

/** Brokers take batches of a partition up to 1 MiB unless told otherwise. A larger message goes alone. */
const MAX_FLIGHT_BYTES = 1_000_000;
/** Lengths, deltas and names of headers around a message. */
const MAX_OVERHEAD_BYTES = 64;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const MAX_REMEMBERED = 100_000;

interface Waiting {
  readonly message: Message;
  readonly bytes: number;
  readonly settle: PromiseWithResolvers<Appended>;
}

interface Routed extends Waiting, Partition {
  readonly key: Buffer;
}

/**
 * Writes messages in the order in which they were given. One request at a time is under way, with everything that came
 * meanwhile: so an attempt that is repeated can never overtake another of the same key.
 */
export class Appender {
  readonly #options: KafkaOptions;
  readonly #cluster: Cluster;
  #producer: Promise<KafkaProducer> | undefined;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #work: Promise<void> | undefined;
  #isClosed = false;
  /** Where recent messages lie, by their ids, the oldest first: Kafka itself knows no ids. */
  readonly #recent = new Map<string, Promise<Appended>>();

  constructor(options: KafkaOptions, cluster: Cluster) {
    this.#options = options;
    this.#cluster = cluster;
  }

  /** Answers when all messages are on all replicas that are in step. */
  append(messages: readonly Message[]): Promise<readonly Appended[]> {
    checkMessages(messages);
    for (const { topic } of messages) this.#cluster.layout.place(topic);
    if (this.#isClosed) throw new GyreError("Busy", "the log on Kafka is closed");
    if (this.#waitingBytes > MAX_WAITING_BYTES) {
      throw new GyreError("Busy", "too much waits for Kafka already", { retryAfter: 5 });
    }
    const places = messages.map((message) => this.#place(message));
    this.#work ??= this.#fly().finally(() => {
      this.#work = undefined;
    });
    return Promise.all(places);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#refuse(new GyreError("Busy", "the log on Kafka is closed"));
    await this.#work;
    if (this.#producer !== undefined) await closeQuietly(this.#producer);
  }

  #place(message: Message): Promise<Appended> {
    const { id } = message;
    const earlier = id === "" ? undefined : this.#recent.get(id);
    if (earlier !== undefined) return earlier.then((place) => ({ ...place, isRepeat: true }));
    const settle = Promise.withResolvers<Appended>();
    const bytes = sizeOf(message);
    // A copy, since it may be written again long after the caller has gone on.
    this.#waiting.push({ message: { ...message, value: message.value.slice() }, bytes, settle });
    this.#waitingBytes += bytes;
    if (id !== "") this.#remember(id, settle.promise);
    return settle.promise;
  }

  #remember(id: string, place: Promise<Appended>): void {
    this.#recent.set(id, place);
    place.catch(() => {
      if (this.#recent.get(id) === place) this.#recent.delete(id);
    });
    if (this.#recent.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#recent.keys();
    this.#recent.delete(oldest as string);
  }

  async #fly(): Promise<void> {
    while (this.#waiting.length > 0) {
      const boarded = this.#board();
      try {
        const flight = await this.#route(boarded);
        if (flight.length > 0) await this.#send(flight);
      } catch (error) {
        const told = inGyresWords(error, "append to Kafka");
        for (const { settle } of boarded) settle.reject(told);
        const failed = this.#producer;
        this.#producer = undefined;
        this.#cluster.forget();
        if (failed !== undefined) await closeQuietly(failed);
        // Those behind would each wait as long for the same broker.
        if (isGyreError(told, "Busy")) this.#refuse(told);
      }
    }
  }

  #board(): readonly Waiting[] {
    let bytes = 0;
    let end = 0;
    for (const { bytes: more } of this.#waiting) {
      if (end > 0 && bytes + more > MAX_FLIGHT_BYTES) break;
      bytes += more;
      end++;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, end);
  }

  /** Finds the partitions. A topic that Kafka does not take is the trouble of its own messages alone. */
  async #route(boarded: readonly Waiting[]): Promise<readonly Routed[]> {
    const { layout } = this.#cluster;
    const routed: Routed[] = [];
    for (const waiting of boarded) {
      const { key, topic } = waiting.message;
      const place = { topic: layout.place(topic), key: Buffer.from(key) };
      try {
        const count = await this.#cluster.countOf(place.topic);
        routed.push({ ...waiting, ...place, index: partitionOf(place.key, count) });
      } catch (error) {
        if (isGyreError(error, "Busy")) throw error;
        waiting.settle.reject(error);
      }
    }
    return routed;
  }

  async #send(flight: readonly Routed[]): Promise<void> {
    const producer = await (this.#producer ??= makeProducer(this.#options));
    const { offsets = [] } = await producer.send({
      // Said again, since the client looks here to forget its numbers after a failure.
      idempotent: true,
      messages: flight.map(({ message, key, topic, index }) => ({
        topic,
        partition: index,
        key,
        value: bufferOf(message.value),
        headers: headersOf(message),
      })),
    });
    const next = new Map(
      offsets.map(({ topic, partition, offset }) => [partitionName({ topic, index: partition }), Number(offset)]),
    );
    for (const routed of flight) {
      const partition = partitionName(routed);
      const offset = next.get(partition);
      if (offset === undefined || offset < 0) throw new Error(`the broker does not say where in ${partition}`);
      next.set(partition, offset + 1);
      routed.settle.resolve({ id: routed.message.id, partition, offset, isRepeat: false });
    }
  }

  #refuse(reason: unknown): void {
    for (const { settle } of this.#waiting) settle.reject(reason);
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

function sizeOf({ id, topic, key, value }: Message): number {
  return value.length + Buffer.byteLength(id + topic + key) + MAX_OVERHEAD_BYTES;
}

function headersOf({ id, topic }: Message): Map<Buffer, Buffer> {
  const headers = new Map([[Buffer.from(TOPIC_HEADER), Buffer.from(topic)]]);
  if (id !== "") headers.set(Buffer.from(ID_HEADER), Buffer.from(id));
  return headers;
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
