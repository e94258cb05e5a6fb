import assert from "node:assert/strict";
import { after, before, beforeEach, suite, test } from "node:test";
import { GyreError } from "../../../src/errors.ts";
import { type Job, jobOf } from "../../../src/flows/jobs/job.ts";
import { processorName } from "../../../src/flows/processors/processor.ts";
import type { Runs } from "../../../src/flows/runs.ts";
import { CALL, type Setting, startSetting, type TestProcessor, testProcessor } from "./setting.ts";

const one = testProcessor("one");
const two = testProcessor("two");
const three = testProcessor("three", "idf");
const all = [one, two, three];
const MANY = Array.from({ length: 12 }, (_, i) => `many${i}`);

let setting: Setting;
let runs: Runs;
let places = 0;
/** Of the test that runs: packages of other tests are others. */
let here = "";

async function submit(processors: readonly TestProcessor[], boundary = here): Promise<string> {
  const names = processors.map(({ metadata }) => processorName(metadata));
  return (await runs.start(setting.flows.package, { boundary: { name: boundary }, processors: names }, CALL)).id;
}

async function jobNow(id: string): Promise<Job> {
  const run = await runs.get(id, CALL);
  assert.ok(run);
  return jobOf(run, runs, CALL);
}

/** The job when its run has ended. */
async function ended(id: string): Promise<Job> {
  const settled = await runs.settled(id, CALL);
  assert.ok(settled?.ok, JSON.stringify(settled));
  return jobNow(id);
}

async function packaged(boundary = here): Promise<string[]> {
  return (await setting.store.datasets(boundary)).map(({ dataset }) => dataset).sort();
}

function states(job: Job): Record<string, string> {
  return Object.fromEntries(job.job_group_processors.map((one) => [one.processor_name.split(".")[0], one.job_status]));
}

/** A processor that tells when it has begun, and then waits until it may go on. */
function holding(processor: TestProcessor) {
  const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  processor.work = async (_, context) => {
    context.progress({ percent: 40, text: "Cutting" });
    begun.resolve();
    await go.promise;
  };
  return { begun: begun.promise, go: () => go.resolve() };
}

/** Entries of `provenance.json`, the first one first. */
async function provenance(): Promise<readonly string[]> {
  const file = await setting.store.file(here, "provenance.json");
  assert.ok(file);
  const entries = (await new Response(file.read({ offset: 0 })).json()) as object;
  return Object.values(entries).map((entry) => JSON.stringify(entry));
}

suite("the flow of packages", () => {
  before(async () => {
    const boundaries = [...Array.from({ length: 40 }, (_, i) => `place${i}`), ...MANY];
    setting = await startSetting({ processors: all, boundaries });
    runs = setting.engine.runs;
  });
  after(() => setting.close());
  beforeEach(() => {
    here = `place${places++}`;
    for (const processor of all) {
      Object.assign(processor, { generated: 0, source: "1", work: async () => undefined });
    }
  });

  test("a job makes what is asked for, and says where it is", async () => {
    const job = await ended(await submit([one, two]));
    assert.equal(job.job_group_status, "COMPLETE");
    assert.equal(job.job_group_percent_complete, 100);
    assert.deepEqual(states(job), { one: "SUCCESS", two: "SUCCESS" });
    const [first] = job.job_group_processors;
    assert.equal(first?.job_result?.uri, setting.store.url(here, "datasets/one/version_1/").href);
    assert.deepEqual(await packaged(), ["one", "two"]);
    const recipe = await setting.store.file(here, "recipe.json");
    assert.ok(recipe);
    const { datasets } = (await new Response(recipe.read({ offset: 0 })).json()) as {
      readonly datasets: readonly { readonly options: unknown }[];
    };
    assert.deepEqual(
      datasets.map(({ options }) => options),
      [{ cut: "one" }, { cut: "two" }],
    );
  });

  test("eight identical submissions at once: one SUCCESS and seven SKIPPED, which name the run they found", async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => submit([one])));
    assert.equal(new Set(ids).size, 8);
    const jobs = (await Promise.all(ids.map(ended))).map((job) => job.job_group_processors[0]!);
    const success = jobs.filter(({ job_status }) => job_status === "SUCCESS");
    const skipped = jobs.filter(({ job_status }) => job_status === "SKIPPED");
    assert.deepEqual([success.length, skipped.length, one.generated], [1, 7, 1]);
    const run = success[0]!.job_id;
    for (const { job_id, job_result } of skipped) {
      assert.equal(job_id, run);
      assert.ok(String(job_result?.skipped).endsWith(run));
    }
    assert.equal((await runs.get(run, CALL))?.state, "succeeded");
  });

  test("a second submission during execution is skipped at once and names the run that goes on", async () => {
    const held = holding(one);
    const first = await submit([one, two]);
    await held.begun;
    const second = await ended(await submit([one]));
    assert.deepEqual(states(second), { one: "SKIPPED" });
    const found = second.job_group_processors[0]?.job_id ?? "";
    assert.equal((await runs.get(found, CALL))?.state, "running");
    held.go();
    assert.deepEqual(states(await ended(first)), { one: "SUCCESS", two: "SUCCESS" });
  });

  test("progress moves with the work, and the group's with it", async () => {
    const held = holding(one);
    const id = await submit([one]);
    const seen: Job[] = [];
    for await (const run of (await runs.watch(id, CALL)) ?? []) {
      seen.push(await jobOf(run, runs, CALL));
      if (seen.at(-1)?.job_group_processors[0]?.job_progress?.percent_complete === 40) held.go();
    }
    const executing = seen.find((job) => job.job_group_processors[0]?.job_progress?.percent_complete === 40);
    assert.equal(executing?.job_group_processors[0]?.job_status, "EXECUTING");
    assert.equal(executing?.job_group_processors[0]?.job_progress?.current_task, "Cutting");
    assert.equal(executing?.job_group_percent_complete, 40);
    assert.equal(executing?.job_group_status, "PENDING");
    assert.equal(seen.at(-1)?.job_group_status, "COMPLETE");
  });

  test("one that fails stops neither the others nor the finalisation; a later job runs it again", async () => {
    one.work = async () => {
      throw new GyreError("Unsupported", "this is broken");
    };
    const first = await ended(await submit([one, two]));
    assert.deepEqual(states(first), { one: "FAILURE", two: "SUCCESS" });
    assert.equal(first.job_group_processors[0]?.job_result?.failed, "this is broken");
    assert.match((await provenance()).join(), /boundary_processor.*two\.version_1.*provenance_processor/);
    one.work = async () => undefined;
    const second = await ended(await submit([one, two]));
    assert.deepEqual(states(second), { one: "SUCCESS", two: "SKIPPED" });
    assert.equal(second.job_group_processors[1]?.job_id, first.job_group_processors[1]?.job_id);
  });

  test("what fails for a while is tried again", async () => {
    one.work = async () => {
      if (one.generated === 1) throw new GyreError("Busy", "not now");
    };
    assert.deepEqual(states(await ended(await submit([one]))), { one: "SUCCESS" });
    assert.equal(one.generated, 2);
  });

  test("another state of the source runs and replaces; the same is skipped", async () => {
    await ended(await submit([one]));
    one.source = "2";
    const changed = (await ended(await submit([one]))).job_group_processors[0];
    assert.deepEqual([changed?.job_status, changed?.job_result?.replaced], ["SUCCESS", true]);
    assert.deepEqual(states(await ended(await submit([one]))), { one: "SKIPPED" });
    one.source = "1";
    assert.deepEqual(states(await ended(await submit([one]))), { one: "SUCCESS" });
    assert.equal(one.generated, 3);
    assert.equal((await setting.store.datasets(here))[0]?.sourceDigest, "version:1");
  });

  test("a source that changes while it is read is read again", async () => {
    one.work = async () => {
      if (one.generated === 1) one.source = "2";
    };
    assert.deepEqual(states(await ended(await submit([one]))), { one: "SUCCESS" });
    assert.equal(one.generated, 2);
    assert.equal((await setting.store.datasets(here))[0]?.sourceDigest, "version:2");
  });

  test("a source that never stays the same fails, and nothing of it is in the package", async () => {
    one.work = async () => {
      one.source += "+";
    };
    const job = await ended(await submit([one]));
    assert.deepEqual(states(job), { one: "FAILURE" });
    assert.match(String(job.job_group_processors[0]?.job_result?.failed), /changed while it was read/);
    assert.deepEqual(await packaged(), []);
  });

  test("a job that is cancelled stops its work: REVOKED; a later one makes it", async () => {
    const begun = Promise.withResolvers<void>();
    one.work = async (_, { signal }) => {
      if (one.generated > 1) return;
      begun.resolve();
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const id = await submit([one]);
    await begun.promise;
    await runs.cancel(id, CALL);
    const job = await jobNow(id);
    assert.deepEqual([job.job_group_status, states(job)], ["COMPLETE", { one: "REVOKED" }]);
    assert.deepEqual(await packaged(), []);
    assert.deepEqual(states(await ended(await submit([one]))), { one: "SUCCESS" });
  });

  test("a unit of work that is cancelled alone is REVOKED, and the job ends", async () => {
    const held = holding(one);
    const id = await submit([one, two]);
    await held.begun;
    const [executing] = (await jobNow(id)).job_group_processors;
    await runs.cancel(executing?.job_id ?? "", CALL);
    held.go();
    assert.deepEqual(states(await ended(id)), { one: "REVOKED", two: "SUCCESS" });
  });

  test("two packages of one boundary and two boundaries at once", async () => {
    const there = `place${places++}`;
    const ids = [await submit([one, two]), await submit([two, three]), await submit([one, three], there)];
    const [first, second, other] = await Promise.all(ids.map(ended));
    assert.deepEqual([first, second].map((job) => states(job!).two).sort(), ["SKIPPED", "SUCCESS"]);
    assert.deepEqual(states(other!), { one: "SUCCESS", three: "SUCCESS" });
    assert.deepEqual(await packaged(), ["one", "three", "two"]);
    assert.deepEqual(await packaged(there), ["one", "three"]);
  });

  test("a processor works in the queue that it names", async () => {
    const job = await ended(await submit([one, three]));
    const queues = job.job_group_processors.map(async ({ job_id }) => (await runs.get(job_id, CALL))?.parts[0]?.queue);
    assert.deepEqual(await Promise.all(queues), ["core", "idf"]);
  });

  test("packages of many boundaries are one run; failures are told", async () => {
    two.work = async ({ boundary }) => {
      if (boundary.name === "many7") throw new GyreError("Unsupported", "not there");
    };
    const packages = async (boundaries: readonly string[]) => {
      const input = { boundaries: [...boundaries], processors: ["one.version_1", "two.version_1"] };
      return runs.settled((await runs.start(setting.flows.packages, input, CALL)).id, CALL);
    };
    const failures = ["many7: two.version_1: not there"];
    const value = { packages: 12, made: 23, skipped: 0, failed: 1, failures };
    assert.deepEqual(await packages(MANY), { ok: true, value });
    const again = { packages: 2, made: 0, skipped: 3, failed: 1, failures };
    assert.deepEqual(await packages(["many1", "many1", "many7"]), { ok: true, value: again });
  });

  test("packages are described anew from their files", async () => {
    await ended(await submit([one]));
    const input = { packages: [here, "nowhere"] };
    const { id } = await runs.start(setting.flows.redescribe, input, CALL);
    const failures = ["nowhere: Package nowhere not found"];
    assert.deepEqual(await runs.settled(id, CALL), { ok: true, value: { described: 1, failures } });
    assert.deepEqual(await packaged(), ["one"]);
  });

  test("a job for what is not here fails before anything is made", async () => {
    const id = await submit([one], "nowhere");
    assert.equal((await runs.settled(id, CALL))?.ok, false);
    const job = await jobNow(id);
    assert.deepEqual([job.job_group_status, states(job)], ["COMPLETE", { one: "FAILURE" }]);
    assert.equal(job.job_group_processors[0]?.job_result?.failed, "Requested boundary nowhere could not be found");
    assert.deepEqual(await packaged("nowhere"), []);
  });

  test("an own polygon cannot take the package of a boundary of this node", async () => {
    const ring = [
      [1, 1],
      [2, 1],
      [2, 2],
      [1, 2],
      [1, 1],
    ];
    const boundary = { name: here, geometry: { type: "Polygon" as const, coordinates: [ring] } };
    const { id } = await runs.start(setting.flows.package, { boundary, processors: ["one.version_1"] }, CALL);
    const end = await runs.settled(id, CALL);
    assert.ok(end?.ok === false && /need names of their own/.test(end.error.message));
    assert.deepEqual(await packaged(), []);
  });

  test("an estimate is the sum of what processors tell", async () => {
    const input = { boundary: { name: here }, processors: ["one.version_1", "two.version_1"] };
    const estimate = await runs.estimate(setting.flows.package, input, CALL);
    assert.deepEqual(estimate, { readBytes: 20, writeBytes: 10, seconds: 2 });
  });
});
