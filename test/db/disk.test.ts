import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { startEmbedded } from "../../src/db/embedded.ts";
import { connect } from "../../src/db/postgres.ts";
import { isGyreError } from "../../src/errors.ts";
import { rejects } from "../files/rejects.ts";
import { atEnd, attach, newFolder, until } from "./server-process.ts";

/** A disk of so many megabytes, for as long as the test. */
function mounted(t: TestContext, megabytes: number): string {
  const folder = newFolder(t);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=755`, "gyre-test", folder]);
  atEnd(t, () => execFileSync("umount", ["--lazy", folder]));
  return folder;
}

/** Whether this process may mount a disk of its own at all. */
function mayMount(): boolean {
  return (
    process.platform === "linux" && spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "x", "/mnt"]).status === 0
  );
}

const onDisk = { skip: mayMount() ? false : "only root on Linux can mount a small disk" };

test("a disk too small for a database is told", onDisk, async (t) => {
  const folder = mounted(t, 8);
  await rejects(startEmbedded({ folder }), "BadSource", /No database can be made in .*No space left on device/s);
});

test("a disk that cannot be written is told", onDisk, async (t) => {
  const folder = mounted(t, 100);
  await (await startEmbedded({ folder })).close();
  execFileSync("mount", ["-o", "remount,ro", folder]);
  await rejects(startEmbedded({ folder }), "BadSource", /read-only file system/);
});

test(
  "on a full disk writes are Busy, and with room again everything that was committed is there",
  onDisk,
  async (t) => {
    const folder = mounted(t, 120);
    const server = await attach(t, folder);
    const pool = await connect({ ...server.address, schema: "east" });
    atEnd(t, () => pool.close());
    await pool.query("create table kept as select 1 as i");
    await pool.query("create table ballast as select repeat('x', 100) as text from generate_series(1, 20000)");
    const fill = async (): Promise<never> => {
      for (;;) await pool.query("insert into ballast select * from ballast limit 20000");
    };
    await assert.rejects(fill(), (error) => isGyreError(error, "Busy"));
    execFileSync("mount", ["-o", "remount,size=400m", folder]);
    // Where its own log had no room, the server ended and is started again.
    await until(() =>
      pool.query("insert into kept values (2)").then(
        () => true,
        (error: unknown) => (isGyreError(error, "Busy") ? false : Promise.reject(error)),
      ),
    );
    assert.deepEqual(await pool.query("select distinct i from kept order by i"), [{ i: 1 }, { i: 2 }]);
    assert.match(readFileSync(`${folder}/cluster/server.log`, "utf8"), /No space left on device/);
  },
);

test("a folder whose rights changed is told", async (t) => {
  const folder = newFolder(t);
  await (await startEmbedded({ folder })).close();
  // PostgreSQL does not start on a data directory that others may enter.
  chmodSync(`${folder}/cluster/data`, 0o777);
  await rejects(startEmbedded({ folder }), "BadSource", /does not start: .*invalid permissions/);
});
