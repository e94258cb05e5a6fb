import assert from "node:assert/strict";
import { test } from "node:test";
import { type JobState, jobOf } from "../../../src/flows/jobs/job.ts";
import type { Attempt, Part, RunDetail, RunState } from "../../../src/flows/runs.ts";
import { CALL } from "./setting.ts";

const NOW = new Date(0);
const NAME = "one.version_1";

function part(id: string, fields: Partial<Part>): Part {
  const rest = { progress: {}, attempts: [], logs: [], used: [], generated: [] };
  return { id, name: "", part: id, flow: false, state: "running", ...rest, ...fields };
}

function run(id: string, state: RunState, parts: readonly Part[]): RunDetail {
  const input = { boundary: { name: "here" }, processors: [NAME] };
  return { id, flow: "package", state, progress: {}, who: "", input, created: NOW, parts };
}

/** The state of a processor whose dataset has this step, in a job that goes on. */
async function stateOf(generate: Partial<Part> | undefined): Promise<{ state: JobState; percent: number; id: string }> {
  const steps = generate === undefined ? [] : [part("generate", generate)];
  const runs = new Map([
    ["job/one", run("job/one", "running", [part("look", { state: "succeeded" }), part("unit-1", { flow: true })])],
    ["unit-1", run("unit-1", "running", steps)],
  ]);
  const job = run("job", "running", [part("job/one", { flow: true, part: NAME })]);
  const shown = await jobOf(job, { get: async (id) => runs.get(id) }, CALL);
  const [one] = shown.job_group_processors;
  assert.ok(one);
  return { state: one.job_status, percent: shown.job_group_percent_complete, id: one.job_id };
}

const failed: Attempt = { number: 1, state: "failed", queued: NOW };

test("a processor waits, works, and waits again after it failed", async () => {
  const id = "unit-1";
  assert.deepEqual(await stateOf(undefined), { state: "PENDING", percent: 0, id });
  assert.deepEqual(await stateOf({ state: "queued" }), { state: "PENDING", percent: 0, id });
  const working = { state: "running", progress: { percent: 55.5 } } as const;
  assert.deepEqual(await stateOf(working), { state: "EXECUTING", percent: 55, id });
  const again = { state: "queued", attempts: [failed], progress: { percent: 20 } } as const;
  assert.deepEqual(await stateOf(again), { state: "RETRY", percent: 20, id });
  const second = { state: "running", attempts: [failed], progress: { percent: 100 } } as const;
  assert.deepEqual(await stateOf(second), { state: "EXECUTING", percent: 99, id });
});

test("what had not begun when a job ended is told as the job ended", async () => {
  for (const [state, expected] of [
    ["queued", "PENDING"],
    ["failed", "FAILURE"],
    ["cancelled", "REVOKED"],
  ] as const) {
    const job = await jobOf(run("job", state, []), { get: async () => undefined }, CALL);
    assert.equal(job.job_group_processors[0]?.job_status, expected);
    assert.equal(job.job_group_status, state === "queued" ? "PENDING" : "COMPLETE");
  }
});
