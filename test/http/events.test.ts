import assert from "node:assert/strict";
import { test } from "node:test";
import type { Access } from "../../src/core/access.ts";
import { eventJsonSchema } from "../../src/core/event-schema.ts";
import { ERROR_TOPIC, NOTICE_TOPICS, topicFilter } from "../../src/core/topic.ts";
import { createApp } from "../../src/http/app.ts";
import { listen } from "../../src/http/listen.ts";
import { createEvents, type EventsOptions } from "../../src/http/routes/events/events.ts";
import { withoutErrors } from "../../src/log/coverage.ts";
import type { Message } from "../../src/log/event-log.ts";
import { createHttpLog } from "../../src/log/http.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { positionText } from "../../src/log/position-text.ts";
import { CALL, messageOf, messages } from "../log/following.ts";

const BASE = "http://node.example/";

function appOf(options: Partial<EventsOptions> = {}) {
  const log = createMemoryLog({ partitions: 2 });
  const events = createEvents({
    log: async () => log,
    status: async () => undefined,
    consumers: async () => [],
    lags: async () => [],
    deafness: async () => () => undefined,
    rebuild: async () => undefined,
    isWritable: true,
    schema: eventJsonSchema(),
    asyncapi: async () => ({}),
    ...options,
  });
  const app = createApp({ access: {} as Access, protocols: [events], publicUrl: new URL(BASE) });
  return {
    log,
    app,
    get: (path: string, init: RequestInit = {}) => app(new Request(new URL(path, BASE), init)),
    append: (all: readonly Message[]) => log.append(all, CALL),
  };
}

/** What a stream says, until it has said so much. */
async function said(response: Response, isEnough: (text: string) => boolean): Promise<string> {
  assert.equal(response.status, 200);
  let text = "";
  for await (const part of response.body!.values()) {
    text += new TextDecoder().decode(part);
    if (isEnough(text)) break;
  }
  return text;
}

const idsOf = (text: string): string[] => [...text.matchAll(/"id":"(\w+)"/g)].map(([, id]) => id!);

test("messages are lines, and each batch says where to go on", async () => {
  const { get, append } = appOf();
  await append(messages(5));
  const answer = await get("events/messages?batch=2");
  assert.equal(answer.headers.get("content-type"), "application/x-ndjson");
  assert.equal(answer.headers.get("cache-control"), "no-store");
  // An empty line is a sign of life.
  const lines = (await answer.text())
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  assert.equal(lines.filter(({ id }) => id !== undefined).length, 5);
  const { next } = lines.at(-1);
  await append(messages(2, "n"));
  assert.deepEqual(idsOf(await (await get(`events/messages?from=${positionText(next)}`)).text()).sort(), ["n0", "n1"]);
  const body = JSON.stringify({ from: next, topics: "CMIP6.*" });
  const headers = { "Content-Type": "application/json" };
  const asked = await get("events/messages", { method: "POST", body, headers });
  assert.deepEqual(idsOf(await asked.text()).sort(), ["n0", "n1"]);
});

test("topics and partitions can be chosen", async () => {
  const { get, append } = appOf();
  await append([...messages(4), messageOf("other", { topic: "CMIP6.ssp585.B" })]);
  assert.deepEqual(idsOf(await (await get("events/messages?topics=.*ssp.*")).text()), ["other"]);
  const of = async (name: string): Promise<string[]> => {
    const partitions = encodeURIComponent(JSON.stringify([name]));
    return idsOf(await (await get(`events/messages?partitions=${partitions}`)).text());
  };
  const [first, second] = [await of("0"), await of("1")];
  assert.equal(first.length + second.length, 5);
  assert.ok(first.length > 0 && second.length > 0);
  const { topics } = (await (await get("events/topics")).json()) as { topics: { name: string; messages: number }[] };
  assert.deepEqual(
    topics.map(({ name, messages }) => [name, messages]),
    [
      ["CMIP6.historical.A", 4],
      ["CMIP6.ssp585.B", 1],
    ],
  );
});

test("a stream goes on with what comes, and where its reader was cut off", async () => {
  const { get, append } = appOf();
  await append(messages(3));
  const stop = new AbortController();
  const stream = await get("events/stream", { signal: stop.signal });
  assert.equal(stream.headers.get("content-type"), "text/event-stream");
  const history = await said(stream, (text) => idsOf(text).length === 3 && text.endsWith("\n\n"));
  stop.abort();
  assert.match(history, /^event: CMIP6\.historical\.A\ndata: \{.*\}\n/);
  const last = history.match(/^id: (.+)$/m)?.[1];
  assert.ok(last);
  const again = new AbortController();
  const resumed = await get("events/stream", { headers: { "Last-Event-ID": last }, signal: again.signal });
  await append(messages(2, "n"));
  const text = await said(resumed, (text) => idsOf(text).length === 2);
  again.abort();
  assert.deepEqual(idsOf(text).sort(), ["n0", "n1"]);
});

test("readers who wait are counted, and let go of", async () => {
  const { get } = appOf();
  const open: AbortController[] = [];
  const streams: Response[] = [];
  for (let i = 0; i < 1000; i++) {
    const stop = new AbortController();
    open.push(stop);
    streams.push(await get("events/messages?live=true", { signal: stop.signal }));
  }
  const refused = await get("events/stream");
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "30");
  assert.equal((await get("events/messages")).status, 200, "who does not wait is served");
  open[0]!.abort();
  await streams[0]!.body!.cancel().catch(() => undefined);
  const stop = new AbortController();
  assert.equal((await get("events/stream", { signal: stop.signal })).status, 200);
  stop.abort();
  for (const one of open) one.abort();
});

test("what is not understood is refused", async () => {
  const { get } = appOf();
  const wrong = [
    ...[
      "from=x",
      `from=${positionText({ a: -1 })}`,
      "topics=(",
      "topics=(a)%5C1",
      "live=maybe",
      "batch=0",
      "batch=1e9",
    ],
    ...["partitions=0", "partitions=%5B1%5D", "from=W10", "unknown=1", "live=true&live=true"],
  ];
  for (const query of wrong) assert.equal((await get(`events/messages?${query}`)).status, 400, query);
  const bodies = ["{", "[]", '{"from":{"0":-1}}', '{"from":{"0":1.5}}', '{"batch":0}', '{"other":1}', '{"topics":"("}'];
  const headers = { "Content-Type": "application/json" };
  for (const body of bodies) {
    const { status } = await get("events/messages", { method: "POST", body, headers });
    assert.ok(status === 400 || status === 422, `${body} ${status}`);
  }
  assert.equal((await get("events/nothing")).status, 404);
});

test("a node that only follows takes no events and redrives none; its catalogue can be made again", async () => {
  const { get, log } = appOf({ isWritable: false });
  const statusOf = async (path: string): Promise<number> => {
    const headers = { "Content-Type": "application/json" };
    return (await get(`events/${path}`, { method: "POST", body: "{}", headers })).status;
  };
  for (const path of ["redrive", "import"]) assert.equal(await statusOf(path), 405, path);
  assert.equal(await statusOf("rebuild"), 200);
  assert.deepEqual(await log.topics(CALL), []);
});

test("of failures that quote megabytes the newest are told", async () => {
  const { get, append } = appOf();
  const event = { original_payload: "x".repeat(4_000_000), node: "n", traceback: "", error_type: "payload" };
  for (let i = 0; i < 8; i++) {
    const value = JSON.stringify(event);
    await append([messageOf(`e${i}`, { topic: ERROR_TOPIC, key: "one", value })]);
  }
  const { errors } = (await (await get("events/errors")).json()) as { errors: { id: string }[] };
  assert.deepEqual(
    errors.map(({ id }) => id),
    ["e4", "e5", "e6", "e7"],
  );
});

test("events are described by a JSON Schema", async () => {
  const answer = await appOf().get("events/schema.json");
  assert.equal(answer.headers.get("content-type"), "application/schema+json");
  const { $schema, properties } = (await answer.json()) as { $schema: string; properties: object };
  assert.match($schema, /2020-12/);
  assert.deepEqual(Object.keys(properties).sort(), ["data", "metadata"]);
});

test("another node's log is read as it was written, and takes nothing", async (t) => {
  const { app, append, log } = appOf();
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  t.after(() => server.close(0));
  const there = createHttpLog(new URL("events", server.url));
  await append([...messages(7), { ...messageOf("bytes"), value: Uint8Array.of(0xff, 0, 1) }]);
  const read = async (from = log) => {
    const batches = await Array.fromAsync(from.read({ from: {} }, CALL));
    return batches.flatMap((batch) => batch.messages.map((one) => ({ ...one, value: [...one.value] })));
  };
  assert.deepEqual(await read(there), await read());
  assert.deepEqual(await there.heads(CALL), await log.heads(CALL));
  assert.deepEqual(await there.tails(CALL), await log.tails(CALL));
  assert.deepEqual(await there.topics(CALL), await log.topics(CALL));
  assert.throws(() => there.append([], CALL), { name: "GyreError(ReadOnly)" });
  await append([
    { ...messageOf("error"), topic: ERROR_TOPIC },
    { ...messageOf("notice"), topic: `${NOTICE_TOPICS}x` },
  ]);
  const topics = withoutErrors(topicFilter(".*"));
  const followed = await Array.fromAsync(there.read({ from: {}, topics }, CALL));
  assert.equal(followed.flatMap(({ messages }) => messages).length, 8);
  assert.deepEqual(followed.at(-1)?.next, await log.heads(CALL), "the position passes over what was left out");
  const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`a.long.name.of.a.topic@${i}`, i]));
  const far = await Array.fromAsync(there.read({ from: { ...many, ...(await log.heads(CALL)) } }, CALL));
  assert.deepEqual(far, [], "a position may be longer than an address");
});

test("what a broken node tells is not believed", async (t) => {
  let answer = "";
  const server = await listen(async () => new Response(answer), { host: "127.0.0.1", port: 0 });
  t.after(() => server.close(0));
  const there = createHttpLog(new URL("events", server.url));
  for (answer of [
    '{"next":{"0":-1}}\n',
    '{"next":[]}\n',
    "no line\n",
    '{"id":"x","topic":"t","key":"k","value":"v"}\n',
  ]) {
    await assert.rejects(Array.fromAsync(there.read({ from: {} }, CALL)), { name: "GyreError(BadSource)" }, answer);
  }
  for (answer of ["{}", "[]", '{"heads":{"0":"1"},"tails":{}}', "<html>"]) {
    await assert.rejects(there.heads(CALL), { name: "GyreError(BadSource)" }, answer);
  }
  await server.close(0);
  await assert.rejects(there.heads(CALL), { name: "GyreError(Busy)" });
});
