import assert from "node:assert/strict";
import { test } from "node:test";
import { allDifferences, differences } from "../../../src/catalog/compare/differences.ts";
import { createLocalTree } from "../../../src/catalog/compare/local-tree.ts";
import { type HashTree, MOST_LEAVES } from "../../../src/catalog/compare/tree.ts";
import type { Pool } from "../../../src/db/database.ts";
import { CALL, item, post, testNode } from "../../contract/catalog/node.ts";
import { type Ending, testDatabase } from "../../services/postgres.ts";

const migrated = (t: Ending): Promise<Pool> => testDatabase(t, { migrations: ["node"], max: 3 });

async function twoWith(t: Ending, count: number): Promise<readonly [Pool, Pool]> {
  const pools = [await migrated(t), await migrated(t)] as const;
  const payloads = Array.from({ length: count }, (_, i) => post(item(`item-${i}`, { properties: { n: i } })));
  // In another order and in other events, so that neither may count.
  for (const [pool, order] of [
    [pools[0], payloads],
    [pools[1], payloads.toReversed()],
  ] as const) {
    const node = testNode(pool);
    await node.append(order);
    assert.deepEqual(await node.apply(), []);
  }
  return pools;
}

/** Counts what is asked of a tree. */
function counted(tree: HashTree): HashTree & { asked: number } {
  const counting = {
    asked: 0,
    collections: tree.collections,
    catalogue: (...args: Parameters<HashTree["catalogue"]>) => {
      counting.asked++;
      return tree.catalogue(...args);
    },
    node: (...args: Parameters<HashTree["node"]>) => {
      counting.asked++;
      return tree.node(...args);
    },
  };
  return counting;
}

const told = async (here: HashTree, there: HashTree): Promise<string[]> => {
  const found = await Array.fromAsync(differences(here, there, "c", CALL));
  return found.map(({ kind, id }) => `${kind} ${id}`).sort();
};

test("nodes with the same documents are alike, whatever the order of events and of members", async (t) => {
  const [one, two] = await twoWith(t, 700);
  await two.query("update item set body = (select json_object_agg(key, value order by key desc) from json_each(body))");
  await two.query(`update item set etag = 'another', updated = now(),
    body = jsonb_set(body::jsonb, '{links}', '[{"rel": "self", "href": "https://two.example/"}]')::json`);
  const [here, there] = [counted(createLocalTree(one)), counted(createLocalTree(two))];
  assert.deepEqual(await told(here, there), []);
  assert.deepEqual([here.asked, there.asked], [1, 1]);
});

test("differing, missing and additional items are found, each by a few exchanges", async (t) => {
  const [one, two] = await twoWith(t, 5000);
  const [here, there] = [counted(createLocalTree(one)), counted(createLocalTree(two))];
  await one.query(`update item set properties = properties || '{"n": "other"}' where id = 'item-17'`);
  assert.deepEqual(await told(here, there), ["differing item-17"]);
  // 5,000 items: the root, and one of 16 with some 312, and one of 256.
  assert.equal(there.asked, 3);
  await one.query("delete from item where id = 'item-1234'");
  await two.query("delete from item where id in ('item-7', 'item-8')");
  await two.query(`update item set body = jsonb_set(body::jsonb, '{links}', '[{"rel": "license", "href": "https://l/"}]')
    ::json where id = 'item-9'`);
  assert.deepEqual(await told(here, there), [
    "differing item-17",
    "differing item-9",
    "missingHere item-1234",
    "missingThere item-7",
    "missingThere item-8",
  ]);
});

test("a collection that one node has not, and lists of unequal length", async (t) => {
  const [one, two] = [await migrated(t), await migrated(t)];
  const [node, other] = [testNode(one), testNode(two)];
  await node.append(Array.from({ length: MOST_LEAVES + 1 }, (_, i) => post(item(`i${i}`, { collection: "only" }))));
  await node.append([post(item("x"))]);
  await other.append([post(item("x")), post(item("y", { collection: "else" }))]);
  await node.apply();
  await other.apply();
  const trees = [createLocalTree(one), createLocalTree(two)] as const;
  const found = await Array.fromAsync(allDifferences(...trees, {}, CALL));
  assert.equal(found.filter(({ kind, collection }) => kind === "missingThere" && collection === "only").length, 257);
  assert.deepEqual(
    found.filter(({ collection }) => collection !== "only").map(({ kind, collection, id }) => [kind, collection, id]),
    [["missingHere", "else", "y"]],
  );
  assert.deepEqual(await Array.fromAsync(allDifferences(...trees, { named: ["c", "nowhere"] }, CALL)), []);
});

test("collections that one may not see are not compared", async (t) => {
  const pool = await migrated(t);
  await testNode(pool).publish(post(item("a")));
  await pool.query(`update collection set readers = '{staff}'`);
  const tree = createLocalTree(pool);
  assert.equal(await tree.node("c", "", CALL), undefined);
  assert.deepEqual(await tree.collections(CALL), []);
  assert.deepEqual(await tree.catalogue("", CALL), { items: 0, branches: [], leaves: [] });
  const staff = { who: { subject: "s", roles: ["staff"] } };
  assert.equal((await tree.node("c", "", staff))?.items, 1);
  assert.equal((await tree.catalogue("", staff)).items, 1);
});

test("what is no prefix is refused, and a tree that lies is told of", async (t) => {
  const pool = await migrated(t);
  const tree = createLocalTree(pool);
  for (const prefix of ["g", "A", "'", "0".repeat(13)]) {
    await assert.rejects(tree.node("c", prefix, CALL), { name: "GyreError(BadRequest)" });
    await assert.rejects(tree.catalogue(prefix, CALL), { name: "GyreError(BadRequest)" });
  }
  const hash = "0".repeat(64);
  const below = { items: 1e9, branches: [{ digit: "0", items: 1e9, hash }] };
  const endless: HashTree = { collections: async () => ["c"], catalogue: async () => below, node: async () => below };
  await assert.rejects(told(tree, endless), { name: "GyreError(BadSource)" });
  await assert.rejects(Array.fromAsync(allDifferences(tree, endless, {}, CALL)), { name: "GyreError(BadSource)" });
  const leaf = { id: "elsewhere", digest: hash, etag: "e", time: new Date(0), isRetracted: false };
  const misplaced: HashTree = {
    ...endless,
    node: async (_, prefix) => ({
      items: 300,
      branches: [{ digit: "0", items: 300, hash }],
      ...(prefix === "" ? {} : { leaves: [leaf] }),
    }),
  };
  await assert.rejects(told(tree, misplaced), { name: "GyreError(BadSource)" });
});
