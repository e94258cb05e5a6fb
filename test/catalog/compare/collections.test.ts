import assert from "node:assert/strict";
import { test } from "node:test";
import { allDifferences, type Compared, type Difference } from "../../../src/catalog/compare/differences.ts";
import { createLocalTree } from "../../../src/catalog/compare/local-tree.ts";
import type { HashTree } from "../../../src/catalog/compare/tree.ts";
import type { Payload } from "../../../src/core/event.ts";
import type { Pool } from "../../../src/db/database.ts";
import { GyreError } from "../../../src/errors.ts";
import { CALL, collection, item, post, testNode } from "../../contract/catalog/node.ts";
import { type Ending, testDatabase } from "../../services/postgres.ts";

const described = (id: string, fields: { readonly [name: string]: unknown } = {}): Payload => {
  return { method: "POST", collection_id: id, collection: collection(id, fields) };
};
const removed = (id: string): Payload => ({ method: "DELETE", collection_id: id, collection: null });

async function treeWith(t: Ending, payloads: readonly Payload[]): Promise<{ pool: Pool; tree: Counting }> {
  const pool = await testDatabase(t, { migrations: ["node"], max: 3 });
  const node = testNode(pool);
  await node.append(payloads);
  assert.deepEqual(await node.apply(), []);
  return { pool, tree: counting(createLocalTree(pool)) };
}

type Counting = HashTree & { asked: string[] };

function counting(tree: HashTree): Counting {
  const asked: string[] = [];
  return {
    asked,
    collections: (call) => tree.collections(call),
    catalogue(prefix, call) {
      asked.push(`catalogue ${prefix.length}`);
      return tree.catalogue(prefix, call);
    },
    node(id, prefix, call) {
      asked.push(`items ${prefix.length}`);
      return tree.node(id, prefix, call);
    },
  };
}

const found = (here: HashTree, there: HashTree, options: Compared = {}): Promise<Difference[]> =>
  Array.fromAsync(allDifferences(here, there, options, CALL));
const told = async (...of: Parameters<typeof found>): Promise<string[]> =>
  (await found(...of)).map(({ kind, collection: at, id }) => `${kind} ${at}${id === undefined ? "" : `/${id}`}`).sort();

test("documents of collections that differ, are missing or were deleted on one node show", async (t) => {
  const extent = { spatial: { bbox: [[0, 0, 10, 10]] }, temporal: { interval: [["2001-01-01T00:00:00Z", null]] } };
  const both = [post(item("x", { collection: "items" })), described("same"), post(item("y", { collection: "same" }))];
  const here = await treeWith(t, [
    ...both,
    described("title", { title: "one" }),
    described("extent"),
    described("deleted"),
    removed("deleted"),
    described("only"),
    described("items"),
  ]);
  const there = await treeWith(t, [
    ...[...both].reverse(),
    described("title", { title: "two" }),
    described("extent", { extent }),
    described("deleted"),
    post(item("new", { collection: "derived" })),
  ]);
  const expected = [
    "differing extent",
    "differing title",
    "missingHere deleted",
    "missingHere derived/new",
    "missingThere items",
    "missingThere only",
  ];
  assert.deepEqual(await told(here.tree, there.tree), expected);
  // All collections are in one answer; then the items of the one collection of which they differ.
  assert.deepEqual(there.tree.asked, ["catalogue 0", "items 0"]);
  assert.deepEqual(await told(here.tree, there.tree, { named: ["title", "derived", "same", "nowhere"] }), [
    "differing title",
    "missingHere derived/new",
  ]);
  const [title] = (await found(here.tree, there.tree)).filter(({ collection: id }) => id === "title");
  const [row] = await there.pool.query<{ etag: string }>("select etag from collection where id = 'title'");
  assert.equal(title?.there?.etag, row?.etag);
  assert.deepEqual(title?.there?.time, new Date("2026-01-01T00:00:00Z"), "when the event was accepted");
});

test("neither the order of members nor links that catalogues write count; what was changed by hand shows", async (t) => {
  const fields = { keywords: ["a"], title: "t", links: [{ rel: "license", href: "https://l.example/" }] };
  const { stac_version, ...rest } = collection("c", {
    ...fields,
    links: [{ rel: "self", href: "https://x.example/" }],
  });
  const links = [...rest.links, ...fields.links];
  const here = await treeWith(t, [described("c", fields)]);
  const there = await treeWith(t, [
    { method: "POST", collection_id: "c", collection: { ...rest, links, stac_version } },
    { method: "PATCH", collection_id: "c", collection_patch: { title: "t" } },
  ]);
  assert.deepEqual(await told(here.tree, there.tree), []);
  await there.pool.query(`update collection set document = jsonb_set(document, '{title}', '"other"')`);
  assert.deepEqual(await told(here.tree, there.tree), ["differing c"]);
});

test("one difference among 1,500 collections costs two exchanges, and none costs one", async (t) => {
  const payloads = Array.from({ length: 1500 }, (_, i) =>
    i % 3 === 0 ? post(item(`i${i}`, { collection: `c${i}` })) : described(`c${i}`),
  );
  const here = await treeWith(t, payloads);
  const there = await treeWith(t, payloads.toReversed());
  assert.deepEqual(await told(here.tree, there.tree), []);
  assert.deepEqual(there.tree.asked.splice(0), ["catalogue 0"]);
  await there.pool.query(`update collection set document = document || '{"title": "x"}' where id = 'c700'`);
  assert.deepEqual(await told(here.tree, there.tree), ["differing c700"]);
  assert.deepEqual(there.tree.asked.splice(0), ["catalogue 0", "catalogue 1"]);
  await there.pool.query("delete from item where collection = 'c999'");
  assert.deepEqual(await told(here.tree, there.tree), ["differing c700", "missingThere c999/i999"]);
  assert.deepEqual(there.tree.asked.splice(0).sort(), ["catalogue 0", "catalogue 1", "catalogue 1", "items 0"]);
});

test("with a node that does not tell its collections items alone are compared, and that is said", async (t) => {
  const here = await treeWith(t, [described("c", { title: "one" }), post(item("a")), post(item("b"))]);
  const there = await treeWith(t, [
    described("c", { title: "two" }),
    post(item("a")),
    post(item("d", { collection: "e" })),
  ]);
  const reasons: string[] = [];
  const old: HashTree = {
    ...there.tree,
    catalogue: async () => {
      throw new GyreError("Unsupported", "old.example does not compare the documents of collections");
    },
  };
  const onItemsAlone = (reason: string): void => void reasons.push(reason);
  assert.deepEqual(await told(here.tree, old, { onItemsAlone }), ["missingHere e/d", "missingThere c/b"]);
  assert.deepEqual(await told(here.tree, old, { onItemsAlone, named: ["c"] }), ["missingThere c/b"]);
  assert.deepEqual(reasons, Array(2).fill("old.example does not compare the documents of collections"));
});
