import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type MigrationSet, migrate } from "../../src/db/migrate.ts";
import { rejects } from "../files/rejects.ts";
import { testDatabases } from "../services/postgres.ts";

const FIRST = "create table place (id int primary key);\ninsert into place values (1);";
const SECOND = "alter table place add column name text not null default 'here'; create index on place (name);";

/** Writes the files of a set of migrations, anew at each call. */
function newSet(t: TestContext): (files: Readonly<Record<string, string>>) => MigrationSet {
  const folder = mkdtempSync(join(tmpdir(), "gyre-sql-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return (files) => {
    const own = mkdtempSync(join(folder, "set-"));
    for (const [name, sql] of Object.entries(files)) writeFileSync(join(own, name), sql);
    return { name: "places", folder: pathToFileURL(`${own}/`) };
  };
}

for (const { name, unavailable, make } of testDatabases()) {
  describe(`migrations: ${name}`, { skip: unavailable ?? false }, () => {
    test("are applied in order, each once, and recorded", async (t) => {
      const db = await make(t);
      const set = newSet(t);
      assert.equal(await migrate(db, set({ "0001_place.sql": FIRST })), 1);
      const both = set({ "0001_place.sql": FIRST, "0002_name_of_place.sql": SECOND, "README.md": "not SQL" });
      assert.equal(await migrate(db, both), 1);
      assert.equal(await migrate(db, both), 0);
      assert.deepEqual(await db.query("select id, name from place"), [{ id: 1, name: "here" }]);
      assert.deepEqual(await db.query("select set, number, title, length(digest) from migration order by number"), [
        { set: "places", number: 1, title: "place", length: 64 },
        { set: "places", number: 2, title: "name_of_place", length: 64 },
      ]);
    });

    test("are applied once by those who start together", async (t) => {
      const db = await make(t);
      const both = newSet(t)({ "0001_place.sql": FIRST, "0002_name.sql": SECOND });
      const counts = await Promise.all(Array.from({ length: 5 }, () => migrate(db, both)));
      assert.deepEqual(counts.sort(), [0, 0, 0, 0, 2]);
    });

    test("leave nothing when one of them fails", async (t) => {
      const db = await make(t);
      const broken = newSet(t)({ "0001_place.sql": FIRST, "0002_name.sql": `${SECOND}; select * from nowhere` });
      await assert.rejects(migrate(db, broken), /0002_name\.sql.*"nowhere" does not exist/);
      assert.deepEqual(await db.query("select from pg_tables where schemaname = $1", [db.schema]), []);
    });

    test("of a set do not touch another's", async (t) => {
      const db = await make(t);
      const set = newSet(t);
      await migrate(db, set({ "0001_place.sql": FIRST }));
      const other = { ...set({ "0001_thing.sql": "create table thing (id int)" }), name: "things" };
      assert.equal(await migrate(db, other), 1);
    });

    test("that were changed, or are fewer than the schema has seen, are refused", async (t) => {
      const db = await make(t);
      const set = newSet(t);
      await migrate(db, set({ "0001_place.sql": FIRST, "0002_name.sql": SECOND }));
      const changed = set({ "0001_place.sql": `${FIRST} `, "0002_name.sql": SECOND });
      await rejects(migrate(db, changed), "Conflict", /0001_place\.sql was applied with other contents/);
      const older = set({ "0001_place.sql": FIRST });
      await rejects(migrate(db, older), "Unsupported", /is at 0002_name\.sql, which this Gyre does not know/);
    });

    test("are numbered without a gap", async (t) => {
      const db = await make(t);
      const set = newSet(t);
      await assert.rejects(migrate(db, set({ "0002_place.sql": FIRST })), /0002_place\.sql/);
      await assert.rejects(migrate(db, set({ "0001_place.sql": FIRST, "1_name.sql": SECOND })), /1_name\.sql/);
    });
  });
}
