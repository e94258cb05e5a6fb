import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAddress, isPrivateAddress } from "../../../src/catalog/subscriptions/addresses.ts";
import type { Notice } from "../../../src/catalog/subscriptions/subscription.ts";
import { sendNotice } from "../../../src/catalog/subscriptions/webhook.ts";
import type { Access } from "../../../src/core/access.ts";
import { ALL_TOPICS, ERROR_TOPIC, topicFilter } from "../../../src/core/topic.ts";
import { GyreError } from "../../../src/errors.ts";
import { createApp } from "../../../src/http/app.ts";
import { createSubscriptions } from "../../../src/http/routes/subscriptions.ts";
import type { EventLog, Recorded } from "../../../src/log/event-log.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { CALL, item, post } from "../../contract/catalog/node.ts";
import { tellingNode } from "./node.ts";
import { receiver } from "./receiver.ts";

async function messagesOf(log: EventLog, topics: string): Promise<Recorded[]> {
  const batches = await Array.fromAsync(log.read({ from: {}, topics: topicFilter(topics) }, CALL));
  return batches.flatMap(({ messages }) => messages);
}

test("a topic has each notice once, though the answer of an append was lost, and no follower takes it for an event", async (t) => {
  const memory = createMemoryLog();
  let appends = 0;
  /** Appends, and then does not say so. */
  const log: EventLog = {
    ...{ system: memory.system, read: (...args) => memory.read(...args), heads: (call) => memory.heads(call) },
    ...{ tails: (call) => memory.tails(call), topics: (call) => memory.topics(call) },
    ...{ retain: (before, call) => memory.retain(before, call), close: () => memory.close() },
    async append(messages, call) {
      const answer = await memory.append(messages, call);
      if (messages[0]?.topic.startsWith("notices.") && ++appends <= 2) throw new GyreError("Busy", "no answer");
      return answer;
    },
  };
  const node = await tellingNode(t, log);
  const subscriptions = await node.start();
  const following = node.follow();
  const target = { type: "topic", name: "mine" } as const;
  const { id } = await subscriptions.create({ search: {}, target, from: "now" }, CALL);
  await node.append([post(item("a")), post(item("b")), post(item("c"))], ["e1", "e2", "e3"]);
  await node.applied(following);
  let state = await subscriptions.get(id, CALL);
  while (state?.delivered !== 3) state = await subscriptions.get(id, CALL);
  const notices = await messagesOf(memory, "notices\\.mine");
  assert.deepEqual(notices.map((message) => message.id).sort(), [`e1.${id}`, `e2.${id}`, `e3.${id}`]);
  assert.deepEqual(
    notices.map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as Notice).sequence),
    [1, 2, 3],
  );
  await node.append([post(item("d"))]);
  await node.applied(following);
  assert.deepEqual(await messagesOf(memory, ERROR_TOPIC), []);
  assert.equal(following.status?.failed, 0);
  assert.ok(ALL_TOPICS.test("notices.mine"));
});

test("a stream tells what came, goes on behind the last that came, and ends what it was asked", async (t) => {
  const node = await tellingNode(t);
  const subscriptions = await node.start();
  const following = node.follow();
  const app = createApp({
    access: {} as Access,
    protocols: [createSubscriptions({ subscriptions: async () => subscriptions })],
  });
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => {
    return app(new Request(`http://node.example/stac/subscriptions${path}`, init));
  };
  const body = JSON.stringify({ search: { ids: ["a", "b", "c", "d"] }, target: { type: "sse" } });
  const made = await ask("", { method: "POST", body, headers: { "Content-Type": "application/json" } });
  assert.equal(made.status, 201);
  const { id, state } = (await made.json()) as { id: string; state: string };
  assert.equal(state, "live");
  assert.equal(made.headers.get("location"), `http://node.example/stac/subscriptions/${id}`);
  await node.append([post(item("a")), post(item("x")), post(item("b"))], ["e1", "e2", "e3"]);
  await node.applied(following);

  /** Listens until so many have come. */
  async function listen(count: number, last?: string): Promise<string[]> {
    const stop = new AbortController();
    const headers: Record<string, string> = last === undefined ? {} : { "Last-Event-ID": last };
    const response = await ask(`/${id}/stream`, { signal: stop.signal, headers });
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    let text = "";
    const found = (): string[] => [...text.matchAll(/id: (\d+)\nevent: notice\ndata: (.*)\n\n/g)].map(([, n]) => n!);
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (found().length >= count) break;
    }
    stop.abort();
    return found();
  }

  assert.deepEqual(await listen(2), ["1", "2"]);
  await node.append([post(item("c"))], ["e4"]);
  await node.applied(following);
  assert.deepEqual(await listen(1, "2"), ["3"]);
  assert.deepEqual(await listen(3, "0"), ["1", "2", "3"]);
  const waiting = listen(1, "3");
  await node.append([post(item("d"))], ["e5"]);
  assert.deepEqual(await waiting, ["4"]);
  const listed = (await (await ask("")).json()) as { subscriptions: { id: string }[] };
  assert.deepEqual(
    listed.subscriptions.map((one) => one.id),
    [id],
  );
  assert.equal((await ask(`/${id}`, { method: "DELETE" })).status, 204);
  assert.equal((await ask(`/${id}`)).status, 404);
  assert.equal((await ask(`/${id}/stream`)).status, 404);
  assert.equal((await ask(`/${id}/resume`, { method: "POST" })).status, 404);
});

test("what cannot be subscribed to is refused, and a secret is not shown", async (t) => {
  const node = await tellingNode(t);
  const subscriptions = await node.start({ reachable: { allow: ["https://hooks.example/gyre"], isPrivate: false } });
  const app = createApp({
    access: {} as Access,
    protocols: [createSubscriptions({ subscriptions: async () => subscriptions })],
  });
  const post = async (body: object): Promise<{ status: number; text: string }> => {
    const request = new Request("http://node.example/stac/subscriptions", {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
    });
    const response = await app(request);
    return { status: response.status, text: await response.text() };
  };
  const url = "https://hooks.example/gyre/1";
  for (const body of [
    {},
    { target: { type: "sse" }, search: { filter: "kind = " } },
    { target: { type: "sse" }, search: { bbox: [1, 2] } },
    { target: { type: "sse" }, search: { unknown: 1 } },
    { target: { type: "sse" }, search: { q: "???" } },
    { target: { type: "sse" }, from: "yesterday" },
    { target: { type: "topic", name: "a b" } },
    { target: { type: "webhook", url: "https://elsewhere.example/gyre/1" } },
    { target: { type: "webhook", url: "https://hooks.example/gyre2" } },
    { target: { type: "webhook", url: "https://hooks.example/gyre/../x" } },
    { target: { type: "webhook", url: "http://hooks.example/gyre/1" } },
    { target: { type: "webhook", url: "https://a:b@hooks.example/gyre/1" } },
    { target: { type: "webhook", url: "ftp://hooks.example/gyre/1" } },
    { target: { type: "webhook", url, secret: "short" } },
  ]) {
    const { status, text } = await post(body);
    assert.equal(status, 400, `${JSON.stringify(body)}: ${text}`);
  }
  const made = await post({ target: { type: "webhook", url, secret: "not to be told" }, search: { limit: 3 } });
  assert.equal(made.status, 201);
  assert.doesNotMatch(made.text, /not to be told/);
  await subscriptions.close();
});

test("addresses of private networks are refused, by number and by name", async (t) => {
  for (const address of ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"]) {
    assert.ok(isPrivateAddress(address), address);
    assert.ok(isPrivateAddress(`::ffff:${address}`), address);
  }
  for (const address of ["0.0.0.0", "::", "::1", "fe80::1", "fd00::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::"]) {
    assert.ok(isPrivateAddress(address), address);
  }
  for (const address of ["8.8.8.8", "172.32.0.1", "2a00:1450::1", "2606:4700::1111"]) {
    assert.ok(!isPrivateAddress(address), address);
  }
  const hook = await receiver(t);
  const port = new URL(hook.url).port;
  for (const host of ["127.0.0.1", "[::1]", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"]) {
    const url = `http://${host}:${port}/`;
    assert.throws(() => checkAddress(url, { allow: [url], isPrivate: false }), { name: "GyreError(BadRequest)" });
  }
  // A name is allowed, and where it leads is seen when it is connected to.
  const named = `http://localhost:${port}/hook`;
  checkAddress(named, { allow: [named], isPrivate: false });
  const notice = { sequence: 1, event_id: "e", body: "{}" };
  const send = (isPrivate: boolean): Promise<void> => {
    const signal = new AbortController().signal;
    return sendNotice("s", { url: named }, notice, { isPrivate, timeoutMs: 10_000, signal });
  };
  await assert.rejects(send(false), /leads to a private network/);
  assert.equal(hook.received.length, 0);
  await send(true);
  assert.equal(hook.received.length, 1);
});

test("redirections are not followed", async (t) => {
  const inner = await receiver(t);
  const outer = await receiver(t, (response) => void response.writeHead(307, { Location: inner.url }).end());
  const target = { url: outer.url };
  const options = { isPrivate: true, timeoutMs: 10_000, signal: new AbortController().signal };
  await assert.rejects(sendNotice("s", target, { sequence: 1, event_id: "e", body: "{}" }, options), /answers 307/);
  assert.equal(inner.received.length, 0);
});
