import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { claimOf, moveOver } from "../../src/files/claims.ts";
import { createLocalFiles } from "../../src/files/local.ts";

async function counter(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-processes-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "counter"), "0");
  return join(folder, "counter");
}

test("of several processes that replace what they know none loses another's work", async (t) => {
  const path = await counter(t);
  const program = join(import.meta.dirname, "count-up.ts");
  const count = () => promisify(execFile)(process.execPath, [program, path, "100"]);
  await Promise.all([count(), count(), count()]);
  assert.equal(await readFile(path, "utf8"), "300");
  assert.deepEqual(readdirSync(join(path, "..")), ["counter"]);
});

test("what replaces a file in the same instant has another tag", async (t) => {
  const url = pathToFileURL(await counter(t));
  const files = createLocalFiles();
  const tags = new Set([(await files.head(url))?.etag]);
  let tag = [...tags][0] ?? "";
  for (let i = 1; i < 30; i++) {
    tag =
      (await files.write!(url, new TextEncoder().encode(String(i % 10)), { ifMatch: tag, isCache: true })).etag ?? "";
    tags.add(tag);
  }
  assert.equal(tags.size, 30);
  await files.close?.();
});

test("a process that died just before it replaced a file holds nobody up for long", async (t) => {
  const path = await counter(t);
  const folder = join(path, "..");
  const [mine, claim] = [join(folder, "mine"), (tag: string) => join(folder, claimOf(path, tag))];
  const tagNow = async () => "E1";
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  await writeFile(mine, "1");
  await writeFile(claim("E1"), "of the dead");
  // It may be alive.
  assert.equal(await moveOver(mine, path, "E1", tagNow), false);
  assert.equal(await readFile(path, "utf8"), "0");
  // Another state is not its business.
  assert.equal(await moveOver(mine, path, "E2", async () => "E2"), true);
  assert.equal(await readFile(path, "utf8"), "1");
  // Long after it is dead, and the next but one goes through.
  t.mock.timers.setTime(Date.now() + 600_000);
  assert.equal(await moveOver(mine, path, "E1", tagNow), false);
  assert.equal(await moveOver(mine, path, "E1", tagNow), true);
});
