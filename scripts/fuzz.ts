import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fuzz } from "../test/fuzz/campaign.ts";
import type { Regression } from "../test/fuzz/cases.ts";
import { targetOf, targets } from "../test/fuzz/targets.ts";

// `npm run fuzz [seconds] [--seed N] [--only name] [--case N] [--save]`: damaged inputs for every parser. `--case` runs
// one case of a seed again, `--save` keeps what fails in test/fuzz/regressions.
const { values, positionals } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    only: { type: "string", multiple: true },
    case: { type: "string" },
    save: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const chosen = values.only === undefined ? targets : values.only.map(targetOf);
const time = (Number(positionals[0] ?? 60) * 1000) / chosen.length;
const range = values.case === undefined ? { cases: Number.MAX_SAFE_INTEGER } : { first: Number(values.case), cases: 1 };

console.log(`seed ${seed}`);
let count = 0;
for (const target of chosen) {
  const { runs, found } = await fuzz(target, { seed, time, ...range });
  console.log(`${target.name.padEnd(10)} ${String(runs).padStart(8)} cases, ${found.length} failures`);
  for (const { n, was, base, patches, stack } of found) {
    count++;
    console.log(`\n  ${was}\n  ${base}: ${JSON.stringify(patches).slice(0, 600)}`);
    console.log(`${stack.split("\n").slice(1, 7).join("\n")}`);
    console.log(`  again: npm run fuzz -- --only ${target.name} --seed ${seed} --case ${n}\n`);
    if (values.save) keep({ target: target.name, base, patches, was }, `${target.name}-${seed}-${n}`);
  }
}
process.exitCode = count === 0 ? 0 : 1;

function keep(regression: Regression, name: string): void {
  const folder = new URL("../test/fuzz/regressions/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(regression, null, 2)}\n`);
}
