import assert from "node:assert/strict";
import { test } from "node:test";
import { createCatalogProjection } from "../../../src/catalog/projection.ts";
import type { Payload } from "../../../src/core/event.ts";
import { ALL_TOPICS } from "../../../src/core/topic.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { Recorded } from "../../../src/log/event-log.ts";
import type { MakePool } from "../catalog.ts";
import { CALL, item, messageOf, post, testNode } from "./node.ts";

const at = (n: number): Omit<Recorded, "id" | "topic" | "key" | "value"> => ({
  partition: "0",
  offset: n,
  time: new Date(0),
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What is made of messages that are in the log, whoever wrote them. */
export function testProjection(make: MakePool): void {
  test("a message that comes again has no second effect", async (t) => {
    const pool = await make(t);
    const projection = createCatalogProjection({ topics: ALL_TOPICS });
    const messages = [
      messageOf(post(item("a")), "e1"),
      messageOf({ method: "PUT", collection_id: "c", item_id: "a", item: item("a", { properties: { n: 2 } }) }, "e2"),
      messageOf(post(item("b")), "e3"),
    ].map((message, i) => ({ ...message, ...at(i) }));
    for (const batch of [messages, messages, [...messages, ...messages], messages.toReversed()]) {
      assert.deepEqual(await pool.transaction((tx) => projection.apply(batch, tx)), []);
    }
    const counts = await pool.query("select event_id, applied_count from outcome order by event_id");
    assert.deepEqual(
      counts,
      ["e1", "e2", "e3"].map((event_id) => ({ event_id, applied_count: 1 })),
    );
    const [home] = await pool.query("select items from collection");
    assert.deepEqual(home, { items: 2 });
    const node = testNode(pool);
    assert.equal((await node.catalog.item("c", "a", CALL))?.document.properties.n, 2);
  });

  test("events of one item keep their order in a batch and across batches", async (t) => {
    const pool = await make(t);
    const node = testNode(pool);
    const set = (n: number): Payload => ({
      method: "PATCH",
      collection_id: "c",
      item_id: "a",
      patch: { properties: { [`p${n}`]: n, n } },
    });
    const remove: Payload = { method: "DELETE", collection_id: "c", item_id: "a" };
    await node.append([post(item("a")), remove, post(item("a", { properties: { second: true } })), set(1), set(2)]);
    assert.deepEqual(await node.apply(), []);
    await node.append([set(3), remove, post(item("a", { properties: { third: true } })), set(4), set(5)]);
    assert.deepEqual(await node.apply(), []);
    const { properties } = (await node.catalog.item("c", "a", CALL))?.document ?? {};
    assert.deepEqual(properties, { datetime: "2020-01-01T00:00:00Z", third: true, p4: 4, n: 5, p5: 5 });
    const [home] = await pool.query("select items from collection");
    assert.deepEqual(home, { items: 1 });
  });

  test("who loses to another node's event learns it from the status", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    await node.append([post(item("a"))], ["first"]);
    const losers: [Payload, number][] = [
      [post(item("a")), 409],
      [{ method: "DELETE", collection_id: "c", item_id: "none" }, 404],
      [{ method: "PUT", collection_id: "c", item_id: "a", item: item("a"), if_match: "other" }, 412],
      [{ method: "PATCH", collection_id: "c", item_id: "a", patch: [{ op: "test", path: "/id", value: "b" }] }, 409],
      [{ method: "PATCH", collection_id: "c", item_id: "a", patch: [{ op: "replace", path: "/id", value: "b" }] }, 422],
    ];
    await node.append(
      losers.map(([payload]) => payload),
      losers.map((_, i) => `loser-${i}`),
    );
    const failures = await node.apply();
    assert.deepEqual(
      failures.map(({ message }) => message.id).sort(),
      losers.map((_, i) => `loser-${i}`),
    );
    for (const [i, [, status]] of losers.entries()) {
      const outcome = await node.writes.status(`loser-${i}`, CALL);
      assert.deepEqual([outcome?.status, outcome?.problem?.status], ["failed", status], `loser-${i}`);
    }
    assert.equal((await node.catalog.item("c", "a", CALL))?.etag, "first");
  });

  test("poison fails alone", async (t) => {
    const pool = await make(t);
    const node = testNode(pool);
    const projection = createCatalogProjection({ topics: ALL_TOPICS });
    const fine = Array.from({ length: 50 }, (_, i) => messageOf(post(item(`fine-${i}`))));
    const newer = new TextDecoder().decode(messageOf(post(item("x"))).value).replace('"1.0.0"', '"2.0.0"');
    const huge = item("huge", { properties: { datetime: "9999-12-31T23:59:59Z" } });
    const poison = [
      bytes("no json"),
      Uint8Array.of(0xff, 0xfe, 0x00),
      bytes("{}"),
      bytes(newer),
      bytes(
        JSON.stringify(JSON.parse(new TextDecoder().decode(messageOf(post(item("nul"))).value))).replace(
          "nul",
          "n\\u0000l",
        ),
      ),
      messageOf({ ...post(item("a")), collection_id: "" }).value,
      messageOf(post(item("b", { geometry: { type: "Polygon", coordinates: [] } }))).value,
      messageOf(post(item("c", { properties: { start_datetime: "never" } }))).value,
      messageOf(post(item(".."))).value,
      messageOf(post(item("d", { collection: ".." }))).value,
    ].map((value, i) => ({ ...messageOf(post(item(`poison-${i}`))), value }));
    const mixed = fine.flatMap((message, i) => [message, ...(i % 5 === 0 ? [poison[i / 5]!] : [])]);
    const messages = [...mixed, messageOf(post(huge))].map((message, i) => ({ ...message, ...at(i) }));
    const failures = await pool.transaction((tx) => projection.apply(messages, tx));
    assert.deepEqual(failures.map(({ message }) => message.id).sort(), poison.map(({ id }) => id).sort());
    assert.ok(failures.every(({ type, error }) => type === "payload" && isGyreError(error)));
    assert.equal((await node.ids({})).length, 51);
  });

  test("a value that only the database refuses fails alone", async (t) => {
    const pool = await make(t);
    await pool.query("alter table item add check (properties ->> 'poison' is null)");
    const node = testNode(pool);
    const all = Array.from({ length: 20 }, (_, i) => item(`i${i}`, { properties: i === 7 ? { poison: 1 } : {} }));
    await node.append(
      all.map(post),
      all.map(({ id }) => `event-of-${id}`),
    );
    const failures = await node.apply();
    assert.deepEqual(
      failures.map(({ message, type }) => [message.id, type]),
      [["event-of-i7", "payload"]],
    );
    assert.equal((await node.ids({})).length, 19);
    assert.equal((await node.writes.status("event-of-i7", CALL))?.status, "failed");
  });
}
