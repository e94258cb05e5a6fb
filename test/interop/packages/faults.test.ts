import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ClientError, type Job } from "../../../src/client/index.ts";
import { PLACES, type Place } from "./place.ts";
import { validated, validatorMissing } from "./validated.ts";

const TEST = "test_processor.version_1";
const HELD = "held.version_1";
const COUNTRIES = "natural_earth_vector.countries_10m";
const WORLD = "world.version_1";
const LARGE = PLACES[1]!;

/** Requests to the store in whose middle workers are killed: what each step writes. */
const MOMENTS = [
  ["set up", "tgo", /^PUT .*\/tgo\/datapackage\.json/],
  ["uploading", "ben", /^PUT .*\/ben\/datasets\/.*\/data\//],
  ["written down", "gha", /^PUT .*\/gha\/provenance\.json/],
] as const;

suite("packages and faults", { skip: LARGE.unavailable ?? validatorMissing() }, () => {
  let place: Place;
  before(async () => {
    place = await LARGE.start();
  });
  after(() => place.close());

  const ended = async (id: string): Promise<Job> => {
    let last: Job | undefined;
    for await (const job of place.client.jobWatch(id)) last = job;
    assert.equal(last?.job_group_status, "COMPLETE");
    return last;
  };
  const statesOf = (job: Job): readonly string[] => job.job_group_processors.map(({ job_status }) => job_status);

  /** Nothing, or a package that is whole: files, digests, descriptor. */
  async function assertNoHalf(boundary: string): Promise<void> {
    try {
      await validated(place, boundary);
    } catch (error) {
      if (!(error instanceof ClientError) || error.status !== 404) throw error;
    }
  }

  test("a worker that is killed in the middle of its work: another one makes it, and nothing is seen before", async () => {
    const id = await place.client.jobSubmit("gmb", [HELD, TEST]);
    const first = await place.gate.next();
    await assertNoHalf("gmb");
    process.kill(first.pid, "SIGKILL");
    const second = await place.gate.next();
    assert.notEqual(second.pid, first.pid);
    await assertNoHalf("gmb");
    second.release();
    assert.deepEqual(statesOf(await ended(id)), ["SUCCESS", "SUCCESS"]);
    const { resources } = (await validated(place, "gmb")).datapackage;
    assert.equal(resources.find(({ name }) => name === "held")?.bytes, "whole\n".length);
    await place.addWorker();
  });

  for (const [step, boundary, request] of MOMENTS) {
    test(`all workers are killed while a package is ${step}: others finish it`, async () => {
      const held = place.toll?.hold(request);
      const id = await place.client.jobSubmit(boundary, [TEST]);
      await held;
      await place.killWorkers();
      await assertNoHalf(boundary);
      await Promise.all([place.addWorker(), place.addWorker()]);
      assert.deepEqual(statesOf(await ended(id)), ["SUCCESS"]);
      await validated(place, boundary);
    });
  }

  test("no lock outlives its holder: what was killed can be asked for again", async () => {
    for (const [, boundary] of MOMENTS) {
      assert.deepEqual(statesOf(await ended(await place.client.jobSubmit(boundary, [TEST]))), ["SKIPPED"]);
    }
  });

  test("a store that fails every tenth request", async () => {
    const { toll } = place;
    assert.ok(toll);
    toll.failEvery = 10;
    try {
      const ids = await Promise.all(
        ["sen", "gnb"].map((boundary) => place.client.jobSubmit(boundary, [TEST, COUNTRIES, WORLD])),
      );
      for (const id of ids) {
        const job = await ended(id);
        assert.deepEqual(statesOf(job), ["SUCCESS", "SUCCESS", "SUCCESS"], JSON.stringify(job));
      }
    } finally {
      toll.failEvery = 0;
    }
    assert.ok(toll.failed > 0);
    for (const boundary of ["sen", "gnb"]) await validated(place, boundary);
  });
});
