import assert from "node:assert/strict";
import { test } from "node:test";
import { murmur2, partitionOf } from "../../../src/log/kafka/murmur2.ts";

// From the tests of Kafka's Java client (UtilsTest).
const KNOWN = {
  "21": -973932308,
  foobar: -790332482,
  "a-little-bit-long-string": -985981536,
  "a-little-bit-longer-string": -1486304829,
  lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
  abc: 479470107,
};

test("the hash is that of Kafka's Java client", () => {
  for (const [text, hash] of Object.entries(KNOWN)) assert.equal(murmur2(Buffer.from(text)), hash, text);
});

test("bytes are hashed where they lie", () => {
  const around = Buffer.from("xxabcxx");
  assert.equal(murmur2(around.subarray(2, 5)), KNOWN.abc);
});

test("hashes below zero have partitions too", () => {
  assert.equal(partitionOf(Buffer.from("21"), 1000), (-973932308 & 0x7fffffff) % 1000);
});
