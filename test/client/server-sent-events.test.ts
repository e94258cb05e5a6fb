import assert from "node:assert/strict";
import { test } from "node:test";
import { eventData } from "../../src/client/server-sent-events.ts";

function streamOf(parts: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(parts.map((part) => new TextEncoder().encode(part)));
}

test("data of events comes in order, however it was cut", async () => {
  const text = 'event: job\ndata: {"a":1}\n\n:\n\nid: 2\r\ndata: one\r\ndata:two\r\n\r\n';
  const expected = ['{"a":1}', "one\ntwo"];
  assert.deepEqual(await Array.fromAsync(eventData(streamOf([text]))), expected);
  assert.deepEqual(await Array.fromAsync(eventData(streamOf([...text]))), expected);
});

test("an event that does not end is none; characters may be cut anywhere", async () => {
  const bytes = new TextEncoder().encode("data: ü\n\ndata: lost");
  const parts = Array.from(bytes, (byte) => new Uint8Array([byte]));
  assert.deepEqual(await Array.fromAsync(eventData(ReadableStream.from(parts))), ["ü"]);
});

test("whoever stops listening ends the stream", async () => {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: again\n\n")),
    cancel() {
      isCancelled = true;
    },
  });
  for await (const data of eventData(body)) {
    assert.equal(data, "again");
    break;
  }
  assert.ok(isCancelled);
});
