import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tally } from "./tally.ts";

// `npm test [path...]`: runs the suites and says what was skipped. With GYRE_REQUIRE_SERVICES=1 a skip is a failure, and
// so is a contract that ran fewer tests over an implementation than test/contract/counts.json says; --bless writes it.
const COUNTS = "test/contract/counts.json";
/** What hangs fails by its name, before whoever runs the suite ends it without a word. */
const LONGEST_MS = 20 * 60_000;
const isBlessing = process.argv.includes("--bless");
const patterns = process.argv.slice(2).filter((argument) => argument !== "--bless");
const isComplete = process.env.GYRE_REQUIRE_SERVICES === "1";
const folder = mkdtempSync(join(tmpdir(), "gyre-test-"));
try {
  const told = join(folder, "tally.jsonl");
  const { status } = spawnSync(
    process.execPath,
    [
      "--test",
      `--test-timeout=${LONGEST_MS}`,
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=./scripts/tally.ts",
      `--test-reporter-destination=${told}`,
      ...(patterns.length > 0 ? patterns : ["test/**/*.test.ts"]),
    ],
    { stdio: "inherit", env: { ...process.env, NODE_OPTIONS: "--disable-warning=ExperimentalWarning" } },
  );
  const lines = readFileSync(told, "utf8").split("\n").filter(Boolean);
  const tallies = lines.map((line) => JSON.parse(line) as Tally);
  const faults = [...skips(tallies), ...contracts(tallies)];
  for (const fault of faults) console.error(fault);
  process.exitCode = status !== 0 || (isComplete && faults.length > 0) ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Says what was skipped, reason by reason. */
function skips(tallies: readonly Tally[]): string[] {
  const byReason = Map.groupBy(
    tallies.filter((entry) => "skipped" in entry),
    ({ reason }) => reason,
  );
  return [...byReason].map(([reason, [first, ...rest]]) => {
    return `skipped ${rest.length + 1}: ${reason} (${first?.skipped}${rest.length > 0 ? ", ..." : ""})`;
  });
}

/** Says which implementations the contracts missed. Only the whole run with all services can tell. */
function contracts(tallies: readonly Tally[]): string[] {
  const ran = new Map<string, number>();
  for (const entry of tallies) if ("contract" in entry) ran.set(entry.contract, (ran.get(entry.contract) ?? 0) + 1);
  if (isBlessing) writeFileSync(COUNTS, `${JSON.stringify(Object.fromEntries([...ran].sort()), null, 2)}\n`);
  if (!isComplete || patterns.length > 0) return [];
  const wanted = Object.entries(JSON.parse(readFileSync(COUNTS, "utf8")) as Record<string, number>);
  console.log(`contract tests: ${[...ran.values()].reduce((sum, n) => sum + n, 0)} over ${ran.size} implementations`);
  return wanted
    .filter(([name, count]) => (ran.get(name) ?? 0) < count)
    .map(([name, count]) => `${name}: ${ran.get(name) ?? 0} tests ran, ${count} are wanted`);
}
