import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Deed, Op } from "../../flows/engine/script.ts";
import { CALL, type Cases } from "./room.ts";

/** Resident bytes of a process, as Linux tells. */
async function residentOf(pid: number): Promise<number> {
  const [, kB] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(kB) * 1024;
}

/** The most that was under way at once; what was killed ended at that time. */
function mostAtOnce(deeds: readonly Deed[], killed: ReadonlyMap<number, Date> = new Map()): number {
  const end = ({ ended, pid }: Deed): number => (ended ?? killed.get(pid) ?? new Date(8.64e15)).getTime();
  return Math.max(
    ...deeds.map((one) => deeds.filter((other) => other.began <= one.began && end(other) > one.began.getTime()).length),
  );
}

/** How steps are tried again, and held back. */
export const TRIES: Cases = {
  async "a step that failed is tried again, on its schedule"(room) {
    await room.worker({ concurrency: 1 });
    const waiting = await room.start(
      [room.step("wait", { failures: 1 }, "patient"), { do: "get", part: "wait" }],
      room.label("wait"),
    );
    const { parts } = await room.report(waiting);
    assert.deepEqual(parts.wait, { ok: true, value: room.label("wait") });
    const { attempts } = await room.part(waiting, "wait");
    assert.deepEqual(
      attempts.map(({ number, state }) => [number, state]),
      [
        [1, "failed"],
        [2, "succeeded"],
      ],
    );
  },

  async "2,000 tries that wait hold no worker and no memory to speak of"(room) {
    const worker = await room.worker({ concurrency: 8 });
    await room.report(await room.start([room.step("warm"), { do: "get", part: "warm" }], room.label("warm")));
    const before = await residentOf(worker.pid);
    const parts = Array.from({ length: 2_000 }, (_, i) => `p${i}`);
    const id = await room.start([
      ...parts.map((part) => room.step(part, {}, "later")),
      ...parts.map((part): Op => ({ do: "settle", part })),
    ]);
    await room.until(async () => {
      const rows = await room.pool.query(
        "select 1 from flow_part where run = $1 and state = 'queued' and attempt = 2 and due > now() + interval '1 hour'",
        [id],
      );
      return rows.length === parts.length;
    });
    // Others go on meanwhile.
    await room.report(await room.start([room.step("other"), { do: "get", part: "other" }], room.label("other")));
    const grown = (await residentOf(worker.pid)) - before;
    assert.ok(grown < 100 * 2 ** 20, `${Math.round(grown / 2 ** 20)} MB`);
    await room.engine.runs.cancel(id, CALL);
  },

  async "errors of a final kind are not tried again, others are until the tries are used up"(room) {
    await room.worker();
    const tags = [
      "BadRequest",
      "Invalid",
      "NotFound",
      "Denied",
      "Unsupported",
      "TooLarge",
      "Gone",
      "Busy",
      "BadSource",
      "Conflict",
    ];
    const id = await room.start([
      ...tags.map((tag) => room.step(tag, { failures: 9, tag }, "patient")),
      ...tags.map((part): Op => ({ do: "settle", part })),
    ]);
    const { parts } = await room.report(id);
    const tries = new Map<string, number>();
    for (const { label } of await room.deeds()) tries.set(label, (tries.get(label) ?? 0) + 1);
    for (const tag of tags) {
      const part = parts[tag];
      assert.ok(part !== undefined && !part.ok);
      assert.equal(part.error.tag, tag);
      assert.equal(tries.get(room.label(tag)), ["Busy", "BadSource", "Conflict"].includes(tag) ? 3 : 1, tag);
    }
  },

  async "a limit for each key holds over processes, and a killed one leaves no slot taken"(room) {
    const workers = await Promise.all([room.worker({ concurrency: 8 }), room.worker({ concurrency: 8 })]);
    const keys = ["x", "y"];
    const parts = keys.flatMap((key) => Array.from({ length: 8 }, (_, i) => ({ part: `${key}${i}`, key })));
    // One of each key waits at a gate; the others pass one that opens when both of those wait.
    const [gate = "", passage = ""] = ["gate", "passage"].map((name) => room.label(name));
    const isHeld = (name: string): boolean => name.endsWith("0");
    const id = await room.start([
      ...parts.map(({ part, key }) => room.step(part, { key, gate: isHeld(part) ? gate : passage }, "limited")),
      ...parts.map(({ part }): Op => ({ do: "settle", part })),
    ]);
    const [held] = await room.until(async () => {
      const waiting = (await room.deeds()).filter(({ label }) => isHeld(label));
      return waiting.length === keys.length && waiting;
    });
    await room.open(passage);
    await room.until(async () => (await room.deeds()).filter(({ ended }) => ended !== null).length >= 4);
    const victim = workers.find(({ pid }) => pid === held?.pid);
    assert.ok(victim !== undefined);
    await victim.signal("SIGKILL");
    const [now] = await room.pool.query<{ now: Date }>("select clock_timestamp() as now");
    assert.ok(now !== undefined);
    await room.open(gate);
    await room.report(id);
    const deeds = await room.deeds();
    for (const key of keys) {
      const ofKey = deeds.filter((deed) => deed.key === key);
      assert.equal(new Set(ofKey.map(({ label }) => label)).size, 8);
      assert.equal(mostAtOnce(ofKey, new Map([[victim.pid, now.now]])), 2);
    }
  },

  async "a limit everywhere holds over processes"(room) {
    await Promise.all([room.worker(), room.worker()]);
    const parts = Array.from({ length: 8 }, (_, i) => `p${i}`);
    const id = await room.start([
      ...parts.map((part) => room.step(part, {}, "single")),
      ...parts.map((part): Op => ({ do: "get", part })),
    ]);
    await room.report(id);
    assert.equal(mostAtOnce(await room.deeds()), 1);
  },

  async "a step that takes too long is told to stop, and fails"(room) {
    await room.worker();
    const id = await room.start([room.step("late", { hang: true }, "hasty"), { do: "settle", part: "late" }]);
    const { late } = (await room.report(id)).parts;
    assert.ok(late !== undefined && !late.ok);
    assert.match(late.error.message, /took more than its 0.2 seconds/);
    assert.equal((await room.deeds())[0]?.how, "stopped");
  },
};
