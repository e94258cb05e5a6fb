import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createRemoteTree } from "../../../src/catalog/compare/remote-tree.ts";
import { CALL } from "../../contract/catalog/node.ts";
import type { Ending } from "../../services/postgres.ts";

/** A node that answers what it is told to, by path. */
async function liar(t: Ending, answer: (path: string) => { status?: number; body: string }): Promise<URL> {
  const server = createServer((request, response) => {
    const { status = 200, body } = answer(request.url ?? "");
    response.writeHead(status, { "Content-Type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

const hash = "0".repeat(64);
const branch = { digit: "0", items: 1, hash };
const leaf = { id: "a", digest: hash, etag: "e", time: "2020-01-01T00:00:00Z", isRetracted: false };

test("answers that are no part of a tree are told of, with the address", async (t) => {
  const node = { items: 1, branches: [branch] };
  for (const body of [
    "",
    "[]",
    "{}",
    JSON.stringify({ ...node, items: -1 }),
    JSON.stringify({ ...node, branches: [{ ...branch, digit: "00" }] }),
    JSON.stringify({ ...node, branches: [{ ...branch, hash: "x" }] }),
    JSON.stringify({ ...node, branches: Array(17).fill(branch) }),
    JSON.stringify({ ...node, leaves: Array(257).fill(leaf) }),
    JSON.stringify({ ...node, leaves: [{ ...leaf, time: "yesterday" }] }),
    JSON.stringify({ ...node, leaves: [{ ...leaf, id: "a".repeat(1025) }] }),
    "[".repeat(1000),
  ]) {
    const tree = createRemoteTree(await liar(t, () => ({ body })));
    await assert.rejects(tree.node("c", "", CALL), { name: /BadSource|Invalid/ }, body.slice(0, 80));
  }
  const tree = createRemoteTree(await liar(t, () => ({ body: JSON.stringify({ ...node, leaves: [leaf] }) })));
  assert.deepEqual((await tree.node("c", "", CALL))?.leaves, [{ ...leaf, time: new Date(leaf.time) }]);
});

test("what a node answers of its collections is checked in the same way", async (t) => {
  const document = { digest: hash, etag: "e", time: leaf.time };
  const found = { id: "a", digest: hash, document, items: null };
  const node = { items: 1, branches: [branch] };
  for (const leaves of [
    [{ ...found, digest: "x" }],
    [{ ...found, items: "x" }],
    [{ ...found, document: {} }],
    [{ ...found, document: { ...document, time: "yesterday" } }],
    [{ ...found, id: "" }],
    Array(257).fill(found),
  ]) {
    const tree = createRemoteTree(await liar(t, () => ({ body: JSON.stringify({ ...node, leaves }) })));
    await assert.rejects(tree.catalogue("", CALL), { name: "GyreError(BadSource)" }, JSON.stringify(leaves[0]));
  }
  const asked: string[] = [];
  const tree = createRemoteTree(
    await liar(t, (path) => {
      asked.push(path);
      return { body: JSON.stringify({ ...node, leaves: [found, { ...found, id: "b", document: null, items: hash }] }) };
    }),
  );
  assert.deepEqual((await tree.catalogue("0a", CALL)).leaves, [
    { ...found, document: { ...document, time: new Date(leaf.time) } },
    { ...found, id: "b", document: null, items: hash },
  ]);
  assert.deepEqual(asked, ["/stac/compare?prefix=0a"]);
});

test("a node that does not know of comparing collections is told of by its name", async (t) => {
  const old = await liar(t, (path) =>
    path.startsWith("/stac/collections?") ? { body: '{"collections":[],"links":[]}' } : { status: 404, body: "{}" },
  );
  await assert.rejects(createRemoteTree(old).catalogue("", CALL), {
    name: "GyreError(Unsupported)",
    message: `${old.host} does not compare the documents of collections`,
  });
  const url = await liar(t, () => ({ status: 404, body: "{}" }));
  await assert.rejects(createRemoteTree(url).catalogue("", CALL), {
    name: "GyreError(NotFound)",
    message: `there is no catalogue at ${url.href}`,
  });
});

test("a node that fails is busy, and one without the collection has nothing of it", async (t) => {
  const failing = createRemoteTree(await liar(t, () => ({ status: 500, body: "{}" })));
  await assert.rejects(failing.node("c", "", CALL), { name: "GyreError(Busy)" });
  const empty = createRemoteTree(await liar(t, () => ({ status: 404, body: "{}" })));
  assert.equal(await empty.node("c", "", CALL), undefined);
});

test("pages of collections are followed by their tokens, wherever their links lead, and end", async (t) => {
  const asked: string[] = [];
  const tree = createRemoteTree(
    await liar(t, (path) => {
      asked.push(path);
      const id = path.includes("token=two") ? "b" : path.includes("token=three") ? "b" : "a";
      const token = id === "a" ? "two" : "three";
      const links = [{ rel: "next", href: `http://elsewhere.example/?token=${token}` }];
      return { body: JSON.stringify({ collections: [{ id }], links }) };
    }),
  );
  assert.deepEqual(await tree.collections(CALL), ["a", "b"]);
  assert.equal(asked.length, 3);
});
