import assert from "node:assert/strict";
import type { Op } from "../../flows/engine/script.ts";
import type { Cases } from "./room.ts";

/** What workers do when they end. */
export const WORKERS: Cases = {
  async "a worker that is told to end gives its work to others at once"(room) {
    const first = await room.worker();
    const gate = room.label("gate");
    const id = await room.start([
      room.step("kept"),
      { do: "get", part: "kept" },
      room.step("moved", { gate }),
      { do: "get", part: "moved" },
    ]);
    await room.begun(2);
    await room.worker();
    await first.signal("SIGTERM");
    await room.begun(3);
    await room.open(gate);
    await room.report(id);
    assert.deepEqual(
      (await room.deeds()).map(({ how }) => how),
      ["ended", "stopped", "ended"],
    );
  },

  async "a worker that drains finishes what it runs"(room) {
    const worker = await room.worker({ drainMs: 60_000 });
    const gate = room.label("gate");
    const id = await room.start([room.step("last", { gate }), { do: "get", part: "last" }]);
    await room.begun(1);
    const ended = worker.signal("SIGTERM");
    await room.open(gate);
    await ended;
    assert.deepEqual(
      (await room.deeds()).map(({ how }) => how),
      ["ended"],
    );
    await room.worker();
    await room.report(id);
    assert.equal((await room.deeds()).length, 1);
  },

  async "a worker recycles after so many steps, and takes no more"(room) {
    const worker = await room.worker({ recycleAfter: 2 });
    const parts = ["a", "b", "c"];
    const id = await room.start([
      ...parts.map((part) => room.step(part)),
      ...parts.map((part): Op => ({ do: "get", part })),
    ]);
    assert.equal(await worker.line(), "recycled: It has run 2 steps");
    assert.equal((await room.deeds()).length, 2);
    await room.worker();
    await room.report(id);
  },

  async "a worker above its memory takes no work and recycles"(room) {
    const worker = await room.worker({ memoryBytes: 1_000 });
    assert.match((await worker.line()) ?? "", /^recycled: It holds more than 4000 bytes/);
  },

  async "a worker takes steps of its queues only"(room) {
    await room.worker({ listen: ["core"] });
    const id = await room.start([
      room.step("other", {}, "limited"),
      room.step("own"),
      { do: "get", part: "own" },
      { do: "get", part: "other" },
    ]);
    await room.until(async () => (await room.part(id, "own").catch(() => undefined))?.state === "succeeded");
    assert.equal((await room.part(id, "other")).state, "queued");
    await room.worker({ listen: ["keyed"] });
    await room.report(id);
    const [own, other] = await Promise.all([room.deeds("own"), room.deeds("other")]);
    assert.notEqual(own[0]?.pid, other[0]?.pid);
  },
};
