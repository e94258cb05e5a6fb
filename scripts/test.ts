import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// `npm test [path...]`: runs the suites and says what was skipped. With GYRE_REQUIRE_SERVICES=1 a skip is a failure.
const patterns = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "gyre-test-"));
const skipped = join(folder, "skips.jsonl");
try {
  const { status } = spawnSync(
    process.execPath,
    [
      "--test",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=./scripts/skips.ts",
      `--test-reporter-destination=${skipped}`,
      ...(patterns.length > 0 ? patterns : ["test/**/*.test.ts"]),
    ],
    { stdio: "inherit", env: { ...process.env, NODE_OPTIONS: "--disable-warning=ExperimentalWarning" } },
  );
  const lines = readFileSync(skipped, "utf8").split("\n").filter(Boolean);
  const reasons = new Map<string, string[]>();
  for (const line of lines) {
    const { name, reason } = JSON.parse(line) as { name: string; reason: string | true };
    const key = String(reason === true ? "no reason given" : reason);
    reasons.set(key, [...(reasons.get(key) ?? []), name]);
  }
  for (const [reason, names] of reasons)
    console.log(`skipped ${names.length}: ${reason} (${names[0]}${names.length > 1 ? ", ..." : ""})`);
  const required = process.env.GYRE_REQUIRE_SERVICES === "1" && lines.length > 0;
  if (required) console.error(`${lines.length} tests were skipped, and GYRE_REQUIRE_SERVICES=1 allows none.`);
  process.exitCode = status !== 0 || required ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
