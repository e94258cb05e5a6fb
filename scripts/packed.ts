import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { download } from "./download.ts";

// Packs the package, installs it into an empty folder with each npm that we promise, without install scripts, and runs it.
const NPMS = ["11", "12"] as const;
const folder = mkdtempSync(join(tmpdir(), "gyre-packed-"));

function run(command: string, arguments_: readonly string[], cwd: string): string {
  return execFileSync(command, arguments_, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}

try {
  const packed = run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], process.cwd());
  const archive = join(folder, packed.split("\n").at(-1) as string);
  for (const version of NPMS) {
    const home = mkdtempSync(join(folder, `npm${version}-`));
    writeFileSync(join(home, "package.json"), '{"private":true}');
    const install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", archive];
    download("npx", ["--yes", `npm@${version}`, ...install], home);
    const told = run("npx", ["--no-install", "gyre", "--version"], home);
    run("npx", ["--no-install", "gyre", "generate", "1", "--format", "netcdf", "--out", "archive"], home);
    const listed = run("npx", ["--no-install", "gyre", "inspect", "archive"], home);
    if (!listed.includes("dimensions")) throw new Error(`gyre inspect of the packed package says: ${listed}`);
    console.log(`npm ${version}: gyre ${told} installs, generates and inspects`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
