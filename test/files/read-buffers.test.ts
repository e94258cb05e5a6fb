import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadBuffers } from "../../src/files/read-buffers.ts";

test("memory that was given back is taken again by reads of nearly its size", () => {
  const buffers = new ReadBuffers(1_000_000);
  const first = buffers.take(100_000);
  assert.ok(first.byteLength >= 100_000 && first.byteLength < 126_000);
  assert.notEqual(buffers.take(100_000).buffer, first.buffer, "it is in use");
  buffers.give(first);
  assert.equal(buffers.idleBytes, first.byteLength);
  assert.equal(buffers.take(first.byteLength - 5000).buffer, first.buffer);
  assert.equal(buffers.idleBytes, 0);
  assert.ok(buffers.take(0).byteLength > 0);
});

test("memory that nobody uses is bounded; sizes that were used last stay", () => {
  const buffers = new ReadBuffers(64 * 1024);
  const small = Array.from({ length: 20 }, () => buffers.take(4096));
  for (const buffer of small) buffers.give(buffer);
  assert.equal(buffers.idleBytes, 64 * 1024);
  const large = buffers.take(40_960);
  buffers.give(large);
  assert.ok(buffers.idleBytes <= 64 * 1024);
  assert.equal(buffers.take(40_960).buffer, large.buffer);
  buffers.give(buffers.take(65_537));
  assert.ok(buffers.idleBytes <= 64 * 1024, "what is larger than all is not held");
});
