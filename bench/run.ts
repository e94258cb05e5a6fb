import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Bench, Row } from "./bench.ts";

// `npm run bench [name...]`: compares replies, then alternates ours and the peer, and prints the ratio of medians.
const ROUNDS = Number(process.env.GYRE_BENCH_ROUNDS ?? 5);
const wanted = process.argv.slice(2);

interface Outcome {
  readonly row: string;
  readonly peer: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly ratio?: number;
  readonly spread?: readonly [number, number];
  readonly floor?: number;
  readonly goal?: number;
  readonly notMeasured?: string;
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

async function measure(row: Row): Promise<Outcome> {
  const { name, peer, unit, floor, goal, measurePeer } = row;
  const common = {
    row: name,
    peer,
    unit,
    ...(floor === undefined ? {} : { floor }),
    ...(goal === undefined ? {} : { goal }),
  };
  if (typeof measurePeer !== "function") {
    const ours: number[] = [];
    for (let i = 0; i < ROUNDS; i++) ours.push(await row.ours());
    return { ...common, ours, theirs: [], notMeasured: measurePeer.notMeasured };
  }
  await row.same?.();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    ours.push(await row.ours());
    theirs.push(await measurePeer());
  }
  const ratios = ours.map((own, i) => (row.kind === "rate" ? own / theirs[i]! : theirs[i]! / own));
  return { ...common, ours, theirs, ratio: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)] };
}

function print(outcome: Outcome): void {
  const { row, unit, ours, theirs, peer, ratio, spread, floor, notMeasured } = outcome;
  const own = `${median(ours).toPrecision(4)} ${unit}`;
  if (ratio === undefined || spread === undefined) {
    console.log(`${row.padEnd(44)} ours ${own.padEnd(16)} ${peer}: not measured (${notMeasured})`);
    return;
  }
  const verdict = floor === undefined ? "" : ratio >= floor ? `floor ${floor}: met` : `floor ${floor}: MISSED`;
  const range = `${spread[0].toFixed(2)}..${spread[1].toFixed(2)}`;
  console.log(
    `${row.padEnd(44)} ours ${own.padEnd(16)} ${peer} ${`${median(theirs).toPrecision(4)} ${unit}`.padEnd(16)} ratio ${ratio.toFixed(2)} (${range}) ${verdict}`,
  );
}

const files = globSync("bench/*.bench.ts").sort();
const names = files.map((file) => file.replace(/^bench\/|\.bench\.ts$/g, ""));
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`there is no bench ${unknown.join(", ")}; there are: ${names.join(", ")}`);
  process.exit(2);
}
mkdirSync("bench/results", { recursive: true });
console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? "?"}), ${ROUNDS} rounds`);
for (const name of wanted.length > 0 ? wanted : names) {
  const { bench } = (await import(`./${name}.bench.ts`)) as { bench: Bench };
  console.log(`\n${bench.name}: ${bench.summary}`);
  const { rows, close } = await bench.prepare((line) => console.log(`  ${line}`));
  const outcomes: Outcome[] = [];
  try {
    for (const row of rows) {
      const outcome = await measure(row);
      outcomes.push(outcome);
      print(outcome);
    }
  } finally {
    await close();
  }
  const stamp = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, time: new Date().toISOString() };
  writeFileSync(`bench/results/${name}.json`, `${JSON.stringify({ bench: name, ...stamp, outcomes }, null, 2)}\n`);
}
