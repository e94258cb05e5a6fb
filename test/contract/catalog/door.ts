import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { forgetOutcomes } from "../../../src/catalog/outcome.ts";
import type { Payload } from "../../../src/core/event.ts";
import type { Pool } from "../../../src/db/database.ts";
import { GyreError, isGyreError } from "../../../src/errors.ts";
import { BEGINNING, type EventLog } from "../../../src/log/event-log.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import type { Failure } from "../../../src/log/projection.ts";
import type { MakePool } from "../catalog.ts";
import { CALL, changeOf, item, post, type TestNode, testNode } from "./node.ts";

const put = (properties = {}, if_match?: string): Payload => ({
  method: "PUT",
  collection_id: "c",
  item_id: "a",
  item: item("a", { properties }),
  ...(if_match === undefined ? {} : { if_match }),
});
const REMOVE: Payload = { method: "DELETE", collection_id: "c", item_id: "a" };

/** The door: what it lets in, and what it refuses before anything is in the log. */
export function testDoor(make: MakePool): void {
  const cases: Record<string, (node: TestNode, log: EventLog, pool: Pool) => Promise<void>> = {
    "a posted item is found when its event is applied, and not before": async (node) => {
      const [status] = await node.writes.accept([changeOf(post(item("a")))], CALL);
      assert.equal(status?.status, "pending");
      assert.deepEqual(await node.ids({}), []);
      assert.deepEqual(await node.apply(), []);
      const stored = await node.catalog.item("c", "a", CALL);
      assert.deepEqual(stored?.document, item("a"));
      assert.equal(stored?.etag, status?.event_id);
      assert.deepEqual(Object.keys(stored?.document ?? {}), Object.keys(item("a")));
      const applied = await node.writes.status(status?.event_id ?? "", CALL);
      assert.deepEqual([applied?.status, applied?.item, applied?.problem], ["applied", "a", null]);
      assert.equal(await node.writes.status("never", CALL), undefined);
    },
    "PUT, PATCH and DELETE change what is there": async (node) => {
      await node.publish(post(item("a")));
      await node.publish(put({ x: 1, gone: true }));
      await node.publish({
        method: "PATCH",
        collection_id: "c",
        item_id: "a",
        patch: { properties: { gone: null, y: 2 } },
      });
      assert.deepEqual((await node.catalog.item("c", "a", CALL))?.document, item("a", { properties: { x: 1, y: 2 } }));
      const patch = [
        { op: "test", path: "/properties/x", value: 1 },
        { op: "replace", path: "/properties/retracted", value: true },
      ] as const;
      await refused(node, { method: "PATCH", collection_id: "c", item_id: "a", patch }, undefined, "Invalid");
      await node.publish({
        method: "PATCH",
        collection_id: "c",
        item_id: "a",
        patch: { properties: { retracted: true } },
      });
      assert.equal((await node.catalog.item("c", "a", CALL))?.document.properties.retracted, true);
      assert.deepEqual(await node.ids({}), ["a"]);
      await node.publish(REMOVE);
      assert.equal(await node.catalog.item("c", "a", CALL), undefined);
    },
    "what does not fit is refused, and nothing is in the log": async (node, log) => {
      await node.publish(post(item("a")));
      const before = await log.heads(CALL);
      await refused(node, post(item("a")), "item-already-exists", "Conflict");
      await refused(node, { ...put(), item_id: "b", item: item("b") } as Payload, "item-does-not-exist", "NotFound");
      await refused(node, { ...REMOVE, item_id: "b" } as Payload, "item-does-not-exist", "NotFound");
      await refused(node, put({}, "another"), "precondition-failed", "PreconditionFailed");
      await refused(node, { ...put(), item_id: "b" } as Payload, "id-mismatch", "Invalid");
      await refused(node, { ...post(item("x")), collection_id: "d" }, "id-mismatch", "Invalid");
      const changes = [changeOf(post(item("fine"))), changeOf(post(item("a")))];
      await assert.rejects(node.writes.accept(changes, CALL), (error) => isGyreError(error, "Conflict"));
      assert.deepEqual(await log.heads(CALL), before);
      await node.publish(post(item("fine")));
    },
    "a broken document is refused with the places of its faults": async (node) => {
      const broken: [unknown, string][] = [
        [{ ...item("a"), assets: undefined }, "/assets"],
        [{ ...item("a"), geometry: { type: "Point", coordinates: [0, 91] } }, "/geometry"],
        [{ ...item("a"), geometry: { type: "Cube" } }, "/geometry/type"],
        [{ ...item("a"), bbox: [1, 2, 3] }, "/bbox"],
        [item("a", { properties: { datetime: "yesterday" } }), "/properties/datetime"],
        [{ ...item("a"), id: "a\u0001b" }, "/id"],
      ];
      for (const [document, pointer] of broken) {
        const payload = { method: "POST", collection_id: "c", item: document } as Payload;
        const error = await failure(node.writes.accept([changeOf(payload)], CALL));
        assert.ok(
          error.details.faults?.some((fault) => fault.pointer.endsWith(pointer)),
          `${pointer}: ${error.message}`,
        );
      }
    },
    "a change right after another, before either is applied": async (node) => {
      const [first] = await node.writes.accept([changeOf(post(item("a")))], CALL);
      const [second] = await node.writes.accept([changeOf(put({ n: 2 }, first?.event_id))], CALL);
      await refused(node, put({ n: 3 }, first?.event_id), "precondition-failed", "PreconditionFailed");
      await node.writes.accept([changeOf(put({ n: 3 }, second?.event_id))], CALL);
      await refused(node, post(item("a")), "item-already-exists", "Conflict");
      await node.writes.accept([changeOf(REMOVE)], CALL);
      await refused(node, put(), "item-does-not-exist", "NotFound");
      await node.writes.accept([changeOf(post(item("a", { properties: { n: 5 } })))], CALL);
      assert.deepEqual(await node.apply(), []);
      assert.equal((await node.catalog.item("c", "a", CALL))?.document.properties.n, 5);
      await refused(node, post(item("a")), "item-already-exists", "Conflict");
    },
    "several changes of one item in one request": async (node) => {
      await node.publish(post(item("a")), put({ n: 1 }), put({ n: 2 }), post(item("b")));
      assert.equal((await node.catalog.item("c", "a", CALL))?.document.properties.n, 2);
      await refused(node, post(item("b")), "item-already-exists", "Conflict");
    },
    "of two at once one wins": async (node) => {
      const changes = Array.from({ length: 8 }, (_, n) => changeOf(post(item("a", { properties: { n } }))));
      const outcomes = await Promise.allSettled(changes.map((change) => node.writes.accept([change], CALL)));
      const lost = outcomes.filter((outcome) => outcome.status === "rejected");
      assert.equal(lost.length, 7);
      for (const { reason } of lost) assert.ok(isGyreError(reason, "Conflict"), String(reason));
      assert.deepEqual(await node.apply(), []);
      assert.deepEqual(await node.ids({}), ["a"]);
    },
    "a key that comes again has the same answer, with another body it is refused": async (node, log) => {
      const [first] = await node.writes.accept([changeOf(post(item("a")), "key-1")], CALL);
      const heads = await log.heads(CALL);
      const [again] = await node.writes.accept([changeOf(post(item("a")), "key-1")], CALL);
      assert.deepEqual(again, first);
      assert.deepEqual(await log.heads(CALL), heads);
      await refused(node, post(item("b")), "idempotency-key-reused", "Conflict", "key-1");
      await node.apply();
      const [applied] = await node.writes.accept([changeOf(post(item("a")), "key-1")], CALL);
      assert.equal(applied?.status, "applied");
      await refused(node, post(item("b")), "idempotency-key-reused", "Conflict", "key-1");
    },
    "a key whose event came by the log has its outcome": async (node) => {
      await node.append([post(item("a"))], ["key"]);
      await node.apply();
      const [again] = await node.writes.accept([changeOf(post(item("a")), "key")], CALL);
      assert.deepEqual([again?.event_id, again?.status], ["key", "applied"]);
      await refused(node, post(item("b")), "idempotency-key-reused", "Conflict", "key");
    },
    "an event that did not reach the log is forgotten": async (node) => {
      const log = node.log as EventLog & { broken?: boolean };
      log.broken = true;
      await assert.rejects(node.writes.accept([changeOf(post(item("a")), "key")], CALL), (error) =>
        isGyreError(error, "Busy"),
      );
      assert.equal(await node.writes.status("key", CALL), undefined);
      log.broken = false;
      await node.writes.accept([changeOf(post(item("a")), "key")], CALL);
      assert.deepEqual(await node.apply(), []);
      assert.deepEqual(await node.ids({}), ["a"]);
    },
    "an event that may never have reached the log counts for a minute": async (node, _, pool) => {
      await node.writes.accept([changeOf(post(item("a")))], CALL);
      // Nobody waits for the mark, so that it may come after whatever is done here.
      while ((await pool.query("select from pending where appended is null")).length > 0);
      await pool.query("update pending set appended = null");
      await refused(node, post(item("a")), "item-already-exists", "Conflict");
      await pool.query("update pending set appended = null, accepted = accepted - interval '2 minutes'");
      await node.writes.accept([changeOf(post(item("a", { properties: { again: true } })))], CALL);
      // Both had reached it: the second is refused when it is applied.
      assert.equal((await node.apply()).length, 1);
      assert.equal((await node.catalog.item("c", "a", CALL))?.document.properties.again, undefined);
    },
    "many writers while events are applied: each accepted event is applied once": async (node, _, pool) => {
      let isWriting = true;
      const applying = (async () => {
        const failures: Failure[] = [];
        // An empty log in memory answers without ever giving way to the others.
        while (isWriting) {
          failures.push(...(await node.apply()));
          await setImmediate();
        }
        return [...failures, ...(await node.apply())];
      })();
      const writer = async (name: number): Promise<string[]> => {
        const accepted: string[] = [];
        for (let n = 0; n < 12; n++) {
          const id = `i${(name + n) % 5}`;
          const payloads: Payload[] = [
            post(item(id)),
            { method: "PATCH", collection_id: "c", item_id: id, patch: { properties: { [`by${name}`]: n } } },
            { method: "DELETE", collection_id: "c", item_id: id },
          ];
          const changes = [changeOf(payloads[(name + n) % 3] as Payload)];
          try {
            accepted.push(...(await node.writes.accept(changes, CALL)).map(({ event_id }) => event_id));
          } catch (error) {
            assert.ok(isGyreError(error, "Conflict", "NotFound"), String(error));
          }
        }
        return accepted;
      };
      const accepted = (await Promise.all(Array.from({ length: 10 }, (_, name) => writer(name)))).flat();
      isWriting = false;
      assert.deepEqual(await applying, []);
      const counts = await pool.query<{ event_id: string; applied_count: number }>("select * from outcome");
      assert.deepEqual(counts.map(({ event_id }) => event_id).sort(), accepted.toSorted());
      assert.ok(counts.every(({ applied_count }) => applied_count === 1));
      assert.deepEqual(await pool.query("select * from pending"), []);
      const [home] = await pool.query<{ items: number }>("select items from collection where id = 'c'");
      assert.equal(home?.items ?? 0, (await node.ids({})).length);
    },
    "outcomes are kept for a time": async (node, _, pool) => {
      const [old] = await node.publish(post(item("a")));
      await forgetOutcomes(pool, new Date(0));
      assert.equal((await node.writes.status(old?.event_id ?? "", CALL))?.status, "applied");
      await forgetOutcomes(pool, new Date(Date.now() + 60_000));
      assert.equal(await node.writes.status(old?.event_id ?? "", CALL), undefined);
      assert.equal((await node.catalog.item("c", "a", CALL))?.etag, old?.event_id);
    },
    "who waits is woken by the transaction that applies": async (node) => {
      const [status] = await node.writes.accept([changeOf(post(item("a")))], CALL);
      const id = status?.event_id ?? "";
      assert.equal((await node.writes.settled(id, 1, CALL))?.status, "pending");
      const waiting = node.writes.settled(id, 60_000, CALL);
      await node.apply();
      assert.equal((await waiting)?.status, "applied");
      assert.equal(await node.writes.settled("never", 60_000, CALL), undefined);
    },
    "patches that take away what is required, or move it, are refused": async (node) => {
      await node.publish(post(item("a")));
      const patches = [
        { assets: null },
        { properties: { datetime: null } },
        [{ op: "remove", path: "/geometry" }],
        [{ op: "move", from: "/properties/x", path: "/properties/y" }],
        [{ op: "add", path: "/properties/x" }],
      ];
      for (const patch of patches) {
        const payload = { method: "PATCH", collection_id: "c", item_id: "a", patch } as Payload;
        await refused(node, payload, undefined, "Invalid");
      }
      await assert.rejects(
        node.publish({ method: "PATCH", collection_id: "c", item_id: "a", patch: { id: "b" } }),
        (error) => isGyreError(error, "Invalid"),
      );
      assert.deepEqual((await node.catalog.item("c", "a", CALL))?.document, item("a"));
    },
    "an item stays in the topic of its first event": async (node, log) => {
      const facets = { mip_era: "CMIP6", experiment_id: "historical", source_id: "M" };
      await node.writes.accept([changeOf(post(item("a", { properties: facets })))], CALL);
      await node.writes.accept([changeOf(put({ ...facets, source_id: "other" }))], CALL);
      await node.apply();
      await node.writes.accept([changeOf(REMOVE)], CALL);
      const topics: string[] = [];
      for await (const { messages } of log.read({ from: BEGINNING }, CALL))
        topics.push(...messages.map((m) => m.topic));
      assert.deepEqual(topics, Array(3).fill("CMIP6.historical.M"));
    },
  };
  for (const [title, run] of Object.entries(cases)) {
    test(title, async (t) => {
      const log = breakable(createMemoryLog());
      const pool = await make(t);
      const node = testNode(pool, log);
      t.after(() => node.close());
      await run(node, log, pool);
    });
  }
}

/** A log that is away when a test says so. */
function breakable(log: EventLog): EventLog & { broken?: boolean } {
  const append: EventLog["append"] = async (messages, call) => {
    if (wrapped.broken === true) throw new GyreError("Busy", "the log is away");
    return log.append(messages, call);
  };
  const wrapped: EventLog & { broken?: boolean } = Object.assign(Object.create(log) as EventLog, {
    append,
    read: log.read.bind(log),
    heads: log.heads.bind(log),
  });
  return wrapped;
}

async function failure(work: Promise<unknown>): Promise<GyreError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isGyreError(error), `refused, not ${String(error)}`);
  return error;
}

async function refused(
  node: TestNode,
  payload: Payload,
  type: string | undefined,
  tag: GyreError["tag"],
  eventId?: string,
): Promise<void> {
  const error = await failure(acceptAndApply(node, payload, eventId));
  assert.equal(error.tag, tag, error.message);
  if (type !== undefined) assert.equal(error.details.type, type);
}

/** What only the document can tell is refused when the event is applied. */
async function acceptAndApply(node: TestNode, payload: Payload, eventId?: string): Promise<void> {
  await node.writes.accept([changeOf(payload, eventId)], CALL);
  const [failed] = await node.apply();
  if (failed !== undefined) throw failed.error;
}
