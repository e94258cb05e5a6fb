import assert from "node:assert/strict";
import { test } from "node:test";
import { parseText } from "../../../src/catalog/cql2/text.ts";
import type { Payload } from "../../../src/core/event.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { MakePool } from "../catalog.ts";
import { box, CALL, changeOf, collection, item, post, testNode } from "./node.ts";

const describe = (id: string, fields = {}): Payload => ({
  method: "POST",
  collection_id: id,
  collection: collection(id, fields),
});
const forget = (id: string): Payload => ({ method: "DELETE", collection_id: id, collection: null });

/** Collections: described, derived from their items, and searched. */
export function testCollections(make: MakePool): void {
  test("the first item of an unknown collection makes one, which grows with its items", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    await node.publish(post(item("a", { geometry: box(0, 0, 10, 10) })));
    const range = { datetime: null, start_datetime: "1990-01-01T00:00:00Z", end_datetime: "2030-01-01T00:00:00Z" };
    await node.publish(post(item("b", { geometry: box(-20, 5, -10, 15), properties: range })));
    const derived = (await node.catalog.collection("c", CALL))?.document;
    assert.deepEqual([derived?.type, derived?.license, derived?.links], ["Collection", "other", []]);
    assert.deepEqual(derived?.extent, {
      spatial: { bbox: [[-20, 0, 10, 15]] },
      temporal: { interval: [["1990-01-01T00:00:00.000Z", "2030-01-01T00:00:00.000Z"]] },
    });
    await node.publish(describe("c", { title: "Described" }));
    assert.equal((await node.catalog.collection("c", CALL))?.document.title, "Described");
    await assert.rejects(node.publish(describe("c")), (error) => isGyreError(error, "Conflict"));
    await assert.rejects(node.publish(forget("c")), (error) => isGyreError(error, "Conflict"));
    await node.publish(...["a", "b"].map((id): Payload => ({ method: "DELETE", collection_id: "c", item_id: id })));
    assert.equal((await node.catalog.collection("c", CALL))?.document.title, "Described");
    await node.publish(forget("c"));
    assert.equal(await node.catalog.collection("c", CALL), undefined);
  });

  test("a derived collection goes with its last item", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    await node.publish(post(item("a")));
    await node.publish({ method: "DELETE", collection_id: "c", item_id: "a" });
    assert.equal(await node.catalog.collection("c", CALL), undefined);
    assert.deepEqual((await node.catalog.collections({ limit: 10 }, CALL)).entries, []);
  });

  test("collections are replaced, patched and guarded by their entity tag", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    const [first] = await node.publish(describe("d"));
    const replaced: Payload = {
      method: "PUT",
      collection_id: "d",
      collection: collection("d", { title: "2" }),
      if_match: first!.event_id,
    };
    await node.publish(replaced);
    await assert.rejects(node.publish(replaced), (error) => isGyreError(error, "PreconditionFailed"));
    await node.publish({ method: "PATCH", collection_id: "d", collection_patch: { keywords: ["k"], title: null } });
    const after = (await node.catalog.collection("d", CALL))?.document;
    assert.deepEqual(after, collection("d", { keywords: ["k"] }));
    const broken: Payload = { method: "PATCH", collection_id: "d", collection_patch: { license: null } };
    await assert.rejects(node.publish(broken), (error) => isGyreError(error, "Invalid"));
  });

  test("collections are searched by extent, time, words, fields and pages", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    const extent = (bbox: number[], interval: (string | null)[]) => ({
      extent: { spatial: { bbox: [bbox] }, temporal: { interval: [interval] } },
    });
    await node.publish(
      describe("north", {
        ...extent([0, 50, 10, 60], ["2000-01-01T00:00:00Z", "2001-01-01T00:00:00Z"]),
        keywords: ["Glacier"],
      }),
      describe("pacific", { ...extent([170, -10, -170, 10], ["2010-01-01T00:00:00Z", null]), title: "Océan", rank: 2 }),
      describe("world", { rank: 1 }),
      post(item("a", { collection: "implicit", geometry: box(0, 0, 1, 1) })),
    );
    const ids = async (search: object): Promise<string[]> => {
      const { entries } = await node.catalog.collections({ limit: 100, ...search }, CALL);
      return entries.map(({ document }) => document.id);
    };
    assert.deepEqual(await ids({}), ["implicit", "north", "pacific", "world"]);
    assert.deepEqual(await ids({ bbox: [-179, 0, -175, 5] }), ["pacific", "world"]);
    assert.deepEqual(await ids({ datetime: { end: new Date("1999-01-01T00:00:00Z") } }), []);
    assert.deepEqual(await ids({ datetime: { start: new Date("2050-01-01T00:00:00Z") } }), ["pacific", "world"]);
    assert.deepEqual(await ids({ q: [["glacier"]] }), ["north"]);
    assert.deepEqual(await ids({ q: [["ocean"], ["glacier"]] }), ["north", "pacific"]);
    assert.deepEqual(await ids({ sortby: [{ field: "rank", direction: "desc" }] }), [
      "pacific",
      "world",
      "north",
      "implicit",
    ]);
    const rank = { kind: "property", name: "rank" } as const;
    const filter = { kind: "compare", op: "=", left: rank, right: { kind: "literal", value: 2 } } as const;
    assert.deepEqual(await ids({ filter }), ["pacific"]);
    const meets = { limit: 1, filter: parseText("S_INTERSECTS(geometry, POINT(-175 0))") };
    const west = await node.catalog.collections(meets, CALL);
    const rest = await node.catalog.collections({ ...meets, token: west.next! }, CALL);
    assert.deepEqual(
      [west, rest].map(({ entries, matched }) => [entries[0]?.document.id, matched]),
      [
        ["pacific", 2],
        ["world", 2],
      ],
    );
    const page = await node.catalog.collections({ limit: 3 }, CALL);
    assert.equal(page.matched, 4);
    const second = await node.catalog.collections({ limit: 3, token: page.next! }, CALL);
    assert.deepEqual([second.entries.map(({ document }) => document.id), second.next], [["world"], undefined]);
    const back = await node.catalog.collections({ limit: 3, token: second.previous! }, CALL);
    assert.deepEqual(
      back.entries.map(({ document }) => document.id),
      ["implicit", "north", "pacific"],
    );
  });

  test("who may not read a collection sees neither it nor its items", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    await node.publish(describe("secret", { "gyre:readers": ["staff"] }), describe("open"));
    const [hidden] = await node.publish(
      ...["secret", "open"].map((id) => post(item("a", { collection: id, properties: { [id]: 1 } }))),
    );
    const staff = { who: { subject: "s", roles: ["staff"] } };
    const all = { limit: 10 };
    for (const [call, seen] of [
      [CALL, ["open"]],
      [staff, ["open", "secret"]],
    ] as const) {
      const { entries, matched } = await node.catalog.search(all, call);
      assert.deepEqual([entries.map(({ document }) => document.collection).sort(), matched], [seen, seen.length]);
      assert.equal((await node.catalog.collections(all, call)).matched, seen.length);
      assert.equal((await node.catalog.collection("secret", call)) !== undefined, seen.length === 2);
      assert.equal((await node.catalog.item("secret", "a", call)) !== undefined, seen.length === 2);
      assert.equal((await node.writes.status(hidden!.event_id, call)) !== undefined, seen.length === 2);
      assert.equal("secret" in (await node.catalog.queryables(undefined, call)), seen.length === 2);
      const [counted] = await node.catalog.aggregate(all, [{ name: "collection_frequency" }], call);
      assert.deepEqual(counted?.buckets?.map(({ key }) => key).sort(), seen);
      const streamed: string[] = [];
      for await (const batch of node.catalog.stream(all, call))
        streamed.push(...batch.map(({ document }) => document.collection!));
      assert.deepEqual(streamed.sort(), seen);
    }
    const remove: Payload = { method: "DELETE", collection_id: "secret", item_id: "a" };
    await assert.rejects(node.writes.accept([changeOf(remove)], CALL), (error) => isGyreError(error, "NotFound"));
    const taken = node.writes.accept([changeOf(post(item("a", { collection: "secret" })))], CALL);
    await assert.rejects(taken, (error) => isGyreError(error, "Conflict"));
    await node.append([{ method: "PUT", collection_id: "secret", collection: collection("secret") }]);
    assert.deepEqual(await node.apply(), []);
    assert.equal((await node.catalog.search(all, CALL)).matched, 2);
  });

  test("queryables come from the items", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    const some = Array.from({ length: 60 }, (_, i) =>
      item(`i${i}`, {
        properties: { kind: i % 2 ? "odd" : "even", n: i, name: `name-${i}`, at: "2020-01-01T00:00:00Z", tags: ["x"] },
      }),
    );
    await node.publish(...some.map(post), post(item("z", { collection: "d", properties: { n: "text" } })));
    const queryables = await node.catalog.queryables("c", CALL);
    assert.deepEqual(queryables.kind, { type: "string", enum: ["even", "odd"] });
    assert.deepEqual(queryables.n, { type: "number", minimum: 0, maximum: 59 });
    assert.deepEqual(queryables.name, { type: "string" });
    assert.deepEqual(queryables.at, { type: "string", format: "date-time" });
    assert.deepEqual(queryables.tags, { type: "array" });
    assert.deepEqual((await node.catalog.queryables(undefined, CALL)).n, {
      type: ["number", "string"],
      minimum: 0,
      maximum: 59,
    });
    await assert.rejects(node.catalog.queryables("none", CALL), (error) => isGyreError(error, "NotFound"));
  });
}
