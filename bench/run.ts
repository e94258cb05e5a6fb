import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import type { Bench, Row } from "./bench.ts";
import { lineOf, type Outcome, type Result, writeReport } from "./report.ts";

// `npm run bench [name...]`: compares answers, then alternates ours and the peer, and prints the ratio of medians.
// `npm run bench -- --report [name...]` writes the figures into docs/benchmarks.md as well; `--rounds N`: default 5.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: "boolean" }, rounds: { type: "string", default: "5" } },
});
const ROUNDS = Number(values.rounds);

async function measure(row: Row): Promise<Outcome> {
  const { name, unit, kind, peer, limit, rounds = ROUNDS } = row;
  const about = { row: name, unit, kind, ...(limit === undefined ? {} : { limit }) };
  const ours: number[] = [];
  if (peer === undefined || "missing" in peer) {
    for (let i = 0; i < rounds; i++) ours.push(await row.ours());
    return { ...about, ours, ...(peer === undefined ? {} : { peer }) };
  }
  await peer.same();
  // Nobody is measured cold: caches fill, machine code is made, and threads start in a round that does not count.
  await row.ours();
  await peer.measure();
  const theirs: number[] = [];
  for (let i = 0; i < rounds; i++) {
    ours.push(await row.ours());
    theirs.push(await peer.measure());
  }
  return { ...about, ours, peer: { name: peer.name, floor: peer.floor, goal: peer.goal, samples: theirs } };
}

async function run(name: string): Promise<Result> {
  const { bench } = (await import(`./${name}.bench.ts`)) as { bench: Bench };
  const load = Number(loadavg()[0]!.toFixed(1));
  console.log(`\n${name}: ${bench.summary} (load of the machine before: ${load})`);
  const outcomes: Outcome[] = [];
  const { rows, close } = await bench.prepare((line) => console.log(`  ${line}`));
  try {
    for (const row of rows) {
      const outcome = await measure(row);
      outcomes.push(outcome);
      console.log(`  ${lineOf(outcome)}`);
    }
  } finally {
    await close();
  }
  const machine = `${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}`;
  return { bench: name, summary: bench.summary, node: process.version, machine, load, time: new Date(), outcomes };
}

const names = globSync("bench/*.bench.ts")
  .map((file) => file.replaceAll("\\", "/").replace(/^bench\/|\.bench\.ts$/g, ""))
  .sort();
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`there is no bench ${unknown.join(", ")}; there are: ${names.join(", ")}`);
  process.exit(2);
}
console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? "?"}), ${ROUNDS} rounds`);
mkdirSync("bench/results", { recursive: true });
for (const name of positionals.length > 0 ? positionals : names) {
  try {
    const result = await run(name);
    writeFileSync(`bench/results/${name}.json`, `${JSON.stringify(result, null, 2)}\n`);
  } catch (error) {
    console.error(`  ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
if (values.report) writeReport("bench/results", "docs/benchmarks.md");
