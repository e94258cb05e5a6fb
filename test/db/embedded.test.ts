import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startEmbedded } from "../../src/db/embedded.ts";
import { connect } from "../../src/db/postgres.ts";
import { rejects } from "../files/rejects.ts";
import { ask, atEnd, attach, attachProcess, ended, kill9, newFolder, serverPid, until } from "./server-process.ts";

test("the server starts, is shared, and stops with the last who is attached", async (t) => {
  const folder = newFolder(t);
  const first = await attach(t, folder);
  const pid = serverPid(folder);
  const second = await attach(t, folder);
  assert.equal(serverPid(folder), pid);
  await first.close();
  assert.deepEqual(await ask(second.address, "select 1 as one"), [{ one: 1 }]);
  await second.close();
  assert.equal(serverPid(folder), undefined);
  await ended(pid);
  await second.close();
});

test("processes that start at once share one server, and the last of them stops it", async (t) => {
  const folder = newFolder(t);
  const all = await Promise.all(Array.from({ length: 4 }, () => attachProcess(t, folder)));
  assert.deepEqual(
    all.map(({ failed }) => failed),
    all.map(() => undefined),
  );
  const pid = serverPid(folder);
  const servers = await Promise.all(
    all.map(({ address }) => ask(address, "select pg_postmaster_start_time()::text as at")),
  );
  assert.equal(new Set(servers.map(([row]) => JSON.stringify(row))).size, 1);
  const codes = await Promise.all(all.map(({ end }, i) => end(i % 2 === 0 ? "SIGTERM" : "SIGINT")));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  assert.equal(serverPid(folder), undefined);
  await ended(pid);
});

test("of servers that are started at once on one cluster one stays, and all attach to it", async (t) => {
  const folder = newFolder(t);
  await (await startEmbedded({ folder })).close();
  const all = await Promise.all(Array.from({ length: 4 }, () => attach(t, folder)));
  const log = readFileSync(join(folder, "cluster", "server.log"), "utf8");
  assert.equal(log.match(/ready to accept connections/g)?.length, 2);
  assert.equal(new Set(all.map(({ address }) => JSON.stringify(address))).size, 1);
  for (const server of all) await server.close();
  assert.equal(serverPid(folder), undefined);
});

test("whoever starts while another stops gets a server that stays", async (t) => {
  const folder = newFolder(t);
  let current = await startEmbedded({ folder });
  for (let i = 0; i < 8; i++) {
    const [next] = await Promise.all([startEmbedded({ folder }), current.close()]);
    assert.deepEqual(await ask(next.address, `select ${i} as i`), [{ i }]);
    current = next;
  }
  await current.close();
  assert.equal(serverPid(folder), undefined);
});

test("a server whose starter was killed is attached", async (t) => {
  const folder = newFolder(t);
  const starter = await attachProcess(t, folder);
  const pid = serverPid(folder);
  await starter.end("SIGKILL");
  const server = await attach(t, folder);
  assert.equal(serverPid(folder), pid);
  // The killed one's lock is gone with its connection, which the server may notice later.
  await until(async () => (await ask(server.address, LOCKS)).length === 1);
  await server.close();
  assert.equal(serverPid(folder), undefined);
});

const LOCKS = "select from pg_locks where locktype = 'advisory' and mode = 'ShareLock'";

test("a server that was killed comes back by itself, with everything that was committed", async (t) => {
  const folder = newFolder(t);
  const told: string[] = [];
  const server = await attach(t, folder, (message) => told.push(message));
  const pool = await connect({ ...server.address, schema: "east" });
  atEnd(t, () => pool.close());
  await pool.query("create table kept (i int)");
  let committed = 0;
  for (let round = 0; round < 3; round++) {
    const writing = (async () => {
      for (;;) {
        await pool.query("insert into kept values ($1)", [committed]);
        committed += 1;
      }
    })();
    const floor = committed + 20;
    await until(() => committed >= floor);
    const [cut] = await Promise.all([writing.catch((error: unknown) => error), kill9(serverPid(folder))]);
    assert.equal((cut as Error).name, "GyreError(Busy)");
    await until(() =>
      pool.query("select 1").then(
        () => true,
        () => false,
      ),
    );
    const [row] = await pool.query<{ there: number; last: number }>("select count(*) there, max(i) last from kept");
    // The statement that was cut may have been committed before its answer was lost.
    assert.ok(
      row !== undefined && row.there === row.last + 1 && row.there >= committed,
      JSON.stringify({ row, committed }),
    );
    committed = row.there;
  }
  assert.match(told[0] ?? "", /was lost, and is started again/);
});

test("after both were killed one of the next starts the server, though its number is another program's now", async (t) => {
  const folder = newFolder(t);
  const killed = await attachProcess(t, folder);
  await ask(killed.address, "create table kept as select 1 as i");
  await kill9(killed.child.pid);
  await kill9(serverPid(folder));
  const file = join(folder, "cluster", "data", "postmaster.pid");
  const lock = join(killed.address.host, ".s.PGSQL.5432.lock");
  const { uid, gid } = statSync(file);
  const other = spawn("sleep", ["600"], { uid, gid, stdio: "ignore" });
  atEnd(t, () => other.kill());
  for (const path of [file, lock]) writeFileSync(path, readFileSync(path, "utf8").replace(/^\d+/, String(other.pid)));
  const next = await Promise.all(Array.from({ length: 4 }, () => attachProcess(t, folder)));
  assert.notEqual(serverPid(folder), other.pid);
  for (const { address } of next) assert.deepEqual(await ask(address, "select i from kept"), [{ i: 1 }]);
});

test("a pid file that nothing was written to is removed when it is old", async (t) => {
  const folder = newFolder(t);
  await (await startEmbedded({ folder })).close();
  const file = join(folder, "cluster", "data", "postmaster.pid");
  writeFileSync(file, "");
  utimesSync(file, 0, 0);
  await attach(t, folder);
});

test("the server listens on no port, writes through, and lets nobody in without the password", async (t) => {
  const folder = newFolder(t);
  const { address } = await attach(t, folder);
  const settings = await ask<{ name: string; setting: string }>(
    address,
    `select name, setting from pg_settings
      where name in ('listen_addresses', 'fsync', 'full_page_writes', 'synchronous_commit', 'password_encryption')`,
  );
  assert.deepEqual(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
    fsync: "on",
    full_page_writes: "on",
    listen_addresses: "",
    password_encryption: "scram-sha-256",
    synchronous_commit: "on",
  });
  const methods = await ask(address, "select distinct auth_method from pg_hba_file_rules");
  assert.deepEqual(methods, [{ auth_method: "scram-sha-256" }]);
  assert.match(address.password, /^[\w-]{32}$/);
  await assert.rejects(ask({ ...address, password: "guess" }, "select 1"), /password authentication failed/);
  const password = join(folder, "cluster", "password");
  assert.equal(statSync(password).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, "cluster")).mode & 0o777, 0o700);
});

test("a cluster of another major version is refused, and the way out told", async (t) => {
  const folder = newFolder(t);
  await (await startEmbedded({ folder })).close();
  const version = join(folder, "cluster", "data", "PG_VERSION");
  writeFileSync(version, "17\n");
  await rejects(
    startEmbedded({ folder }),
    "Unsupported",
    /made by PostgreSQL 17, and this Gyre brings 18.*gyre events export/,
  );
});

test("a server that does not start says why", async (t) => {
  const folder = newFolder(t);
  await (await startEmbedded({ folder })).close();
  truncateSync(join(folder, "cluster", "data", "global", "pg_control"));
  await rejects(startEmbedded({ folder }), "BadSource", /does not start: .*pg_control.*server\.log/);
});

test("the server's log is bounded", async (t) => {
  const folder = newFolder(t);
  await (await startEmbedded({ folder })).close();
  const log = join(folder, "cluster", "server.log");
  writeFileSync(log, "old news\n".repeat(200_000));
  await attach(t, folder);
  assert.match(readFileSync(log, "utf8"), /^[\d-]+ .*starting PostgreSQL 18/);
  assert.match(readFileSync(`${log}.1`, "utf8"), /^old news/);
});
