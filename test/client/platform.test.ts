import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";

test("nothing but the download to a folder needs Node", () => {
  const files = globSync("src/client/*.ts").sort();
  const needing = files.filter((file) => /from "node:|\b(?:process|Buffer)\b/.test(readFileSync(file, "utf8")));
  assert.deepEqual(needing, ["src/client/download.ts"]);
  assert.ok(files.length > 5);
});
