import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { isGyreError } from "../../../src/errors.ts";
import { CALL, type Cases } from "./room.ts";

/** How runs end otherwise, and go. */
export const ENDING: Cases = {
  async "cancelling stops what runs and what waits, with the children, and removes what was half made"(room) {
    await room.worker({ concurrency: 2 });
    const id = await room.start([
      { do: "child", part: "child", ops: [room.step("inner", { hang: true }), { do: "get", part: "inner" }] },
      room.step("outer", { hang: true }),
      { do: "get", part: "outer" },
    ]);
    await room.begun(2);
    const queued = await room.start([room.step("queued"), { do: "get", part: "queued" }], room.label("queued run"));
    await room.until(async () => (await room.get(queued)).parts.length === 1);
    await room.engine.runs.cancel(queued, CALL);
    await room.engine.runs.cancel(id, CALL);
    for (const run of [id, queued, `${id}/child`]) {
      const settled = await room.settled(run);
      assert.ok(!settled.ok && settled.isCancelled, run);
    }
    const deeds = await room.until(async () => {
      const all = await room.deeds();
      return all.every(({ ended }) => ended !== null) && all;
    });
    assert.deepEqual(
      deeds.map(({ how }) => how),
      ["stopped", "stopped"],
    );
    await room.until(async () => deeds.every(({ scratch }) => !existsSync(scratch ?? "")));
    assert.deepEqual(
      (await room.get(queued)).parts.map(({ state }) => state),
      ["cancelled"],
    );
    await assert.rejects(room.engine.runs.cancel(id, CALL), (error) => isGyreError(error, "Conflict"));
    await assert.rejects(room.engine.runs.cancel("none", CALL), (error) => isGyreError(error, "NotFound"));
  },

  async "a run that sleeps can be cancelled, and holds no worker that ends"(room) {
    const worker = await room.worker();
    const ids = ["a", "b"].map((name) => room.label(name));
    for (const id of ids)
      await room.start([room.step(id), { do: "get", part: id }, { do: "sleep", ms: 3_600_000 }], id);
    const [cancelled = "", left = ""] = ids;
    await room.until(async () => (await room.part(cancelled, cancelled).catch(() => undefined))?.state === "succeeded");
    await room.until(async () => (await room.part(left, left).catch(() => undefined))?.state === "succeeded");
    await room.engine.runs.cancel(cancelled, CALL);
    const settled = await room.settled(cancelled);
    assert.ok(!settled.ok && settled.isCancelled);
    await worker.signal("SIGTERM");
    assert.equal((await room.get(left)).state, "running");
    await room.engine.runs.cancel(left, CALL);
  },

  async "retry goes on from the failed step; what was done before stays"(room) {
    await room.worker();
    const gate = room.label("gate");
    const failing = { failures: 1, gate };
    const id = await room.start([
      room.step("first"),
      { do: "get", part: "first" },
      room.step("second", failing),
      { do: "child", part: "child", ops: [room.step("inner", failing), { do: "get", part: "inner" }] },
      { do: "settle", part: "child" },
      { do: "settle", part: "second" },
      room.step("after"),
      { do: "get", part: "after" },
      { do: "get", part: "second" },
    ]);
    // What is begun after a failure is forgotten: both are begun before the first of them fails.
    await room.begun(3);
    await room.open(gate);
    const before = await room.settled(id);
    assert.ok(!before.ok);
    await room.engine.runs.retry(id, CALL);
    const { parts } = await room.report(id);
    assert.deepEqual(parts.second, { ok: true, value: room.label("second") });
    assert.equal(parts.child?.ok, true);
    const count = async (part: string): Promise<number> => (await room.deeds(part)).length;
    assert.deepEqual(await Promise.all(["first", "second", "inner", "after"].map(count)), [1, 2, 2, 2]);
    assert.deepEqual(
      (await room.part(id, "second")).attempts.map(({ state }) => state),
      ["failed", "succeeded"],
    );
    await assert.rejects(room.engine.runs.retry(id, CALL), (error) => isGyreError(error, "Conflict"));
  },

  async "a run that has ended can be deleted with its children, one that goes on cannot"(room) {
    await room.worker();
    const gate = room.label("gate");
    const id = await room.start([
      { do: "child", part: "child", ops: [room.step("held", { gate }), { do: "get", part: "held" }] },
      { do: "get", part: "child" },
    ]);
    await room.begun(1);
    await assert.rejects(room.engine.runs.delete(id, CALL), (error) => isGyreError(error, "Conflict"));
    await room.open(gate);
    await room.report(id);
    await room.engine.runs.delete(id, CALL);
    assert.equal(await room.engine.runs.get(id, CALL), undefined);
    assert.equal(await room.engine.runs.get(`${id}/child`, CALL), undefined);
    await assert.rejects(room.engine.runs.delete(id, CALL), (error) => isGyreError(error, "NotFound"));
    // The id is free again.
    assert.deepEqual(await room.engine.runs.start(room.flow, { ops: [] }, CALL, { id }), { id, isNew: true });
    await room.report(id);
  },

  async "runs that ended long ago are forgotten"(room) {
    const worker = await room.worker();
    await room.report(await room.start([]));
    await worker.signal("SIGTERM");
    await room.another({ retentionDays: 0 });
    await room.until(async () => (await room.engine.runs.get(room.name, CALL)) === undefined);
  },

  async "queued runs that nobody takes fail after their time"(room) {
    const id = await room.start([]);
    await room.another({ expirySeconds: 0 });
    const settled = await room.settled(id);
    assert.ok(!settled.ok);
    assert.match(settled.error.message, /waited more than 0 seconds/);
  },
};
