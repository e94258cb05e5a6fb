import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeEvent } from "../../src/core/event-decode.ts";
import type { StacCollection, StacItem } from "../../src/core/stac.ts";
import { CALL, post, testNode } from "../contract/catalog/node.ts";
import { testDatabase } from "../services/postgres.ts";

const DATA = process.env.GYRE_DATA ?? join(import.meta.dirname, "../../../shared/data");
const FOLDER = join(DATA, "stac");
const skip = existsSync(FOLDER) ? false : "no shared data";

test("real documents come back as they were, and are found", { skip }, async (t) => {
  const node = testNode(await testDatabase(t, { migrations: ["node"] }));
  t.after(() => node.close());
  const read = (path: string): unknown => JSON.parse(readFileSync(join(FOLDER, path), "utf8"));
  const documents = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".json"))
    .map((name) => read(name) as { readonly type?: string; readonly id?: string });
  const items = documents
    .filter(({ type }) => type === "Feature")
    .map((one) => one as StacItem)
    .map((one) => ({ ...one, collection: one.collection ?? "none" }));
  assert.ok(items.length >= 5, `${items.length} items`);
  const byKey = new Map(items.map((one) => [`${one.collection}/${one.id}`, one]));
  await node.publish(...[...byKey.values()].map(post));
  for (const one of byKey.values()) {
    const stored = await node.catalog.item(one.collection, one.id, CALL);
    assert.deepEqual(stored?.document, one, one.id);
    if (one.geometry === null || one.bbox === undefined) continue;
    const [west, south, east, north] = one.bbox.length === 6 ? [0, 1, 3, 4].map((i) => one.bbox?.[i]) : one.bbox;
    const bbox = [west, south, east, north] as [number, number, number, number];
    assert.ok((await node.ids({ bbox, collections: [one.collection] })).includes(one.id), `${one.id} in its box`);
    assert.ok((await node.ids({ q: [[one.id]] })).includes(one.id), `${one.id} by its words`);
  }
  const collections = documents.filter(({ type }) => type === "Collection").map((one) => one as StacCollection);
  assert.ok(collections.length >= 2);
  for (const collection of new Map(collections.map((one) => [one.id, one])).values()) {
    await node.publish({ method: "POST", collection_id: collection.id, collection });
    assert.deepEqual((await node.catalog.collection(collection.id, CALL))?.document, collection);
  }
});

test("the event of a real ESGF publication is applied", { skip }, async (t) => {
  const node = testNode(await testDatabase(t, { migrations: ["node"] }));
  t.after(() => node.close());
  const [name = ""] = readdirSync(join(FOLDER, "esgf"));
  const value = readFileSync(join(FOLDER, "esgf", name));
  const { metadata } = decodeEvent(value);
  await node.log.append([{ id: metadata.event_id, topic: "esgf.published.x", key: name, value }], CALL);
  assert.deepEqual(await node.apply(), []);
  const datetime = { start: new Date("2050-01-01T00:00:00Z"), end: new Date("2051-01-01T00:00:00Z") };
  const { entries, matched } = await node.catalog.search({ limit: 10, datetime, q: [["precipitation flux"]] }, CALL);
  assert.equal(matched, 1);
  assert.equal(`${entries[0]?.document.id}.json`, name);
  assert.equal(entries[0]?.etag, metadata.event_id);
});
