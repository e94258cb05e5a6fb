import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { main } from "../../src/cli/main.ts";

const folder = mkdtempSync(join(tmpdir(), "gyre-generate-"));
after(() => rmSync(folder, { recursive: true, force: true }));

async function run(...argv: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(["generate", ...argv], "0.0.0", {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    tty: false,
    env: {},
    signal: new AbortController().signal,
  });
  return { code, out, err };
}

test("gyre generate prints the path of every file it wrote", async () => {
  const { code, out } = await run(
    "2",
    "--format",
    "netcdf",
    "--out",
    join(folder, "a b"),
    "--grid",
    "6x12",
    "--months",
    "13",
  );
  assert.equal(code, 0);
  assert.equal(out.length, 4);
  for (const path of out) assert.ok(statSync(path).size > 1000, path);
});

test("gyre generate --json says dataset, address and format", async () => {
  const { out } = await run("1", "--json", "--format", "zarr", "--out", join(folder, "z"), "--grid", "6x12");
  const line = JSON.parse(out[0]!) as { dataset: string; url: string; format: string };
  assert.equal(line.dataset, "CMIP6.CMIP.GYRE.GYRE-ESM1.historical.r1i1p1f1.Amon.tas.gn.v20250101");
  assert.equal(line.format, "zarr");
  assert.ok(statSync(join(fileURLToPath(line.url), "zarr.json")).isFile());
});

test("gyre generate refuses bad usage with exit code 2 and help has an example", async () => {
  for (const argv of [
    [],
    ["x"],
    ["0"],
    ["1", "2"],
    ["1", "--format", "grib"],
    ["1", "--format", "zarr", "--grid", "6"],
    ["1", "--nope"],
  ]) {
    const { code, err } = await run(...argv);
    assert.equal(code, 2, argv.join(" "));
    assert.match(err[0]!, /gyre generate/);
  }
  const { code, out } = await run("--help");
  assert.equal(code, 0);
  assert.match(out[0]!, /Example/);
});
