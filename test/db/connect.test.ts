import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { connect } from "../../src/db/postgres.ts";
import { rejects } from "../files/rejects.ts";
import { testDatabase, testServer } from "../services/postgres.ts";

/** A database of its own on the private server of this process. */
async function newDatabase(t: TestContext, how = "") {
  const address = await testServer();
  assert.ok("host" in address);
  const { host, port, user, password } = address;
  const admin = await connect({ ...address, schema: "public", max: 1 });
  const name = `connect_${randomBytes(6).toString("hex")}`;
  await admin.query(`create database ${name} ${how}`);
  t.after(async () => {
    await admin.query(`drop database ${name} with (force)`);
    await admin.close();
  });
  return { name, admin, url: `postgres://${user}:${password}@${encodeURIComponent(host)}:${port}/${name}` };
}

test("a schema's name is checked before it is used", async () => {
  const address = await testServer();
  for (const schema of ["", "Public", "a b", 'a"; drop table x; --', "1st", "pg_x", "x".repeat(64)])
    await rejects(connect({ ...address, schema }), "BadRequest", /is no name for a schema/);
});

test("a schema is made once by those who connect together", async (t) => {
  const address = await testServer();
  const schema = `${(await testDatabase(t)).schema}_new`;
  const pools = await Promise.all(Array.from({ length: 5 }, () => connect({ ...address, schema, max: 1 })));
  const [pool] = pools;
  assert.deepEqual(await pool?.query("select current_schema() as schema"), [{ schema }]);
  await pool?.query(`drop schema ${schema}`);
  await Promise.all(pools.map((each) => each.close()));
});

test("a server that is not there is Busy, and named without the password", async () => {
  const url = "postgres://gyre:secret@127.0.0.1:1/stac";
  const error = await rejects(connect({ url, schema: "east" }), "Busy", /127\.0\.0\.1:1\/stac does not answer/);
  assert.doesNotMatch(error.message, /secret/);
});

test("an address whose own options take the schema away is refused", async () => {
  const { host, port, user, password, database } = (await testServer()) as Record<string, string>;
  const options = encodeURIComponent("-c search_path=public");
  const url = `postgres://${user}:${password}@/${database}?host=${encodeURIComponent(host ?? "")}&port=${port}&options=${options}`;
  await rejects(connect({ url, schema: "east" }), "Unsupported", /do not keep their settings/);
});

test("a statement that takes too long is ended", async (t) => {
  const { schema } = await testDatabase(t);
  // The statements that connect have to end sooner.
  const pool = await connect({ ...(await testServer()), schema, statementTimeout: 2000 });
  await assert.rejects(pool.query("select pg_sleep(600)"), { code: "57014" });
  await pool.close();
});

test("nothing is asked of a pool that was closed", async (t) => {
  const pool = await testDatabase(t);
  const other = await connect({ ...(await testServer()), schema: pool.schema });
  await other.close();
  await other.close();
  await rejects(other.query("select 1"), "Busy");
});

test("a database that cannot have every text is refused before anything is written", async (t) => {
  const { url } = await newDatabase(t, "encoding 'LATIN1' template template0 locale_provider 'libc' locale 'C'");
  await rejects(connect({ url, schema: "east" }), "Unsupported", /encoded as LATIN1, not as UTF8/);
});

test("a commit is on the disk when it answers, also where the server has another custom", async (t) => {
  const { url, name, admin } = await newDatabase(t);
  await admin.query(`alter database ${name} set synchronous_commit = off`);
  const pool = await connect({ url, schema: "east", max: 1 });
  const shown = await pool.query("show synchronous_commit");
  await pool.close();
  assert.deepEqual(shown, [{ synchronous_commit: "on" }]);
});
