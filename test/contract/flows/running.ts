import assert from "node:assert/strict";
import { type GyreError, isGyreError } from "../../../src/errors.ts";
import type { Act, Op, Script } from "../../flows/engine/script.ts";
import { CALL, type Cases } from "./room.ts";

/** What flows do. */
export const RUNNING: Cases = {
  async "a chord runs on with a failing member, and its end sees each result or error"(room) {
    await room.worker();
    const members = ["a", "b", "c"];
    const id = await room.start([
      ...members.map((part) => room.step(part, part === "b" ? { failures: 9, tag: "NotFound" } : {})),
      ...members.map((part): Op => ({ do: "settle", part })),
      room.step("finalise"),
      { do: "get", part: "finalise" },
    ]);
    const { parts } = await room.report(id);
    assert.deepEqual(parts, {
      a: { ok: true, value: room.label("a") },
      b: { ok: false, isCancelled: false, error: { tag: "NotFound", message: `${room.label("b")} fails` } },
      c: { ok: true, value: room.label("c") },
      finalise: { ok: true, value: room.label("finalise") },
    });
    const run = await room.get(id);
    assert.equal(run.state, "succeeded");
    assert.equal(run.who, "ada");
    assert.deepEqual(
      run.parts.map(({ part, state }) => [part, state]),
      [
        ["a", "succeeded"],
        ["b", "failed"],
        ["c", "succeeded"],
        ["finalise", "succeeded"],
      ],
    );
    assert.ok((await room.deeds()).every(({ subject }) => subject === "ada"));
  },

  async "a chain whose process is killed is finished by another, and what was done is not done again"(room) {
    const first = await room.worker();
    const id = await room.start([
      room.step("one"),
      { do: "get", part: "one" },
      room.step("two", { kill: true, gate: room.label("gate") }),
      { do: "get", part: "two" },
      room.step("three"),
      { do: "get", part: "three" },
    ]);
    await room.begun(2);
    await room.worker();
    await room.open(room.label("gate"));
    await first.gone();
    await room.report(id);
    const deeds = await room.deeds();
    assert.deepEqual(
      deeds.map(({ label, attempt, how }) => [label, attempt, how]),
      [
        [room.label("one"), 1, "ended"],
        [room.label("two"), 1, null],
        [room.label("two"), 2, "ended"],
        [room.label("three"), 1, "ended"],
      ],
    );
    const [lost, second] = (await room.part(id, "two")).attempts;
    assert.deepEqual([lost?.state, second?.state], ["failed", "succeeded"]);
    assert.match(lost?.error?.message ?? "", /lost/);
    assert.notEqual(lost?.worker, second?.worker);
  },

  async "a child that is named is shared: its result, and its failure"(room) {
    await room.worker();
    for (const failures of [0, 1]) {
      const shared = room.label(`shared${failures}`);
      const gate = `${shared} gate`;
      const ops: Op[] = [
        {
          do: "child",
          part: "unit",
          id: shared,
          ops: [room.step(`unit${failures}`, { failures, gate }), { do: "get", part: `unit${failures}` }],
        },
        { do: "settle", part: "unit" },
      ];
      const ids = await Promise.all(["a", "b", "c"].map((name) => room.start(ops, `${shared} ${name}`)));
      await room.until(async () => {
        const runs = await Promise.all(ids.map((id) => room.get(id)));
        return runs.every(({ parts }) => parts.length === 1);
      });
      await room.open(gate);
      const reports = await Promise.all(ids.map((id) => room.report(id)));
      assert.deepEqual(reports.map(({ isNew }) => isNew.unit).toSorted(), [false, false, true]);
      for (const { parts } of reports) {
        const { unit } = parts;
        assert.ok(unit !== undefined && unit.ok === (failures === 0));
        if (!unit.ok) assert.match(unit.error.message, /fails/);
      }
      assert.equal((await room.deeds(`unit${failures}`)).length, 1);
      const { runs } = await room.engine.runs.list({ children: true }, CALL);
      assert.equal(runs.find(({ id }) => id === shared)?.parent !== undefined, true);
    }
  },

  async "sleeping goes on after a crash"(room) {
    const first = await room.worker();
    const id = await room.start([
      room.step("before"),
      { do: "get", part: "before" },
      { do: "sleep", ms: 1_000 },
      room.step("after"),
      { do: "get", part: "after" },
    ]);
    // Known to have ended, or it would be done again.
    await room.until(async () => (await room.get(id)).parts[0]?.state === "succeeded");
    await first.signal("SIGKILL");
    await room.worker();
    await room.report(id);
    assert.equal((await room.deeds()).length, 2);
  },

  async "input and output are checked; faults of input have pointers"(room) {
    await assert.rejects(
      room.engine.runs.start(room.flow, JSON.parse('{"ops": [{"do": "sleep"}, 7]}') as Script, CALL),
      (error: GyreError) => {
        assert.ok(isGyreError(error, "Invalid"));
        assert.deepEqual(
          error.details.faults?.map(({ pointer }) => pointer),
          ["/ops/1"],
        );
        return true;
      },
    );
    await room.worker();
    const id = await room.start([room.step("bad", JSON.parse('{"key": 7}') as Act), { do: "get", part: "bad" }]);
    const settled = await room.settled(id);
    assert.ok(!settled.ok);
    assert.equal(settled.error.tag, "Invalid");
    assert.equal((await room.deeds()).length, 0);
  },

  async "calls side by side in a flow are refused"(room) {
    await room.worker();
    const id = await room.start([{ do: "both", acts: [{ label: room.label("x") }, { label: room.label("y") }] }]);
    const settled = await room.settled(id);
    assert.ok(!settled.ok);
    assert.match(settled.error.message, /awaits each call before the next/);
  },

  async "the same id is the same run, also at once and after its end"(room) {
    await room.worker();
    const input = { ops: [room.step("once")] };
    const start = () => room.engine.runs.start(room.flow, input, CALL, { id: room.name });
    const started = await Promise.all(Array.from({ length: 8 }, start));
    assert.deepEqual(started.map(({ isNew }) => isNew).toSorted(), [...Array<boolean>(7).fill(false), true]);
    await room.report(room.name);
    assert.deepEqual(await start(), { id: room.name, isNew: false });
  },

  async "what no database keeps does not stop a step: NUL, half characters, amounts beyond all measure"(room) {
    await room.worker();
    const label = `${room.name}-\0\ud800`;
    const id = await room.start([
      room.step("odd", { label, key: "k\0", result: { "n\0": [label, 1e300] } }, "limited"),
      room.step("bad", { label, failures: 1 }),
      { do: "settle", part: "odd" },
      { do: "settle", part: "bad" },
    ]);
    const { odd, bad } = (await room.report(id)).parts;
    const kept = `${room.name}-\ufffd\ufffd`;
    assert.deepEqual(odd, { ok: true, value: { "n\ufffd": [kept, 1e300] } });
    assert.ok(bad !== undefined && !bad.ok);
    assert.equal(bad.error.message, `${kept} fails`);
    assert.equal((await room.part(id, "odd")).logs[0]?.message, `try 1 of ${kept}`);
  },

  async "an estimate is made of checked input"(room) {
    const estimate = await room.engine.runs.estimate(room.flow, { ops: [{ do: "sleep", ms: 1 }] }, CALL);
    assert.deepEqual(estimate, { seconds: 1, notes: ["ada"] });
  },

  async "pending work is known without the engine"(room) {
    const id = await room.start([]);
    assert.equal(await room.engine.hasPending(), true);
    await room.worker();
    await room.report(id);
  },
};
