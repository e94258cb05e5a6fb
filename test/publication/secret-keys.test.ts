import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeKeys } from "../../src/publication/secret-keys.ts";
import { newDatabase, startNode } from "./nodes.ts";

const [ONE, TWO] = ["0a".repeat(32), "B1".repeat(32)];

test("a node makes a key of its own once, which others of its machine cannot read", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-keys-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const made = await Promise.all(Array.from({ length: 8 }, () => nodeKeys([], folder)));
  const sealed = made[0]!.seal("text", "of");
  for (const keys of [...made, await nodeKeys([], folder)]) assert.equal(keys.open(sealed, "of"), "text");
  assert.deepEqual(readdirSync(folder), ["secret.key"]);
  const path = join(folder, "secret.key");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  // Another key in the first line: it seals, and what was sealed opens.
  writeFileSync(path, `${ONE}\n\n${readFileSync(path, "utf8")}`);
  const rotated = await nodeKeys([], folder);
  assert.equal(rotated.open(sealed, "of"), "text");
  assert.equal(rotated.current, (await nodeKeys([ONE], folder)).current);
  assert.notEqual(rotated.current, made[0]!.current);
});

test("keys of the configuration come before the file, which is not made then", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-keys-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const keys = await nodeKeys([ONE, TWO], folder);
  assert.equal(keys.current, (await nodeKeys([ONE.toUpperCase()], folder)).current);
  assert.deepEqual(readdirSync(folder), []);
});

test("a file that holds no keys is told of by its name, without what is in it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-keys-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const text of ["", "\n", `${ONE}x`, `${ONE}\nnonsense`]) {
    writeFileSync(join(folder, "secret.key"), text);
    await assert.rejects(nodeKeys([], folder), (error: Error) => {
      return /secret\.key is no list of keys/.test(error.message) && !error.message.includes(ONE.slice(0, 8));
    });
  }
});

test("a node shows that there is a secret, and never what it is", async (t) => {
  const database = await newDatabase(t);
  const settings = { database, secretKeys: [ONE], subscriptions: { allow: ["https://hooks.example/"] } };
  const node = await startNode(t, settings);
  const target = { type: "webhook", url: "https://hooks.example/a", secret: "a long secret" };
  const made = await node.send("POST", "stac/subscriptions", { search: {}, target });
  assert.equal(made.status, 201);
  const shown = (await made.json()) as { id: string; target: object };
  assert.deepEqual(shown.target, { type: "webhook", url: "https://hooks.example/a", signed: true });
  const { subscriptions } = await node.json<{ subscriptions: object[] }>("stac/subscriptions");
  assert.deepEqual(subscriptions, [shown]);
  const refused = await node.send("POST", "stac/subscriptions", { search: {}, target: { ...target, secret: "short" } });
  assert.equal(refused.status, 400);
  assert.ok(!(await refused.text()).includes('short"'));
  await node.close();
  // Another process of the node without the key.
  const other = await startNode(t, { ...settings, secretKeys: [TWO] });
  await other.json("stac/subscriptions");
  assert.equal(other.errors.length, 1);
  assert.match(other.errors[0]!, /^subscriptions: the secrets of one subscription/);
});
