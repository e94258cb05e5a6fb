import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadConfig } from "../../../src/config.ts";
import { founding } from "../../../src/flows/processors/founding/founding.ts";

const page = readFileSync(new URL("../../../docs/processors.md", import.meta.url), "utf8");

test("the configuration of the page is one", () => {
  const [, yaml = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  const { processors } = loadConfig(yaml, { GYRE_DATABASE: "none" });
  assert.deepEqual([processors.raster.length, processors.vector.length, processors.table.length], [1, 1, 1]);
});

test("the page names the ten", () => {
  const { raster = [], vector = [] } = founding(undefined);
  const names = new Set([...raster, ...vector].map(({ dataset, version }) => `${dataset}.${version}`));
  assert.equal(names.size, 10);
  for (const name of names) assert.ok(page.includes(`| \`${name}\` |`), name);
});
