import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Job } from "../../../src/client/index.ts";
import { gyre, type Ran } from "../../cli/run.ts";
import { PLACES, type Place } from "./place.ts";

const TEST = "test_processor.version_1";
const FAIL = "test_fail_processor.version_1";

suite("gyre package", () => {
  let place: Place;
  before(async () => {
    place = (await PLACES[0]?.start()) as Place;
  });
  after(() => place.close());

  const run = (...argv: readonly string[]): Promise<Ran> =>
    gyre(place.folder, ["package", ...argv, "--node", place.url]);

  test("tells the job, or stays until all is done", async () => {
    const started = await run("gmb", TEST);
    assert.deepEqual([started.code, started.err], [0, ""]);
    assert.match(started.out, /^[0-9a-f-]{36}\n$/);
    const watched = await run("tgo", TEST, "--watch");
    assert.equal(watched.code, 0, watched.err);
    assert.equal(watched.out, `${TEST} SUCCESS ${place.url}packages/tgo/datasets/test_processor/version_1/\n`);
    const again = await run("tgo", TEST, "--watch");
    assert.deepEqual(again.code, 0);
    assert.match(again.out, /^test_processor\.version_1 SKIPPED the package has it: test_processor\.version_1-/);
  });

  test("ends with 1 where something could not be made, with 2 where it is called wrongly", async () => {
    const failed = await run("ben", FAIL, TEST, "--watch");
    assert.equal(failed.code, 1);
    assert.match(
      failed.out,
      /^test_fail_processor\.version_1 FAILURE test-fail-processor failed as expected\n.* SUCCESS /,
    );
    const refused = await run("nowhere", TEST);
    assert.deepEqual([refused.code, refused.err], [1, "gyre package: Requested boundary nowhere could not be found\n"]);
    for (const argv of [[], ["gmb"], ["redescribe"], ["redescribe", "gmb", "--all"], ["--boundaries", "all"]]) {
      assert.equal((await run(...argv)).code, 2, argv.join(" "));
    }
    assert.equal((await gyre(place.folder, ["package", "gmb", TEST, "--node", "http://127.0.0.1:1/"])).code, 1);
  });

  test("estimates, and takes own polygons of files", async () => {
    const estimate = await run("gmb", TEST, "--estimate");
    assert.equal(estimate.out, "reads 0 bytes, writes 20 bytes\ntakes about 0 s\n");
    await writeFile(join(place.folder, "mine.wkt"), "POLYGON ((1 1, 2 1, 2 2, 1 2, 1 1))\n");
    const made = await run("mine", TEST, "--polygon", "mine.wkt", "--watch", "--json");
    assert.equal(made.code, 0, made.err);
    const lines = made.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Job);
    assert.match(String(lines.at(-1)?.job_group_processors[0]?.job_result?.uri), /\/packages\/mine-[0-9a-f]{12}\//);
  });

  test("makes packages of many boundaries as one run, and describes packages anew", async () => {
    await writeFile(join(place.folder, "some.txt"), "gha # Ghana\n\nsen\n");
    const made = await run("--boundaries", "some.txt", TEST, "--watch");
    assert.equal(made.code, 0, made.err);
    assert.deepEqual(JSON.parse(made.out), { packages: 2, made: 2, skipped: 0, failed: 0, failures: [] });
    const described = await run("redescribe", "gha", "sen", "--watch");
    assert.equal(described.code, 0, described.err);
    assert.deepEqual(JSON.parse(described.out), { described: 2, failures: [] });
    assert.equal((await run("redescribe", "nowhere", "--watch")).code, 1);
  });
});
