import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const archive = mkdtempSync(join(tmpdir(), "gyre-readme-"));
after(() => rmSync(archive, { recursive: true, force: true }));

test("the README reads a dataset that the demo has", () => {
  const id = /datasets\/(CMIP6\.[^"/]+)"/.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1];
  // As many as `npm run demo` writes, small ones.
  const options = [
    "generate",
    "6",
    "--format",
    "netcdf",
    "--months",
    "1",
    "--grid",
    "8x16",
    "--json",
    "--out",
    archive,
  ];
  const lines = execFileSync(process.execPath, [join(root, "bin/gyre.ts"), ...options], { encoding: "utf8" });
  const ids = lines
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { dataset: string }).dataset);
  assert.ok(id !== undefined && ids.includes(id), `${id} is none of ${ids.join(", ")}`);
});
