import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Dataset } from "../../src/core/array.ts";
import { attrsToJson } from "../../src/core/attrs.ts";
import { createEngine } from "../../src/engine.ts";
import { netcdf3, netcdf4, put } from "../node/archive.ts";
import { gyre, temporary } from "./run.ts";

/** All values and attributes of a dataset. */
async function contentOf(folder: string, path: string): Promise<object> {
  const engine = createEngine({ allow: [pathToFileURL(`${folder}/`)] });
  try {
    const dataset: Dataset = await engine.formats.open(pathToFileURL(join(folder, path)));
    const variables: Record<string, object> = {};
    for (const [name, variable] of dataset.variables) {
      const { data, shape } = await engine.readAll(dataset, variable);
      const { dims, chunks, attrs } = variable.spec;
      variables[name] = { dims, shape, chunks, attrs: attrsToJson(attrs), values: [...(data as Iterable<unknown>)] };
    }
    return { attrs: attrsToJson(dataset.attrs), variables };
  } finally {
    await engine.close();
  }
}

test("index --out writes references that open as what they refer to", async (t) => {
  const folder = temporary(t);
  put(join(folder, "in/a.nc"), await netcdf4(0, 3));
  const source = await contentOf(folder, "in/a.nc");
  for (const out of ["refs.json", "refs.parquet", "deep/er/refs.json"]) {
    const { code, out: said, err } = await gyre(folder, ["index", "in/a.nc", "--out", out]);
    assert.equal(code, 0, err);
    assert.equal(said, `${join(folder, out)}\n`);
    assert.deepEqual(await contentOf(folder, out.endsWith(".parquet") ? `${out}/` : out), source, out);
  }
  assert.ok(!existsSync(join(folder, ".gyre")), "nothing else is written");
});

test("several datasets go to a folder", async (t) => {
  const folder = temporary(t);
  put(join(folder, "in/a.nc"), await netcdf4(0, 3));
  put(join(folder, "in/b.nc"), await netcdf3(5, 2));
  const alone = await gyre(folder, ["index", "in", "--out", "refs.json"]);
  assert.equal(alone.code, 2);
  assert.match(alone.err, /2 datasets need a folder: --out refs\.json\//);
  const { code, out } = await gyre(folder, ["index", "in", "--out", "refs/", "--json"]);
  assert.equal(code, 0);
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: string; written: string });
  assert.deepEqual(
    lines.map(({ id, written }) => [id, written]),
    [
      ["a", join(folder, "refs/a.json")],
      ["b", join(folder, "refs/b.json")],
    ],
  );
  assert.deepEqual(await contentOf(folder, "refs/b.json"), await contentOf(folder, "in/b.nc"));
});

test("two processes that index one folder into one data directory do not disturb each other", async (t) => {
  const folder = temporary(t);
  const ids = Array.from({ length: 30 }, (_, i) => `f${i}`).sort();
  for (const [i, id] of ids.entries()) put(join(folder, `in/${id}.nc`), await netcdf4(i, 2));
  const index = (): ReturnType<typeof gyre> => gyre(folder, ["index", "in", "--data-dir", "data"]);
  for (const { code, out, err } of await Promise.all([index(), index()])) {
    assert.equal(code, 0, err);
    assert.equal(err, "");
    assert.deepEqual(out.trimEnd().split("\n"), ids);
  }
  const kept = readFileSync(join(folder, "data/registry.jsonl"), "utf8").trimEnd().split("\n");
  assert.deepEqual(kept.map((line) => (JSON.parse(line) as { id: string }).id).sort(), ids);
  assert.deepEqual((await index()).out.trimEnd().split("\n"), ids);
});
