import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyring, type Sealed } from "../../../src/catalog/subscriptions/keyring.ts";
import { signatureOf } from "../../../src/catalog/subscriptions/webhook.ts";
import { CALL, item, post } from "../../contract/catalog/node.ts";
import { KEY, type TellingNode, tellingNode } from "./node.ts";
import { receiver } from "./receiver.ts";

const OTHER = "fe".repeat(32);
const SECRET = "a long secret: schön";

const kept = async (node: TellingNode): Promise<{ id: string; secret: string | Sealed }[]> =>
  node.pool.query("select id, target -> 'secret' as secret from subscription order by created, id");
const keyOf = (secret: string | Sealed): string => (typeof secret === "string" ? "none" : secret.key);

test("what is sealed opens with its key and for its owner alone", () => {
  const [keys, others] = [new Keyring([KEY]), new Keyring([OTHER])];
  const sealed = keys.seal(SECRET, "one");
  assert.equal(keys.open(sealed, "one"), SECRET);
  assert.notEqual(keys.seal(SECRET, "one").box, sealed.box, "no box comes twice");
  assert.equal(new Keyring([OTHER, KEY]).open(sealed, "one"), SECRET);
  assert.ok(!Buffer.from(sealed.box, "base64").includes("secret"));
  assert.ok(!JSON.stringify(sealed).includes(KEY.slice(0, 8)), "a key's id says nothing of it");
  assert.throws(() => others.open(sealed, "one"), /sealed with the key [0-9a-f]{12}, which is none of this node's/);
  for (const [of, damaged] of [
    ["two", sealed],
    ["one", { ...sealed, box: "" }],
    ["one", { ...sealed, box: `A${sealed.box.slice(1, -8)}AAAAAAA=` }],
    ["one", { key: keys.current }],
    ["one", {}],
    ["one", null],
  ] as const) {
    assert.throws(() => keys.open(damaged, of), { name: "GyreError(Denied)" }, JSON.stringify(damaged));
  }
});

test("the database has no secret as it is, and notices are signed with it", async (t) => {
  const node = await tellingNode(t);
  const hook = await receiver(t);
  const subscriptions = await node.start({ reachable: { allow: [hook.url], isPrivate: true } });
  const target = { type: "webhook", url: hook.url, secret: SECRET } as const;
  await subscriptions.create({ search: {}, target, from: "now" }, CALL);
  const rows = await node.pool.query<{ text: string }>("select s::text as text from subscription s");
  assert.ok(!rows.some(({ text }) => text.includes("long secret")), rows[0]?.text);
  const following = node.follow();
  await node.append([post(item("a"))], ["e1"]);
  await node.applied(following);
  await hook.until((received) => received.length === 1);
  assert.equal(hook.received[0]?.headers["gyre-signature"], signatureOf(SECRET, hook.received[0]!.body));
});

test("secrets of earlier versions and of older keys are sealed anew on start, and go on signing", async (t) => {
  const node = await tellingNode(t);
  const hook = await receiver(t);
  const reachable = { allow: [hook.url], isPrivate: true };
  const first = await node.start({ reachable });
  for (const secret of [SECRET, "of an earlier version"]) {
    await first.create({ search: {}, target: { type: "webhook", url: hook.url, secret }, from: "now" }, CALL);
  }
  await first.create({ search: {}, target: { type: "webhook", url: hook.url }, from: "now" }, CALL);
  await first.create({ search: {}, target: { type: "sse" }, from: "now" }, CALL);
  await first.close();
  const [one, two] = await kept(node);
  await node.pool.query(
    `update subscription set target = jsonb_set(target, '{secret}', '"of an earlier version"') where id = $1`,
    [two!.id],
  );
  assert.deepEqual((await kept(node)).map(({ secret }) => secret && keyOf(secret)).slice(0, 2), [
    keyOf(one!.secret),
    "none",
  ]);
  const keys = new Keyring([OTHER, KEY]);
  await node.start({ reachable, keys });
  const sealed = (await kept(node)).map(({ secret }) => secret && keyOf(secret));
  assert.deepEqual(sealed, [keys.current, keys.current, null, null]);
  const following = node.follow();
  await node.append([post(item("a"))], ["e1"]);
  await node.applied(following);
  await hook.until((received) => received.length === 3);
  const signatures = hook.received.map(({ headers, body }) => [headers["gyre-signature"], body] as const);
  for (const secret of [SECRET, "of an earlier version"]) {
    assert.ok(signatures.some(([signature, body]) => signature === signatureOf(secret, body)));
  }
  assert.equal(signatures.filter(([signature]) => signature === undefined).length, 1);
});

test("a process that has not the key says so, sends nothing unsigned, and leaves the rest to those who have it", async (t) => {
  const node = await tellingNode(t);
  const hook = await receiver(t);
  const reachable = { allow: [hook.url], isPrivate: true };
  const before = await node.start({ reachable });
  const target = { type: "webhook", url: hook.url, secret: SECRET } as const;
  const { id } = await before.create({ search: {}, target, from: "now" }, CALL);
  await before.close();
  const told: string[] = [];
  const onError = (error: unknown): void => void told.push((error as Error).message);
  const without = await node.start({ reachable, keys: new Keyring([OTHER]), onError, mostAttempts: 3 });
  assert.equal(told.length, 1);
  assert.match(
    told[0]!,
    new RegExp(`secrets of one subscription \\(${id}\\) are sealed with keys that this node has not`),
  );
  const following = node.follow();
  await node.append([post(item("a"))], ["e1"]);
  await node.applied(following);
  let state = await without.get(id, CALL);
  while (state?.paused === false) state = await without.get(id, CALL);
  assert.match(state?.error ?? "", /sealed with the key [0-9a-f]{12}, which is none of this node's: see secretKeys/);
  assert.equal(hook.received.length, 0);
  await without.close();
  const again = await node.start({ reachable });
  await again.resume(id, CALL);
  await hook.until((received) => received.length === 1);
  assert.equal(hook.received[0]?.headers["gyre-signature"], signatureOf(SECRET, hook.received[0]!.body));
});
