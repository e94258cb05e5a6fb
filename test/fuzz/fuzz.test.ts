import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isGyreError } from "../../src/errors.ts";
import { isFixture } from "./bases.ts";
import { fuzz } from "./campaign.ts";
import { failureOf, patched, type Regression } from "./cases.ts";
import { targetOf, targets } from "./targets.ts";

// The same cases on every machine: `npm run fuzz` goes on from here with other seeds. GYRE_FUZZ=n runs n times as many.
const SEED = 20_260;
const TIMES = Number(process.env.GYRE_FUZZ ?? 1);
/** Targets that take a line of text are a hundred times as fast as those that take files. */
const TEXTS: ReadonlySet<string> = new Set(["config", "drs", "registry", "s3-xml", "time", "view", "wkt", "zarr-key"]);
/** So that a machine under load ends, too. */
const LONGEST = 180_000;

for (const target of targets) {
  test(`damaged inputs for ${target.name}`, async (context) => {
    const cases = (TEXTS.has(target.name) ? 3000 : 250) * TIMES;
    const { runs, found } = await fuzz(target, { seed: SEED, cases, time: LONGEST });
    context.diagnostic(`${runs} cases of seed ${SEED}`);
    assert.ok(runs > 0);
    const again = found.map(
      ({ n, was, stack }) => `--only ${target.name} --seed ${SEED} --case ${n}: ${was}\n${stack}`,
    );
    assert.deepEqual(again, []);
  });
}

test("what the damaged inputs are made of is read without complaint", async () => {
  for (const target of targets) {
    const complaints: string[] = [];
    for (const { name, input } of target.bases().filter(isFixture)) {
      await target.run(input).catch((error: unknown) => {
        if (!isGyreError(error, "Unsupported", "NotFound")) complaints.push(`${name}: ${error}`);
      });
    }
    assert.deepEqual(complaints, [], target.name);
  }
});

for (const [name, was, longest = 20_000] of [
  ["throws", /^TypeError: x is undefined/],
  ["nameless", /^names no source/],
  ["hangs", /^did not end within/, 1500],
  ["allocates", /^left \d+ bytes of typed arrays behind/],
  ["grows", /^took \d+ bytes of memory|^ended the process|^left/],
  ["strays", /^not awaited/],
] as const) {
  test(`a parser that ${name} is found out`, async () => {
    const options = { seed: 1, cases: 1, time: 60_000, longest };
    const { found } = await fuzz(targetOf(`trap-${name}`), options);
    assert.match(found[0]?.was ?? "nothing was found", was);
  });
}

test("a parser that refuses is as it should be", async () => {
  const { runs, found } = await fuzz(targetOf("trap-refuses"), { seed: 1, cases: 5, time: 60_000 });
  assert.deepEqual({ runs, found }, { runs: 5, found: [] });
});

for (const file of globSync(new URL("regressions/*.json", import.meta.url).pathname).sort()) {
  const { target: name, base, patches, was } = JSON.parse(readFileSync(file, "utf8")) as Regression;
  test(`stays mended: ${name}: ${was}`, async () => {
    const target = targetOf(name);
    const found = target.bases().find((b) => b.name === base);
    assert.ok(found, `there is no base ${base}`);
    assert.equal(await failureOf(target, patched(found.input, patches)), undefined);
  });
}
