import assert from "node:assert/strict";
import type { Database } from "../../../src/db/database.ts";
import type { RunDetail } from "../../../src/flows/runs.ts";
import type { Op } from "../../flows/engine/script.ts";
import { CALL, type Cases } from "./room.ts";

/** What others see of runs. */
export const LOOKING: Cases = {
  async "progress is seen from another process while it moves, and a run's never goes back"(room) {
    await room.worker({ concurrency: 1 });
    const gates = ["a", "b"].map((part) => room.label(`${part} gate`));
    const [gateA = "", gateB = ""] = gates;
    const id = await room.start([
      room.step("a", { gate: gateA }),
      { do: "get", part: "a" },
      room.step("b", { gate: gateB }),
      { do: "get", part: "b" },
    ]);
    const watched = await room.engine.runs.watch(id, CALL);
    assert.ok(watched !== undefined);
    const percents: number[] = [];
    let last: RunDetail | undefined;
    for await (const run of watched) {
      last = run;
      percents.push(run.progress.percent ?? 0);
      const [a, b] = run.parts;
      if (a?.state === "running" && a.progress.bytes === 4 && run.progress.percent === 40) {
        assert.deepEqual(a.progress, { percent: 40, text: room.label("a"), bytes: 4, totalBytes: 10 });
        assert.equal(run.progress.text, room.label("a"));
        await room.open(gateA);
      }
      if (b?.state === "running" && b.progress.bytes === 4 && (run.progress.percent ?? 0) >= 70) await room.open(gateB);
    }
    assert.equal(last?.state, "succeeded");
    assert.equal(last.progress.percent, 100);
    assert.deepEqual(
      percents,
      percents.toSorted((a, b) => a - b),
    );
    assert.ok(percents.includes(40));
  },

  async "logs and entities are kept with their try"(room) {
    await room.worker();
    const id = await room.start([room.step("noted", { failures: 1 }, "patient"), { do: "get", part: "noted" }]);
    await room.report(id);
    const label = room.label("noted");
    const { logs, used, generated } = await room.part(id, "noted");
    assert.deepEqual(
      logs.map(({ attempt, message }) => [attempt, message]),
      [1, 2].map((attempt) => [attempt, `try ${attempt} of ${label}`]),
    );
    assert.deepEqual(used[0], { id: `source of ${label}`, digest: "sha256:00" });
    assert.deepEqual(generated.at(-1), { id: `result of ${label}`, bytes: 4, mediaType: "text/plain" });
  },

  async "what a step told is kept before its end"(room) {
    await room.worker();
    const gate = room.label("gate");
    const id = await room.pool.transaction(async (tx) => {
      await tx.query("lock table flow_note in share mode");
      const started = await room.start([room.step("told", { gate }), { do: "get", part: "told" }]);
      await room.until(async () => {
        const waiting = "select 1 from pg_locks where not granted and relation = 'flow_note'::regclass";
        return (await room.pool.query(waiting)).length > 0;
      });
      await room.open(gate);
      await room.until(async () => (await room.deeds())[0]?.ended !== null);
      return started;
    });
    await room.report(id);
    assert.equal((await room.part(id, "told")).logs.length, 1);
    const [written] = await room.pool.query<{ isBefore: boolean }>(
      `select bool_and(n.xmin::text::bigint < a.xmin::text::bigint) as "isBefore"
       from flow_note n join flow_attempt a using (run, part) where run = $1`,
      [id],
    );
    assert.equal(written?.isBefore, true);
  },

  async "what steps told is not lost to whoever takes their parts in another order"(room) {
    await room.worker();
    const gate = room.label("gate");
    const parts = ["one", "two"];
    const id = await room.start([
      ...parts.map((part) => room.step(part, { gate })),
      ...parts.map((part): Op => ({ do: "get", part })),
    ]);
    await room.begun(parts.length);
    const crossing = async (tx: Database): Promise<void> => {
      const take = "select 1 from flow_part where run = $1 and part = $2 for update";
      await tx.query(take, [id, "two"]);
      const [own] = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
      const met = `select 1 from pg_stat_activity where $1 = any(pg_blocking_pids(pid))
        union all select 1 from flow_note where run = $2`;
      await room.until(async () => (await room.pool.query(met, [own?.pid, id])).length > 0);
      await tx.query(take, [id, "one"]);
    };
    await room.pool.transaction(crossing, { retries: 5 });
    await room.open(gate);
    await room.report(id);
    const told = await Promise.all(parts.map(async (part) => (await room.part(id, part)).logs.length));
    assert.deepEqual(told, [1, 1]);
  },

  async "runs are listed by flow, state and time, newest first, page by page"(room) {
    await room.worker();
    const ids = await Promise.all(["1", "2", "3"].map((name) => room.start([], `${room.name}-${name}`)));
    await Promise.all(ids.map((id) => room.report(id)));
    const seen: string[] = [];
    let from: string | undefined;
    do {
      const page = await room.engine.runs.list(
        { flow: "script", states: ["succeeded"], limit: 2, ...(from !== undefined && { from }) },
        CALL,
      );
      assert.ok(page.runs.length <= 2);
      seen.push(...page.runs.map(({ id }) => id));
      from = page.next;
    } while (from !== undefined);
    assert.deepEqual(new Set(seen.slice(0, 3)), new Set(ids));
    assert.equal(new Set(seen).size, seen.length);
    const none = await room.engine.runs.list({ before: new Date(0) }, CALL);
    assert.deepEqual(none.runs, []);
    assert.ok(!seen.some((id) => id.endsWith("/child")));
  },

  async "workers are known while they live, with their queues"(room) {
    // Killed workers of other tests are known for a while: this one is told by a queue of its own.
    const queue = room.label("queue");
    const worker = await room.worker({ listen: [queue] });
    const known = async (): Promise<number> =>
      (await room.engine.runs.workers(CALL)).filter(({ queues }) => queues.join() === queue).length;
    await room.until(async () => (await known()) === 1);
    await worker.signal("SIGTERM");
    assert.equal(await known(), 0);
  },
};
