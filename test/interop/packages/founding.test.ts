import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Job, ProcessorJob } from "../../../src/client/index.ts";
import { PLACES, type Place } from "./place.ts";
import { validated, validatorMissing } from "./validated.ts";

const TEST = "test_processor.version_1";
const FAIL = "test_fail_processor.version_1";
const HELD = "held.version_1";
const COUNTRIES = "natural_earth_vector.countries_10m";
const WORLD = "world.version_1";

// What the founding system's tests ask (test/api of irv-autopkg), over HTTP, of processes.
for (const { name, unavailable, start } of PLACES) {
  suite(`the founding system's tests: ${name}`, { skip: unavailable }, () => {
    let place: Place;
    before(async () => {
      place = await start();
    });
    after(() => place.close());

    const get = async (path: string): Promise<[number, unknown]> => {
      const response = await fetch(new URL(path, place.url));
      return [response.status, await response.json()];
    };
    const detail = async (path: string): Promise<[number, unknown]> => {
      const [status, body] = await get(path);
      return [status, (body as { detail?: string }).detail];
    };
    const post = async (body: object): Promise<[number, { job_id?: string; detail?: string }]> => {
      const headers = { "Content-Type": "application/json" };
      const response = await fetch(new URL("v1/jobs", place.url), {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return [response.status, (await response.json()) as { job_id?: string; detail?: string }];
    };
    const ended = async (id: string): Promise<Job> => {
      let last: Job | undefined;
      for await (const job of place.client.jobWatch(id)) last = job;
      assert.equal(last?.job_group_status, "COMPLETE");
      return last;
    };
    const made = async (boundary: string, processors: readonly string[]): Promise<readonly ProcessorJob[]> =>
      (await ended(await place.client.jobSubmit(boundary, processors))).job_group_processors;
    const statesOf = (all: readonly ProcessorJob[]): readonly string[] => all.map(({ job_status }) => job_status);

    test("probes", async () => {
      assert.deepEqual(await get("v1/liveness"), [200, { status: "alive" }]);
      assert.ok(await place.client.serverLiveness());
    });

    test("boundaries: all, by long name", async () => {
      const all = await place.client.boundaryList();
      assert.ok(all.length > 200);
      assert.deepEqual(Object.keys(all[0] ?? {}), ["name", "name_long"]);
      const names = all.map(({ name_long }) => name_long);
      assert.deepEqual(names, [...names].sort(new Intl.Collator("en").compare));
    });

    test("boundaries: one, and none", async () => {
      const gambia = await place.client.boundary("gmb");
      assert.equal(gambia.name, "gmb");
      assert.equal((await place.client.boundaryGeometry("gmb")).type, "MultiPolygon");
      assert.equal(gambia.envelope.type, "Polygon");
      assert.deepEqual(await detail("v1/boundaries/noexist"), [404, "Requested boundary noexist could not be found"]);
    });

    test("boundaries: searched by name and by coordinates", async () => {
      const found = async (query: string) => {
        const [status, body] = await get(`v1/boundaries/search?${query}`);
        return [status, (body as readonly { name: string }[]).map((one) => one.name)];
      };
      assert.deepEqual(await found("name=GAMBI"), [200, ["gmb"]]);
      assert.deepEqual(await found("name=noexist"), [200, []]);
      assert.deepEqual(await found("latitude=7.9&longitude=-1.0"), [200, ["gha"]]);
      assert.deepEqual(await found("latitude=0&longitude=0"), [200, []]);
      assert.equal((await get("v1/boundaries/search"))[0], 400);
    });

    test("processors: all, one, one version, and none", async () => {
      const names = await place.client.datasetList();
      for (const processor of [TEST, FAIL, HELD, COUNTRIES, WORLD]) assert.ok(names.includes(processor), processor);
      assert.equal(((await get("v1/processors/test_processor"))[1] as { name: string }).name, "test_processor");
      const [, version] = await get("v1/processors/test_processor/version_1");
      assert.equal((version as { name: string }).name, TEST);
      assert.equal((await place.client.dataset(TEST)).name, TEST);
      assert.deepEqual(await detail("v1/processors/noexist"), [404, "no such processor: noexist"]);
      const missing = await detail("v1/processors/test_processor/noexist");
      assert.deepEqual(missing, [404, "no such processor version: test_processor.noexist"]);
    });

    test("packages: none yet", async () => {
      assert.deepEqual(await place.client.extractList(), []);
      assert.deepEqual(await detail("v1/packages/gmb"), [404, "Package gmb not found"]);
    });

    test("jobs that are not there, and jobs that cannot be", async () => {
      assert.deepEqual(await detail("v1/jobs/noexist"), [404, "Job not found: noexist"]);
      const unknown = await post({ boundary_name: "noexist", processors: [TEST] });
      assert.deepEqual([unknown[0], unknown[1].detail], [400, "Requested boundary noexist could not be found"]);
      const invalid = await post({ boundary_name: "gmb", processors: ["noexist"] });
      assert.deepEqual([invalid[0], invalid[1].detail], [400, "Invalid processor.version: noexist"]);
      const twice = await post({ boundary_name: "gmb", processors: [TEST, TEST] });
      assert.deepEqual([twice[0], twice[1].detail], [422, "duplicate processors not allowed"]);
    });

    test("a job runs to its end; others open what it made", { skip: validatorMissing() }, async () => {
      const all = await made("gmb", [TEST, COUNTRIES, WORLD]);
      assert.deepEqual(statesOf(all), ["SUCCESS", "SUCCESS", "SUCCESS"], JSON.stringify(all));
      const extract = await validated(place, "gmb");
      const versions = extract.processors.flatMap((one) => one.versions);
      assert.deepEqual(versions.map((one) => one.name).sort(), [COUNTRIES, TEST, WORLD]);
      assert.ok(versions.every(({ status }) => status === "complete"));
      assert.deepEqual(
        (await place.client.extractList()).map(({ boundary_name }) => boundary_name),
        ["gmb"],
      );
      for (const page of ["index.html", "license.html", "version.html", "provenance.json"]) {
        assert.equal((await fetch(`${extract.uri}${page}`)).status, 200, page);
      }
      assert.ok(await place.client.serverReadiness());
    });

    test("a processor that fails: FAILURE, and the others go on", async () => {
      const all = await made("tgo", [FAIL, TEST]);
      assert.deepEqual(statesOf(all), ["FAILURE", "SUCCESS"]);
      assert.equal(all[0]?.job_result?.failed, "test-fail-processor failed as expected");
    });

    test("eight identical submissions: one SUCCESS and seven SKIPPED", async () => {
      const ids = await Promise.all(Array.from({ length: 8 }, () => place.client.jobSubmit("ben", [TEST])));
      const states = (await Promise.all(ids.map(ended))).map((job) => job.job_group_processors[0]!);
      assert.deepEqual(statesOf(states).toSorted(), [...Array(7).fill("SKIPPED"), "SUCCESS"]);
      assert.equal(new Set(states.map(({ job_id }) => job_id)).size, 1);
    });

    test("a second submission during execution, and what may be seen meanwhile", async () => {
      const id = await place.client.jobSubmit("gha", [HELD, TEST]);
      const held = await place.gate.next();
      const second = await made("gha", [HELD]);
      assert.deepEqual(statesOf(second), ["SKIPPED"]);
      const job = await place.client.jobStatus(id);
      assert.equal(job.job_group_status, "PENDING");
      assert.equal(job.job_group_processors[0]?.job_id, second[0]?.job_id);
      const { resources } = (await place.client.extract("gha").catch(() => undefined))?.datapackage ?? {
        resources: [],
      };
      assert.ok(!resources.some((resource) => resource.name === "held"));
      held.release();
      assert.deepEqual(statesOf((await ended(id)).job_group_processors), ["SUCCESS", "SUCCESS"]);
    });

    test("an area without anything: a package that says so", { skip: validatorMissing() }, async () => {
      const polygon = "POLYGON ((-30 -40, -29 -40, -29 -39, -30 -39, -30 -40))";
      const id = await place.client.jobSubmit("ocean", [COUNTRIES], { polygon });
      const [job] = (await ended(id)).job_group_processors;
      assert.deepEqual([job?.job_status, job?.job_result?.isEmpty], ["SUCCESS", true]);
      const boundary = new URL(String(job?.job_result?.uri)).pathname.split("/").at(-5) ?? "";
      assert.match(boundary, /^ocean-/);
      await validated(place, boundary);
    });

    test("polygons that cross themselves and the antimeridian", { skip: validatorMissing() }, async () => {
      const bow = "POLYGON ((10 10, 20 20, 20 10, 10 20, 10 10))";
      const fiji = {
        type: "MultiPolygon" as const,
        coordinates: [
          [
            [
              [177, -20],
              [180, -20],
              [180, -15],
              [177, -15],
              [177, -20],
            ],
          ],
          [
            [
              [-180, -20],
              [-178, -20],
              [-178, -15],
              [-180, -15],
              [-180, -20],
            ],
          ],
        ],
      };
      for (const polygon of [bow, fiji]) {
        const id = await place.client.jobSubmit("odd", [WORLD, COUNTRIES], { polygon });
        const all = (await ended(id)).job_group_processors;
        assert.deepEqual(statesOf(all), ["SUCCESS", "SUCCESS"], JSON.stringify(all));
        await validated(place, new URL(String(all[0]?.job_result?.uri)).pathname.split("/").at(-5) ?? "");
      }
    });
  });
}
