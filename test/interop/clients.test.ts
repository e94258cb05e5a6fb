import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config.ts";
import { createNode } from "../../src/node.ts";
import { dataFolder } from "../formats/data.ts";
import { call } from "../protocols/archive.ts";

const python = fileURLToPath(new URL("../../.peers/py/bin/python", import.meta.url));
const script = fileURLToPath(new URL("clients.py", import.meta.url));
const skip =
  (dataFolder === undefined && "no ../shared/data (set GYRE_DATA)") ||
  (!existsSync(python) && "no .peers/py with the reference libraries");

interface Result {
  readonly id: string;
  readonly form: string;
  readonly equal: number;
  readonly absent: readonly string[];
  readonly different: readonly string[];
}

/** Types that zarr-python has in no version of Zarr, or not in v3: structures in structures, ragged arrays, padding. */
const UNSHARED: ReadonlySet<string> = new Set(["phony_compound_var", "x", "obs"]);

test("xarray reads real files over HTTP as it reads them from disk, in every form", { skip }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "gyre-clients-"));
  const sources = ["netcdf3/", "netcdf4/"].map((folder) => new URL(folder, dataFolder).href);
  const config = loadConfig(
    JSON.stringify({ database: "none", sources, dataDir, rescanSeconds: 0, listen: { port: 0 } }),
  );
  const node = await createNode(config, { folder: dataDir });
  const server = await node.listen();
  try {
    await node.scan();
    const results = await resultsOf(node, server.url);
    const forms = new Set(results.map(({ form }) => form));
    assert.deepEqual([...forms], ["kerchunk 2", "zarr 2", "zarr 3", "kerchunk.json", "kerchunk.parquet"]);
    const wrong = results.filter(
      ({ absent, different }) => different.length > 0 || absent.some((name) => !UNSHARED.has(name)),
    );
    assert.deepEqual(wrong, []);
    const equal = results.reduce((sum, result) => sum + result.equal, 0);
    assert.ok(equal > 2000, `${equal} variables compared`);
  } finally {
    await server.close(0);
    await node.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

async function resultsOf({ access }: Awaited<ReturnType<typeof createNode>>, base: URL): Promise<Result[]> {
  const lines: string[] = [];
  for await (const id of access.list(call)) {
    const { source } = (await access.open(id, call)) ?? {};
    if (source?.startsWith("file:") && !source.endsWith("/"))
      lines.push(JSON.stringify({ id, path: fileURLToPath(source) }));
  }
  const client = spawn(python, [script, base.href], { stdio: ["pipe", "pipe", "inherit"] });
  client.stdin.end(lines.join("\n"));
  const printed = await text(client.stdout);
  return printed
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Result);
}
