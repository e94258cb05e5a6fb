import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../../src/db/postgres.ts";
import { rejects } from "../files/rejects.ts";
import { testDatabase, testServer } from "../services/postgres.ts";

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

test("a statement that takes too long is ended", async () => {
  const pool = await connect({ ...(await testServer()), schema: "slow", statementTimeout: 20 });
  await assert.rejects(pool.query("select pg_sleep(600)"), { code: "57014" });
  await pool.query("drop schema slow");
  await pool.close();
});

test("nothing is asked of a pool that was closed", async (t) => {
  const pool = await testDatabase(t);
  const other = await connect({ ...(await testServer()), schema: pool.schema });
  await other.close();
  await other.close();
  await rejects(other.query("select 1"), "Busy");
});
