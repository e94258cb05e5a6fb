import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { findPlace } from "../../src/db/place.ts";
import { tryLockStart } from "../../src/db/starter-lock.ts";
import { newFolder } from "./server-process.ts";

const HOLDER = `
  const [places, locks, folder] = process.argv.slice(1);
  const { findPlace } = await import(places);
  const { tryLockStart } = await import(locks);
  globalThis.held = await tryLockStart(await findPlace(folder, () => undefined));
  console.log(globalThis.held === undefined ? "refused" : "held");
  setInterval(() => undefined, 1000);
`;

test("one at a time may start the server of a folder, and a killed one no longer", async (t) => {
  const folder = newFolder(t);
  const place = await findPlace(folder, () => undefined);
  const modules = ["place", "starter-lock"].map((name) => import.meta.resolve(`../../src/db/${name}.ts`));
  const holder = () =>
    spawn(process.execPath, ["--input-type=module", "-e", HOLDER, ...modules, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  const first = holder();
  t.after(() => first.kill("SIGKILL"));
  assert.equal(String((await once(first.stdout, "data"))[0]).trim(), "held");
  assert.equal(await tryLockStart(place), undefined);
  const gone = once(first, "exit");
  first.kill("SIGKILL");
  await gone;
  {
    using own = await tryLockStart(place);
    assert.ok(own);
    assert.equal(await tryLockStart(place), undefined, "nor twice in one process");
  }
  using again = await tryLockStart(place);
  assert.ok(again);
});
