import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { loadConfig } from "../../src/config.ts";
import type { Block, Dataset, Variable } from "../../src/core/array.ts";
import { type Selection, selectionCount, slice } from "../../src/core/selection.ts";
import { createEngine, type Engine } from "../../src/engine.ts";
import { createNode } from "../../src/node.ts";
import { decodeCf } from "../../src/read/cf.ts";

const python = fileURLToPath(new URL("../../.peers/py/bin/python", import.meta.url));
const script = fileURLToPath(new URL("one_dataset.py", import.meta.url));
const skip = !existsSync(python) && "no .peers/py with the reference libraries";

const SELECTIONS: Readonly<Record<string, Selection>> = {
  everything: [slice(0, 10), slice(0, 72), slice(0, 144)],
  "one step": [4, slice(0, 72), slice(0, 144)],
  "a series": [slice(0, 10), 3, 8],
  "strides, one of them backwards": [slice(1, 10, 3), slice(71, -1, -5), slice(0, 144, 7)],
  "lists across chunks": [
    [9, 0, 3],
    [0, 71, 20, 19],
    [143, 1, 2],
  ],
};

describe("one dataset, written by the reference tools in five formats", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-one-"));
  let engine: Engine;
  before(() => {
    execFileSync(python, [script, "make", folder], { stdio: ["ignore", "ignore", "inherit"] });
    engine = createEngine({ allow: [pathToFileURL(`${folder}/`)] });
  });
  after(async () => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function opened(name: string): Promise<{ dataset: Dataset; variable: Variable }> {
    const dataset = await engine.formats.open(pathToFileURL(join(folder, name)));
    return { dataset, variable: dataset.variables.get(name.endsWith(".tif") ? "band_data" : "tas")! };
  }

  async function values({ dataset, variable }: { dataset: Dataset; variable: Variable }, selection: Selection) {
    const stored: Block = await engine.read(dataset, variable, selection);
    return decodeCf(stored, variable.spec, { fillIsMissing: true }).data as Float32Array;
  }

  test("equal selections give equal values and masks", async () => {
    const names = ["four.nc", "classic.nc", "two.zarr/", "three.zarr/", "five.tif"];
    const sources = await Promise.all(names.map(async (name) => ({ name, ...(await opened(name)) })));
    for (const [what, selection] of Object.entries(SELECTIONS)) {
      const [first, ...others] = sources;
      const wanted = await values(first!, selection);
      if (what === "everything") assert.equal(wanted.filter(Number.isNaN).length, 80);
      for (const other of others) {
        const { dims } = other.variable.spec;
        // A chunky GeoTIFF has its bands last; the selection follows the dimensions.
        const order = dims.map((dim) =>
          ["band time", "y lat", "x lon"].findIndex((names) => names.split(" ").includes(dim)),
        );
        const own = await values(
          other,
          order.map((axis) => selection[axis]!),
        );
        const same = order.every((axis, i) => axis === i) ? own : transposed(own, order, selection);
        assert.deepEqual(same, wanted, `${other.name}: ${what}`);
      }
    }
  });

  test("a cube of members that store it differently has the values of open_mfdataset, over HTTP", async () => {
    const config = loadConfig(
      JSON.stringify({
        database: "none",
        cubes: [{ id: "mixed", glob: join(folder, "members/*.nc"), concat: "time" }],
        dataDir: join(folder, "data"),
        listen: { port: 0 },
        rescanSeconds: 0,
      }),
    );
    const node = await createNode(config, { folder });
    const server = await node.listen();
    try {
      await node.scan();
      const { stdout } = await promisify(execFile)(python, [script, "cube", server.url.href, folder]);
      const found = JSON.parse(stdout) as Record<string, Record<string, boolean>>;
      const right = { values: true, masks: true, times: true, shape: true };
      assert.deepEqual(found, { "kerchunk 2": right, "zarr 2": right, "zarr 3": right });
      const info = (await (await node.fetch(new Request(`${server.url}datasets/mixed/info`))).json()) as {
        cube: { members: number; variables: { name: string; differences: { property: string }[] }[] };
      };
      assert.equal(info.cube.members, 4);
      const differing = info.cube.variables.find(({ name }) => name === "tas")?.differences.map((d) => d.property);
      for (const property of ["scale_factor", "dtype"])
        assert.ok(differing?.includes(property), `${property} is reported`);
    } finally {
      await server.close(0);
      await node.close();
    }
  });
});

/** Values in the order of `order` brought back to time, lat, lon. */
function transposed(values: Float32Array, order: readonly number[], selection: Selection): Float32Array {
  const counts = selection.map(selectionCount);
  const out = new Float32Array(values.length);
  const [n0, n1, n2] = order.map((axis) => counts[axis]!) as [number, number, number];
  const at = [0, 0, 0];
  for (let i = 0; i < n0; i++)
    for (let j = 0; j < n1; j++)
      for (let k = 0; k < n2; k++) {
        for (const [d, v] of [i, j, k].entries()) at[order[d]!] = v;
        out[(at[0]! * counts[1]! + at[1]!) * counts[2]! + at[2]!] = values[(i * n1 + j) * n2 + k]!;
      }
  return out;
}
