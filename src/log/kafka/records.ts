import { isUtf8 } from "node:buffer";
import type { KafkaRecord, RecordsBatch } from "@platformatic/kafka";
import type { Recorded } from "../event-log.ts";
import { keepable, LONGEST_NAME } from "../message.ts";
import type { Layout } from "./layout.ts";
import { type Partition, partitionName } from "./position.ts";

/** Headers of a message: what an event is called, and its topic. */
export const ID_HEADER = "event_id";
export const TOPIC_HEADER = "topic";

/** Of an id or a topic that can be one of ours. */
const MAX_NAME_BYTES = 4 * LONGEST_NAME;

const YEAR_10000 = BigInt(Date.UTC(10_000, 0));

/** Bits of a batch's attributes (Kafka protocol, record batch). */
const LOG_APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

export interface Aborted {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** What was fetched of a partition. */
export interface Fetched {
  readonly partition: Partition;
  readonly batches: readonly RecordsBatch[];
  readonly aborted: readonly Aborted[];
}

export interface Decoded {
  readonly messages: readonly Recorded[];
  /** Behind everything that was fetched; undefined: nothing was. */
  readonly next: number | undefined;
}

/** Messages from the offset `from` on: a broker answers whole batches. What transactions took back is left out. */
export function decode({ partition, batches, aborted }: Fetched, from: number, layout: Layout): Decoded {
  const name = partitionName(partition);
  const ahead = aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  const failing = new Set<bigint>();
  const messages: Recorded[] = [];
  let next: number | undefined;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    next = first + batch.lastOffsetDelta + 1;
    while (ahead[0] !== undefined && ahead[0].firstOffset <= batch.firstOffset) {
      failing.add((ahead.shift() as Aborted).producerId);
    }
    if (batch.attributes & CONTROL) {
      // The marker that ends the transaction, either way.
      failing.delete(batch.producerId);
      continue;
    }
    if (batch.attributes & TRANSACTIONAL && failing.has(batch.producerId)) continue;
    for (const record of batch.records) {
      const offset = first + record.offsetDelta;
      if (offset < from) continue;
      const headers = headersOf(record);
      messages.push({
        id: headers.get(ID_HEADER) ?? "",
        topic: layout.topicOf(partition.topic, headers.get(TOPIC_HEADER)),
        key: keepable(record.key?.toString("utf8") ?? ""),
        value: record.value ?? new Uint8Array(),
        partition: name,
        offset,
        time: dateOf(timeOf(batch, record)),
      });
    }
  }
  return { messages, next };
}

function timeOf(batch: RecordsBatch, record: KafkaRecord): bigint {
  return batch.attributes & LOG_APPEND_TIME ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta;
}

/** What a writer says need not be a time: of one that no calendar of four digits has nothing is known. */
function dateOf(time: bigint): Date {
  return new Date(time >= 0n && time < YEAR_10000 ? Number(time) : 0);
}

/** Our two headers. Of bytes that are no text we know nothing: two broken ids must not become one. */
function headersOf({ headers }: KafkaRecord): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of headers) {
    const name = key?.toString("utf8");
    if (name !== ID_HEADER && name !== TOPIC_HEADER) continue;
    if (value === null || value.length > MAX_NAME_BYTES || value.includes(0) || !isUtf8(value)) continue;
    const text = value.toString("utf8");
    if (text.length <= LONGEST_NAME) found.set(name, text);
  }
  return found;
}
