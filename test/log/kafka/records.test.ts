import assert from "node:assert/strict";
import { test } from "node:test";
import type { KafkaRecord, RecordsBatch } from "@platformatic/kafka";
import { layoutOf } from "../../../src/log/kafka/layout.ts";
import { decode } from "../../../src/log/kafka/records.ts";
import { lineOf, parseLine } from "../../../src/log/line.ts";
import { checkMessages } from "../../../src/log/message.ts";

const PARTITION = { topic: "gyre.events", index: 0 };

function batchOf(records: readonly Partial<KafkaRecord>[], time: bigint): RecordsBatch {
  return {
    ...{ firstOffset: 0n, length: 0, partitionLeaderEpoch: 0, magic: 2, crc: 0, attributes: 0, producerId: -1n },
    ...{ producerEpoch: -1, firstSequence: -1, lastOffsetDelta: records.length - 1, maxTimestamp: time },
    firstTimestamp: time,
    records: records.map((record, offsetDelta) => {
      return {
        length: 0,
        attributes: 0,
        timestampDelta: 0n,
        key: null,
        value: null,
        headers: [],
        offsetDelta,
        ...record,
      };
    }),
  };
}

test("whatever others write as key, id and time can be kept elsewhere", () => {
  const records = [
    { key: Buffer.alloc(5_000_000, 1) },
    { key: Buffer.from("a\0b") },
    { headers: [[Buffer.from("event_id"), Buffer.from("i".repeat(2000))]] as KafkaRecord["headers"] },
  ];
  for (const time of [-1n, 2n ** 62n, -(2n ** 62n), BigInt(Date.UTC(10_000, 0)), BigInt(Date.UTC(2026, 10, 22))]) {
    const batches = [batchOf(records, time)];
    const { messages } = decode({ partition: PARTITION, batches, aborted: [] }, 0, layoutOf());
    assert.equal(messages.length, records.length);
    checkMessages(messages);
    for (const message of messages) {
      const line = parseLine(Buffer.from(lineOf(message)));
      assert.deepEqual([line.key, line.id, line.time], [message.key, message.id, message.time.toISOString()]);
      assert.match(message.time.toISOString(), /^(1970-01-01|2026-11-22)T/);
    }
  }
});
