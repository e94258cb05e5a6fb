import assert from "node:assert/strict";
import { test } from "node:test";
import { OWN_LINKS } from "../../../src/catalog/own-links.ts";
import { compare } from "../../../src/cli/events/compare.ts";
import { heal } from "../../../src/cli/events/heal.ts";
import type { Payload } from "../../../src/core/event.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { CALL, collection, item, post } from "../../contract/catalog/node.ts";
import type { Ending } from "../../services/postgres.ts";
import { testDatabase } from "../../services/postgres.ts";
import { type CatalogNode, catalogNode } from "./nodes.ts";

type Action = typeof compare;

async function run(action: Action, ...argv: string[]): Promise<{ code: number; out: string[] }> {
  const out: string[] = [];
  const io = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void out.push(line),
    tty: false,
    env: {},
    signal: new AbortController().signal,
  };
  return { code: await action(argv, io), out: out.sort() };
}

const pairOf = (one: CatalogNode, two: CatalogNode): string[] => ["--node", one.url, "--with", two.url];
const put = (id: string, n: number): Payload => {
  return { method: "PUT", collection_id: "c", item_id: id, item: item(id, { properties: { n } }) };
};
const patch = (id: string, properties: Record<string, string | boolean>): Payload => {
  return { method: "PATCH", collection_id: "c", item_id: id, patch: { properties } };
};
const described = (id: string, fields: object = {}): Payload => {
  return { method: "POST", collection_id: id, collection: collection(id, { ...fields }) };
};
const retitled = (id: string, title: string): Payload => {
  return { method: "PATCH", collection_id: id, collection_patch: { title } };
};
const deleted = (id: string): Payload => ({ method: "DELETE", collection_id: id, collection: null });
const remove = (id: string): Payload => ({ method: "DELETE", collection_id: "c", item_id: id });

/** Two nodes that make their catalogues of one log. */
async function twins(t: Ending): Promise<readonly [CatalogNode, CatalogNode]> {
  const log = createMemoryLog();
  return [await catalogNode(t, log), await catalogNode(t, log)];
}

test("what was lost or changed behind the catalogue's back is made again from the log", async (t) => {
  const [one, two] = await twins(t);
  await one.publish([...Array(400).keys()].map((i) => post(item(`i${i}`, { properties: { n: i } }))));
  await one.publish([put("i1", 1001), patch("i2", { note: "patched" }), remove("i3"), post(item("i3"))]);
  await one.publish([remove("i4")]);
  await two.settle();
  assert.deepEqual(await run(compare, ...pairOf(one, two)), { code: 0, out: ["alike"] });

  const before = await one.pool.query("select sum(applied_count) as count from outcome");
  await one.pool.query("delete from item where id in ('i1', 'i2', 'i3')");
  await one.pool.query(`update item set properties = '{"datetime": null}' where id = 'i5'`);
  // As an old backup would bring it back.
  await one.pool.query(`insert into item (id, collection, datetime, facets, words, etag, updated, properties, body)
    select 'i4', collection, datetime, facets, words, etag, now(), properties, jsonb_set(body::jsonb, '{id}', '"i4"')
    from item where id = 'i6'`);
  assert.deepEqual(await run(compare, ...pairOf(one, two)), {
    code: 1,
    out: [
      "+ c/i4",
      "- c/i1",
      "- c/i2",
      "- c/i3",
      `1 differ, 3 not at ${one.url}, 1 not at ${two.url}`,
      "~ c/i5",
    ].sort(),
  });
  const dry = await run(heal, ...pairOf(one, two), "--dry-run");
  assert.ok(dry.out.includes("would be: 5 made again from the log"), dry.out.join("\n"));
  assert.equal((await run(compare, ...pairOf(one, two))).code, 1);
  const heads = await one.log.heads(CALL);
  const healed = await run(heal, ...pairOf(one, two));
  assert.equal(healed.code, 0);
  assert.ok(healed.out.includes("5 made again from the log"), healed.out.join("\n"));
  assert.deepEqual(await run(compare, ...pairOf(one, two)), { code: 0, out: ["alike"] });
  // Nothing was told to anybody else, nothing counts as applied twice, and the items are counted.
  assert.deepEqual(await one.log.heads(CALL), heads);
  assert.deepEqual(await one.pool.query("select sum(applied_count) as count from outcome"), before);
  assert.deepEqual(await one.pool.query("select items from collection"), [{ items: 399 }]);
  const [restored] = await one.pool.query("select properties, etag from item where id = 'i2'");
  assert.deepEqual(restored, (await two.pool.query("select properties, etag from item where id = 'i2'"))[0]);
  // The follower goes on where it was.
  await one.publish([put("i1", 7)]);
  assert.deepEqual(await one.pool.query("select properties ->> 'n' as n from item where id = 'i1'"), [{ n: "7" }]);
});

test("between nodes of different logs the newer version is published, and what is gone stays gone", async (t) => {
  const [one, two] = [await catalogNode(t), await catalogNode(t)];
  // `messageOf` gives all events one time, so that ids decide which is newer.
  await one.publish([post(item("same")), post(item("older")), post(item("newer"))], ["a1", "a2", "z3"]);
  await one.publish([post(item("deleted")), post(item("retracted")), post(item("mine"))], ["a4", "a5", "a6"]);
  await one.publish([remove("deleted"), patch("retracted", { retracted: true })], ["z7", "a8"]);
  await two.publish([post(item("same")), post(item("older", { properties: { n: 2 } }))], ["b1", "b2"]);
  await two.publish([post(item("newer", { properties: { n: 2 } })), post(item("deleted"))], ["b3", "b4"]);
  await two.publish([post(item("retracted")), post(item("theirs"))], ["z5", "b6"]);
  const dry = await run(heal, ...pairOf(one, two), "--dry-run", "--json");
  const healed = await run(heal, ...pairOf(one, two), "--json");
  assert.deepEqual(dry, healed);
  assert.equal(healed.code, 0);
  assert.deepEqual(
    healed.out.map((line) => JSON.parse(line)).map(({ id, done }) => `${id}: ${done}`),
    [
      "deleted: deletedHere",
      "mine: onlyHere",
      "newer: newerHere",
      "older: published",
      "retracted: retractedHere",
      "theirs: published",
    ],
  );
  await one.settle();
  const { out } = await run(compare, ...pairOf(one, two));
  assert.deepEqual(
    out.filter((line) => / c\//.test(line)),
    ["+ c/mine", "- c/deleted", "~ c/newer", "~ c/retracted"],
  );
  // Published without the links that the other node wrote.
  const published = await one.pool.query("select body -> 'links' as links from item where id = 'theirs'");
  assert.deepEqual(published, [{ links: [] }]);
});

test("documents of collections are made again from the log", async (t) => {
  const [one, two] = await twins(t);
  await one.publish([described("c", { title: "first" }), post(item("a")), retitled("c", "second")]);
  await one.publish([described("gone"), deleted("gone"), described("lost"), described("same")]);
  await one.publish([post(item("x", { collection: "plain" })), described("plain"), deleted("plain")]);
  await two.settle();
  assert.deepEqual(await run(compare, ...pairOf(one, two)), { code: 0, out: ["alike"] });
  await one.pool.query(`update collection set document = jsonb_set(document, '{title}', '"by hand"') where id = 'c'`);
  await one.pool.query("delete from collection where id = 'lost'");
  await one.pool.query(`insert into collection (id, document, etag, updated)
    select 'gone', jsonb_set(document, '{id}', '"gone"'), etag, now() from collection where id = 'same'`);
  await one.pool.query(`update collection set document = (select document from collection where id = 'gone')
    where id = 'plain'`);
  const [here, there] = [one.url, two.url];
  assert.deepEqual(await run(compare, ...pairOf(one, two)), {
    code: 1,
    out: ["+ gone", "+ plain", "- lost", `1 differ, 1 not at ${here}, 2 not at ${there}`, "~ c"].sort(),
  });
  const heads = await one.log.heads(CALL);
  const dry = await run(heal, ...pairOf(one, two), "--dry-run");
  assert.ok(dry.out.includes("would be: 4 made again from the log"), dry.out.join("\n"));
  const healed = await run(heal, ...pairOf(one, two));
  assert.deepEqual(healed, {
    code: 0,
    out: ["4 made again from the log", ...["c", "gone", "lost", "plain"].map((id) => `${id}: made again from the log`)],
  });
  assert.deepEqual(await run(compare, ...pairOf(one, two)), { code: 0, out: ["alike"] });
  assert.deepEqual(await one.log.heads(CALL), heads, "nobody else is told");
  const rows = "select id, etag, items, document, readers, place, span, words from collection order by id";
  assert.deepEqual(await one.pool.query(rows), await two.pool.query(rows));
  const effects = "select event_id, applied_count from outcome order by event_id";
  assert.deepEqual(await one.pool.query(effects), await two.pool.query(effects));
});

test("between nodes of different logs the newer document of a collection is published, before its items", async (t) => {
  const [one, two] = [await catalogNode(t), await catalogNode(t)];
  const title = (text: string): object => ({ title: text });
  await one.publish([described("older", title("1")), described("newer", title("1"))], ["a1", "z1"]);
  await one.publish([described("mine"), described("gone"), deleted("gone")], ["a2", "a3", "z2"]);
  await one.publish([post(item("a", { collection: "derived" }))], ["a4"]);
  await two.publish([described("older", title("2")), described("newer", title("2"))], ["b1", "b2"]);
  await two.publish([described("gone"), described("theirs"), described("derived")], ["b3", "b4", "b5"]);
  await two.publish([post(item("b", { collection: "theirs" }))], ["b6"]);
  const dry = await run(heal, ...pairOf(one, two), "--dry-run", "--json");
  const healed = await run(heal, ...pairOf(one, two), "--json");
  assert.deepEqual(dry, healed);
  assert.deepEqual(
    healed.out.map((line) => JSON.parse(line)).map(({ collection, id, done }) => `${collection} ${id}: ${done}`),
    [
      "derived undefined: published",
      "derived a: onlyHere",
      "gone undefined: deletedHere",
      "mine undefined: onlyHere",
      "newer undefined: newerHere",
      "older undefined: published",
      "theirs undefined: published",
      "theirs b: published",
    ],
  );
  await one.settle();
  const { out } = await run(compare, ...pairOf(one, two));
  assert.deepEqual(
    out.filter((line) => /^[-+~]/.test(line)),
    ["+ derived/a", "+ mine", "- gone", "~ newer"],
  );
  const [older] = await one.pool.query<{ links: unknown; title: string }>(
    "select document -> 'links' as links, document ->> 'title' as title from collection where id = 'older'",
  );
  assert.deepEqual(older, { links: [], title: "2" });
});

test("an item of which the log has no beginning is left as it is", async (t) => {
  const [one, two] = await twins(t);
  await one.publish([post(item("a")), post(item("b"))]);
  await two.settle();
  await one.log.retain(new Date(Date.now() + 60_000), CALL);
  await one.publish([patch("a", { note: "kept" })]);
  await two.settle();
  await one.pool.query(`update item set properties = properties || '{"n": 1}' where id in ('a', 'b')`);
  const { out } = await run(heal, ...pairOf(one, two), "--json");
  // The other has the same last event: none is newer.
  assert.deepEqual(
    out.map((line) => JSON.parse(line).done),
    ["newerHere", "newerHere"],
  );
  assert.deepEqual(await one.pool.query("select properties ->> 'n' as n from item"), [{ n: "1" }, { n: "1" }]);
});

test("two nodes must be named, and a node that is none is told of", async (t) => {
  await assert.rejects(run(compare), { name: "GyreError(BadRequest)" });
  const node = await catalogNode(t);
  await assert.rejects(run(compare, "--node", node.url, "--with", "http://127.0.0.1:1/"), { name: "GyreError(Busy)" });
  const response = await fetch(`${node.url}stac/collections/nowhere/compare`);
  assert.equal(response.status, 404);
  await response.body?.cancel();
});

test("the database leaves out the links that catalogues write", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const digest = async (links: readonly string[]): Promise<unknown> => {
    const body = JSON.stringify({ id: "a", links: links.map((rel) => ({ rel, href: "x" })) });
    return (await pool.query("select document_digest($1, '{}')", [body]))[0];
  };
  assert.deepEqual(await digest([...OWN_LINKS, "license"]), await digest(["license"]));
  assert.notDeepEqual(await digest(["license"]), await digest([]));
});
