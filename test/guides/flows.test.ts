import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadConfig } from "../../src/config.ts";

test("the settings of the guide are settings, and its variables too", () => {
  const guide = readFileSync(new URL("../../docs/guides/flows.md", import.meta.url), "utf8");
  const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(guide) ?? [];
  const config = loadConfig(yaml);
  assert.equal(config.flows.queues.idf?.everywhere, 8);
  assert.equal(config.packages.storage, "s3://bucket/packages/");
  const variables = [...guide.matchAll(/`(GYRE_\w+)='?(.*?)'?`/g)].map(([, name, value]) => [name, value]);
  assert.equal(variables.length, 3);
  const set = loadConfig("", Object.fromEntries(variables));
  assert.deepEqual([set.flows.concurrency, set.roles, set.flows.queues.idf], [4, ["api"], { perKey: 4 }]);
});
