import assert from "node:assert/strict";
import { test } from "node:test";
import { rebuildCatalog } from "../../../src/catalog/rebuild.ts";
import { KEPT, MOST_WAITING } from "../../../src/catalog/subscriptions/subscription.ts";
import { keepTold } from "../../../src/catalog/subscriptions/with-notices.ts";
import type { Payload } from "../../../src/core/event.ts";
import { GyreError } from "../../../src/errors.ts";
import type { Projection } from "../../../src/log/projection.ts";
import { CALL, item, post } from "../../contract/catalog/node.ts";
import { patch, put, remove, tellingNode } from "./node.ts";
import { type Received, receiver } from "./receiver.ts";

const range = (from: number, to: number): number[] => [...Array(to - from).keys()].map((i) => from + i);
const ofKind = (kind: string) => ({ filter: `kind = '${kind}'` });
/** Some history: of every ten items one is deleted, one leaves, one changes. */
const history = (from: number, to: number): Payload[] =>
  range(from, to).flatMap((i) => {
    const first = post(item(`i${i}`, { properties: { kind: i % 2 === 0 ? "even" : "odd" } }));
    if (i % 10 === 0) return [first, remove(`i${i}`)];
    if (i % 10 === 2) return [first, patch(`i${i}`, { kind: "left" })];
    return i % 10 === 4 ? [first, put(`i${i}`, { kind: "even", n: 1 })] : [first];
  });
/** Of a hundred items of such a history: 50 enter, and 10 each are deleted, leave and change. */
const TOLD = 80;

const ids = (received: readonly Received[]): Set<string> => new Set(received.map(({ notice }) => notice.id));
const counts = (received: readonly Received[]): Record<string, number> => {
  const first = new Map(received.map(({ notice }) => [notice.id, notice.kind]));
  return Object.fromEntries([...Map.groupBy(first.values(), (kind) => kind)].map(([kind, all]) => [kind, all.length]));
};

test("the past is told from the beginning, and what comes meanwhile, without a gap and nothing twice", async (t) => {
  const node = await tellingNode(t);
  const hook = await receiver(t);
  const subscriptions = await node.start({ reachable: { allow: [hook.url], isPrivate: true } });
  const following = node.follow();
  await node.append(history(0, 200));
  await node.applied(following);
  const target = { type: "webhook", url: hook.url } as const;
  const made = subscriptions.create({ search: ofKind("even"), target, from: "beginning" }, CALL);
  for (const i of range(2, 5)) await node.append(history(i * 100, (i + 1) * 100));
  const { id } = await made;
  await hook.until((received) => ids(received).size === 5 * TOLD);
  await node.applied(following);
  assert.deepEqual(counts(hook.received), { entered: 250, deleted: 50, left: 50, changed: 50 });
  assert.deepEqual(
    hook.received.map(({ notice }) => notice.sequence),
    range(1, 5 * TOLD + 1),
  );
  const told = await subscriptions.get(id, CALL);
  assert.equal(told?.read, null);
  assert.deepEqual(await node.pool.query("select count(*) as n from subscription_past"), [{ n: 0 }]);
});

test("from a position only what is behind it is told, by what the items were there", async (t) => {
  const node = await tellingNode(t);
  const hook = await receiver(t);
  const subscriptions = await node.start({ reachable: { allow: [hook.url], isPrivate: true } });
  const following = node.follow();
  await node.append([post(item("a", { properties: { kind: "even" } })), ...history(100, 200)]);
  const from = await node.log.heads(CALL);
  await node.append([patch("a", { note: "patched" }), patch("a", { kind: "left" }), remove("a")], ["e1", "e2", "e3"]);
  await node.applied(following);
  const target = { type: "webhook", url: hook.url } as const;
  await subscriptions.create({ search: ofKind("even"), target, from }, CALL);
  await node.append([post(item("b", { properties: { kind: "even" } }))], ["e4"]);
  await hook.until((received) => received.length === 3);
  assert.deepEqual(
    hook.received.map(({ notice }) => [notice.event_id, notice.kind, notice.document?.properties.note ?? null]),
    [
      ["e1", "changed", "patched"],
      ["e2", "left", "patched"],
      ["e4", "entered", null],
    ],
  );
});

test("after crashes of what applies and of what sends each notice came at least once, under one id", async (t) => {
  const node = await tellingNode(t);
  // Every seventh answer is lost: it came, but the sender does not know.
  const hook = await receiver(t, (response, received) => {
    if (received.length % 7 === 0) response.destroy();
    else response.writeHead(200).end();
  });
  const options = { reachable: { allow: [hook.url], isPrivate: true } };
  let subscriptions = await node.start(options);
  const target = { type: "webhook", url: hook.url } as const;
  await subscriptions.create({ search: ofKind("even"), target, from: "beginning" }, CALL);
  let batches = 0;
  /** The effect and its notices are made, and then the transaction is lost. */
  const crashing = (inner: Projection): Projection => ({
    ...inner,
    async apply(messages, tx) {
      const failures = await inner.apply(messages, tx);
      if (++batches % 3 === 0) throw new GyreError("Busy", "the power went");
      return failures;
    },
  });
  let following = node.follow(crashing);
  for (const i of range(0, 4)) {
    await node.append(history(i * 100, (i + 1) * 100));
    const soFar = hook.received.length;
    await hook.until((received) => received.length > soFar);
    // In the middle of a delivery, maybe of a transaction.
    await Promise.all([subscriptions.close(), i % 2 === 0 ? following.stop() : undefined]);
    subscriptions = await node.start(options);
    if (i % 2 === 0) following = node.follow(crashing);
  }
  await hook.until((received) => ids(received).size === 4 * TOLD);
  await node.applied(following);
  assert.deepEqual(counts(hook.received), { entered: 200, deleted: 40, left: 40, changed: 40 });
  assert.ok(hook.received.length > 4 * TOLD, "some came again");
  // One id has one number and one content, whenever it came.
  for (const again of Map.groupBy(hook.received, ({ notice }) => notice.id).values()) {
    assert.equal(new Set(again.map(({ body }) => body)).size, 1);
  }
  const numbers = new Set(hook.received.map(({ notice }) => notice.sequence));
  assert.deepEqual([...numbers], range(1, 4 * TOLD + 1));
});

test("of what a paused target misses a bounded part waits, and the rest is read from the log", async (t) => {
  const node = await tellingNode(t);
  let status = 410;
  const hook = await receiver(t, (response) => void response.writeHead(status).end());
  const subscriptions = await node.start({ reachable: { allow: [hook.url], isPrivate: true } });
  const target = { type: "webhook", url: hook.url } as const;
  const { id } = await subscriptions.create({ search: {}, target, from: "now" }, CALL);
  const following = node.follow();
  const count = MOST_WAITING + 400;
  for (let i = 0; i < count; i += 200) await node.append(range(i, i + 200).map((n) => post(item(`i${n}`))));
  await node.applied(following);
  let before = await subscriptions.get(id, CALL);
  while (before?.paused === false) before = await subscriptions.get(id, CALL);
  assert.equal(before?.paused, true);
  assert.ok((before?.notices ?? 0) <= MOST_WAITING);
  assert.notEqual(before?.read, null);
  status = 200;
  await subscriptions.resume(id, CALL);
  await hook.until((received) => ids(received).size === count);
  const numbers = new Set(hook.received.map(({ notice }) => notice.sequence));
  assert.equal(numbers.size, count);
  assert.equal(hook.received.at(-1)?.notice.sequence, count);
  await subscriptions.close();
  const [kept] = await node.pool.query<{ n: number }>("select count(*) as n from notice");
  assert.ok((kept?.n ?? 0) <= KEPT + 1);
});

test("a catalogue that is made again from its log tells nothing again", async (t) => {
  const node = await tellingNode(t);
  const hook = await receiver(t);
  const subscriptions = await node.start({ reachable: { allow: [hook.url], isPrivate: true } });
  await subscriptions.create({ search: {}, target: { type: "webhook", url: hook.url }, from: "now" }, CALL);
  const following = node.follow();
  await node.append([post(item("a")), post(item("b"))]);
  await node.applied(following);
  await hook.until((received) => received.length === 2);
  await following.stop();
  // So that nothing but the position keeps it from being told.
  await node.pool.query("delete from notice");
  await keepTold(node.pool);
  await rebuildCatalog(node.pool, [{}], ["catalog"]);
  const again = node.follow();
  await node.append([post(item("c"))]);
  await node.applied(again);
  await hook.until((received) => received.some(({ notice }) => notice.item === "c"));
  assert.deepEqual(
    hook.received.map(({ notice }) => notice.sequence),
    [1, 2, 3],
  );
});
