import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeEvent, type StacEvent } from "../../src/core/event.ts";
import { ERROR_TOPIC, topicFilter } from "../../src/core/topic.ts";
import { GyreError } from "../../src/errors.ts";
import { decodeErrorEvent, errorMessage } from "../../src/log/error-event.ts";
import { listErrors, redrive } from "../../src/log/errors.ts";
import { BEGINNING, type EventLog, type Recorded } from "../../src/log/event-log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { testDatabase } from "../services/postgres.ts";
import { counting, createEffects, effectsOf } from "./effects.ts";
import { CALL, messageOf, startFollowing } from "./following.ts";

const EAST = { node: "east", consumer: "catalog" };
const WEST = { node: "west", consumer: "catalog" };

async function everything(log: EventLog): Promise<Recorded[]> {
  return (await Array.fromAsync(log.read({ from: BEGINNING }, CALL))).flatMap(({ messages }) => messages);
}

/** A log in which messages failed at some nodes. */
async function createFailed(values: readonly (string | Uint8Array)[], reporters = [EAST]): Promise<EventLog> {
  const log = createMemoryLog({ partitions: 1 });
  for (const [i, value] of values.entries()) {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    const topic = i % 2 === 0 ? "CMIP6.historical.A" : "CMIP6.ssp245.A";
    await log.append([{ id: `m${i}`, topic, key: `cmip6/${i}`, value: bytes }], CALL);
  }
  for (const message of await everything(log)) {
    for (const reporter of reporters) {
      const error = new GyreError("Invalid", "it is poison", { faults: [{ pointer: "/a", detail: "is wrong" }] });
      await log.append([errorMessage({ message, type: "payload", error }, reporter)], CALL);
    }
  }
  return log;
}

describe("an error event", () => {
  const recorded: Recorded = {
    ...messageOf("m1", { value: "x" }),
    partition: "0",
    offset: 7,
    time: new Date(0),
  };
  const eventOf = (error: unknown, message = recorded) =>
    decodeErrorEvent(errorMessage({ message, type: "unknown", error }, EAST).value);

  test("has the founding members and the problem of its successor", () => {
    const error = new GyreError("Conflict", "there is one", { type: "item-already-exists" });
    const { traceback, ...event } = eventOf(error);
    assert.deepEqual(event, {
      original_payload: "x",
      original_encoding: "utf-8",
      node: "east",
      error_type: "unknown",
      error: {
        detail: "there is one",
        instance: "urn:gyre:message:0:7",
        status: 409,
        title: "Conflict",
        type: "/publication/errors/item-already-exists",
      },
      consumer: "catalog",
      attempts: 1,
      original: { id: "m1", topic: "CMIP6.historical.A", key: "m1", partition: "0", offset: 7 },
    });
    assert.match(traceback, /^GyreError\(Conflict\): there is one\n {4}at /);
  });

  test("tells no secrets and no paths", () => {
    const secrets = [
      "connect ECONNREFUSED /var/run/gyre/.s.PGSQL.5432",
      "postgres://user:secret@db.example/gyre does not answer",
      "ENOENT: no such file, open '/srv/secret/x.nc'",
      "at file:///srv/secret/gyre.ts:12",
      "cannot read C:\\secret\\gyre.ts",
    ];
    for (const text of secrets) {
      const told = JSON.stringify(eventOf(new Error(text)));
      assert.doesNotMatch(told, /secret|PGSQL|\.ts/, told);
    }
    assert.match(eventOf(new Error("GET https://x.org/a/b/c: 503")).error.detail, /https:\/\/x\.org\/a\/b\/c/);
  });

  test("can be made of any message and any error", () => {
    for (const error of [undefined, "text", { message: 3 }, new Error("\0\ud800"), new Error("x".repeat(1e6))]) {
      assert.equal(eventOf(error).error.status, 500);
    }
    const odd = { ...recorded, id: "a\0", key: "\0\ud800".repeat(1000), value: Uint8Array.of(0x61, 0) };
    assert.equal(eventOf(new Error("x"), odd).original_encoding, "base64");
    const quoted = { ...recorded, value: new Uint8Array(4 * 1024 * 1024).fill(1) };
    assert.equal(eventOf(new Error("x"), quoted).original_payload, "");
  });

  test("of the founding system is read", () => {
    const founding = { original_payload: "{}", node: "esgf-east", traceback: "...", error_type: "kafka" };
    const event = decodeErrorEvent(new TextEncoder().encode(JSON.stringify(founding)));
    assert.deepEqual([event.node, event.attempts, event.error.status], ["esgf-east", 1, 500]);
  });
});

describe("failures", () => {
  test("are listed by what they are", async () => {
    const log = await createFailed(["a", "b", "c"], [EAST, WEST]);
    await log.append([messageOf("junk", { topic: ERROR_TOPIC, value: "no error event" })], CALL);
    const count = async (filter: Parameters<typeof listErrors>[1]): Promise<number> =>
      (await Array.fromAsync(listErrors(log, filter, CALL))).length;
    assert.equal(await count({}), 6);
    assert.equal(await count({ node: "west" }), 3);
    assert.equal(await count({ type: "kafka" }), 0);
    assert.equal(await count({ topics: topicFilter(".*\\.ssp245\\..*") }), 2);
    assert.equal(await count({ keyPrefix: "cmip6/2" }), 2);
    assert.equal(await count({ keyPrefix: "cordex/" }), 0);
    assert.equal(await count({ ids: ["m1"], node: "east" }), 1);
    assert.equal(await count({ since: new Date(Date.now() + 60_000) }), 0);
    const [first] = await Array.fromAsync(listErrors(log, {}, CALL));
    assert.equal(await count({ ids: [first!.id] }), 1);
  });

  test("are sent again once for all nodes, as they were", async () => {
    const bytes = Uint8Array.of(0xff, 0, 0x61);
    const log = await createFailed(["a", bytes], [EAST, WEST]);
    assert.deepEqual(await redrive(log, {}, CALL), { sent: 2, repeated: 2, lost: [] });
    assert.deepEqual(await redrive(log, {}, CALL), { sent: 0, repeated: 4, lost: [] });
    const again = (await everything(log)).filter(({ id }) => id.includes("#"));
    assert.deepEqual(
      again.map(({ id, topic, key, value }) => [id, topic, key, [...value]]),
      [
        ["m0#1", "CMIP6.historical.A", "cmip6/0", [0x61]],
        ["m1#1", "CMIP6.ssp245.A", "cmip6/1", [...bytes]],
      ],
    );
  });

  test("too long to be kept twice are read from the log, while it has them", async () => {
    const large = new Uint8Array(5 * 1024 * 1024).fill(0x61);
    const log = await createFailed([large]);
    assert.equal((await redrive(log, {}, CALL)).sent, 1);
    assert.ok((await everything(log)).some(({ id, value }) => id === "m0#1" && Buffer.from(large).equals(value)));

    const [message] = await everything(log);
    const lostLog = createMemoryLog({ partitions: 1 });
    await lostLog.append([errorMessage({ message: message!, type: "payload", error: undefined }, EAST)], CALL);
    const { sent, lost } = await redrive(lostLog, {}, CALL);
    assert.equal(sent, 0);
    assert.match(lost[0]!.reason, /not kept any more/);
  });

  test("that no log takes again keep none of the others", async () => {
    const log = await createFailed(["a", "b"]);
    const [known] = await Array.fromAsync(listErrors(log, {}, CALL));
    const originals = [
      { topic: "../a topic" },
      { key: "k".repeat(2000) },
      { id: "i".repeat(1200) },
      { partition: "none of this log", offset: 2 ** 52 },
    ];
    for (const [i, wrong] of originals.entries()) {
      const original = { ...known!.event.original, ...wrong };
      // Of the last one neither the event nor the log has anything.
      const payload = i === 3 ? "" : known!.event.original_payload;
      const value = JSON.stringify({ ...known!.event, original_payload: payload, original });
      await log.append([messageOf(`by others ${i}`, { topic: ERROR_TOPIC, value })], CALL);
    }
    const { sent, lost } = await redrive(log, {}, CALL);
    assert.equal(sent, 2);
    assert.deepEqual(
      lost.map(({ id }) => id).sort(),
      originals.map((_, i) => `by others ${i}`),
    );
  });

  test("of the founding system are sent to the topic of their event", async () => {
    const log = createMemoryLog();
    const event: StacEvent = {
      metadata: {
        auth: { requester_data: { client_id: "c", iss: "i", sub: "s" } },
        event_id: "e1",
        request_id: "r",
        publisher: { package: "p", version: "1" },
        time: "2026-11-22T08:00:00Z",
        schema_version: "1.0.0",
      },
      data: {
        type: "STAC",
        payload: { method: "DELETE", collection_id: "cmip6", item_id: "CMIP6.CMIP.NCC.NorESM2-LM.historical.r1" },
      },
    };
    const founding = (original_payload: string): string =>
      JSON.stringify({ original_payload, node: "esgf-east", traceback: "", error_type: "stac_server" });
    const payload = new TextDecoder().decode(encodeEvent(event));
    await log.append([messageOf("1", { topic: ERROR_TOPIC, value: founding(payload) })], CALL);
    await log.append([messageOf("2", { topic: ERROR_TOPIC, value: founding("ConsumerRecord(...)") })], CALL);
    const { sent, lost } = await redrive(log, {}, CALL);
    assert.deepEqual([sent, lost.length], [1, 1]);
    const again = (await everything(log)).find(({ id }) => id === "e1#1");
    assert.equal(again?.topic, "CMIP6.historical.NorESM2-LM");
    assert.equal(again?.key, "cmip6/CMIP6.CMIP.NCC.NorESM2-LM.historical.r1");
  });

  test("take effect when what was wrong is mended, and count their attempts when not", async (t) => {
    const db = await testDatabase(t, { migrations: ["node"] });
    await createEffects(db);
    const log = createMemoryLog();
    await log.append([messageOf("m", { value: "poison" }), messageOf("n")], CALL);
    const first = startFollowing(t, { log, db, projection: counting() });
    await first.until(({ failed }) => failed === 1);
    await redrive(log, {}, CALL);
    await first.until(({ failed }) => failed === 2);
    await first.stop();
    const errors = await Array.fromAsync(listErrors(log, {}, CALL));
    assert.deepEqual(errors.map(({ event }) => event.attempts).sort(), [1, 2]);

    assert.deepEqual(await redrive(log, {}, CALL), { sent: 1, repeated: 1, lost: [] });
    const mended = startFollowing(t, {
      log,
      db,
      projection: {
        ...counting(),
        async apply(found, tx) {
          await counting().apply(
            found.map((message) => ({ ...message, value: new Uint8Array(0) })),
            tx,
          );
          return [];
        },
      },
    });
    await mended.until(({ applied }) => applied === 1);
    await mended.stop();
    assert.deepEqual((await effectsOf(db)).map(({ id }) => id).sort(), ["m#2", "n"]);
  });
});
