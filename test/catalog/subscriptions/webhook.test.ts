import assert from "node:assert/strict";
import { test } from "node:test";
import { signatureOf } from "../../../src/catalog/subscriptions/webhook.ts";
import { CALL, item, post } from "../../contract/catalog/node.ts";
import { patch, put, remove, tellingNode } from "./node.ts";
import { receiver } from "./receiver.ts";

const kind = (name: string): object => ({ filter: `kind = '${name}'`, collections: ["c"] });

test("items that enter, change, leave and are deleted are told once each, in order, and signed", async (t) => {
  const node = await tellingNode(t);
  const hook = await receiver(t);
  const subscriptions = await node.start({ reachable: { allow: [hook.url], isPrivate: true } });
  const following = node.follow();
  await node.append([post(item("old", { properties: { kind: "a" } }))], ["e0"]);
  await node.applied(following);
  const { id } = await subscriptions.create(
    { search: kind("a") as never, target: { type: "webhook", url: hook.url, secret: "a long secret" }, from: "now" },
    CALL,
  );
  await node.append(
    [
      post(item("x", { properties: { kind: "a" } })),
      post(item("other", { properties: { kind: "b" } })),
      patch("x", { note: "changed" }),
      patch("x", { kind: "b" }),
      patch("x", { note: "unseen" }),
      put("x", { kind: "a" }),
      remove("x"),
      remove("old"),
      // Refused, so nothing happened.
      remove("old"),
      post(item("x", { collection: "d", properties: { kind: "a" } })),
      remove("other"),
    ],
    ["e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9", "e10", "e11"],
  );
  await node.applied(following);
  await hook.until((received) => received.length === 6);
  const notices = hook.received.map(({ notice }) => notice);
  assert.deepEqual(
    notices.filter(({ item: of }) => of === "x").map((notice) => [notice.event_id, notice.kind]),
    [
      ["e1", "entered"],
      ["e3", "changed"],
      ["e4", "left"],
      ["e6", "entered"],
      ["e7", "deleted"],
    ],
  );
  assert.deepEqual(
    notices.filter(({ item: of }) => of === "old").map((notice) => [notice.event_id, notice.kind]),
    [["e8", "deleted"]],
  );
  assert.deepEqual(
    notices.map(({ sequence }) => sequence),
    [1, 2, 3, 4, 5, 6],
  );
  assert.equal(notices.find(({ event_id }) => event_id === "e3")?.document?.properties.note, "changed");
  assert.equal(notices.find(({ event_id }) => event_id === "e7")?.document, null);
  for (const { headers, body, notice } of hook.received) {
    assert.equal(headers["gyre-notice-id"], `${notice.event_id}.${id}`);
    assert.equal(headers["gyre-signature"], signatureOf("a long secret", body));
    assert.equal(notice.id, headers["gyre-notice-id"]);
  }
  assert.notEqual(signatureOf("a long secret", "x"), signatureOf("another secret", "x"));
});

test("what does not arrive is sent again, then the subscription pauses, and goes on when it is told to", async (t) => {
  const node = await tellingNode(t);
  let status = 503;
  const hook = await receiver(t, (response) => void response.writeHead(status).end());
  const subscriptions = await node.start({ reachable: { allow: [hook.url], isPrivate: true }, mostAttempts: 3 });
  const target = { type: "webhook", url: hook.url } as const;
  const { id } = await subscriptions.create({ search: {}, target, from: "now" }, CALL);
  const following = node.follow();
  await node.append([post(item("a")), post(item("b"))], ["e1", "e2"]);
  await node.applied(following);
  await hook.until((received) => received.length === 3);
  let state = await subscriptions.get(id, CALL);
  while (state?.paused === false) state = await subscriptions.get(id, CALL);
  assert.match(state?.error ?? "", /answers 503/);
  assert.equal(state?.delivered, 0);
  assert.equal(new Set(hook.received.map(({ notice }) => notice.id)).size, 1);
  status = 200;
  assert.equal((await subscriptions.resume(id, CALL))?.paused, false);
  await hook.until((received) => received.length === 5);
  assert.deepEqual(
    hook.received.slice(3).map(({ notice }) => notice.sequence),
    [1, 2],
  );
});

test("a target that never answers holds up nobody else", async (t) => {
  const node = await tellingNode(t);
  const [silent, quick] = [await receiver(t, () => undefined), await receiver(t)];
  const subscriptions = await node.start({ reachable: { allow: [silent.url, quick.url], isPrivate: true } });
  for (const { url } of [silent, quick]) {
    await subscriptions.create({ search: {}, target: { type: "webhook", url }, from: "now" }, CALL);
  }
  const following = node.follow();
  await node.append([...Array(30).keys()].map((i) => post(item(`i${i}`))));
  await node.applied(following);
  await quick.until((received) => received.length === 30);
  assert.equal(silent.received.length, 1);
  await subscriptions.close();
});

test("a search that cannot be asked any more pauses its subscription, and nothing else", async (t) => {
  const node = await tellingNode(t);
  const hook = await receiver(t);
  const subscriptions = await node.start({ reachable: { allow: [hook.url], isPrivate: true } });
  const target = { type: "webhook", url: hook.url } as const;
  const { id: broken } = await subscriptions.create({ search: {}, target, from: "now" }, CALL);
  await subscriptions.create({ search: {}, target, from: "now" }, CALL);
  // As a version of Gyre would leave it that knew more.
  await node.pool.query(`update subscription set search = '{"of another version": 1}' where id = $1`, [broken]);
  const following = node.follow();
  await node.append([post(item("a"))], ["e1"]);
  await node.applied(following);
  await hook.until((received) => received.length === 1);
  assert.notEqual(hook.received[0]?.notice.subscription, broken);
  const state = await subscriptions.get(broken, CALL);
  assert.deepEqual([state?.paused, state?.notices], [true, 0]);
  assert.match(state?.error ?? "", /of another version/);
  assert.equal(following.status?.failed, 0);
  assert.equal((await subscriptions.resume(broken, CALL))?.paused, false);
  let again = await subscriptions.get(broken, CALL);
  while (again?.paused === false) again = await subscriptions.get(broken, CALL);
  // Mended, it misses nothing.
  await node.pool.query("update subscription set search = '{}' where id = $1", [broken]);
  await subscriptions.resume(broken, CALL);
  await hook.until((received) => received.some(({ notice }) => notice.subscription === broken));
  assert.equal(hook.received.at(-1)?.notice.event_id, "e1");
});
