/**
 * Writes `src/flows/boundaries/iso-3166.json`, from the numeric codes of ISO 3166-1 to those of three letters, out of the
 * npm package `i18n-iso-countries`, which this script downloads itself: node scripts/iso-3166.ts
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PACKAGE = "i18n-iso-countries@7.14.0";
const TARGET = new URL("../src/flows/boundaries/iso-3166.json", import.meta.url);

const folder = mkdtempSync(join(tmpdir(), "gyre-iso-"));
try {
  execFileSync("npm", ["pack", PACKAGE, "--silent"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz")) as string;
  execFileSync("tar", ["xzf", archive, "package/codes.json"], { cwd: folder });
  const codes: [string, string, string][] = JSON.parse(readFileSync(join(folder, "package/codes.json"), "utf8"));
  const byNumber = codes.map(([, three, number]) => [number.padStart(3, "0"), three.toLowerCase()] as const);
  const lines = byNumber
    .filter(([number]) => /^\d{3}$/.test(number))
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([number, three]) => `  ${JSON.stringify(number)}: ${JSON.stringify(three)}`);
  writeFileSync(TARGET, `{\n${lines.join(",\n")}\n}\n`);
  console.log(`${lines.length} codes`);
} finally {
  rmSync(folder, { recursive: true });
}
