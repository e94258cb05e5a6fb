import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Pool } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { box, CALL, collection, item, post, type TestNode, testNode } from "../contract/catalog/node.ts";
import { testDatabases } from "../services/postgres.ts";

const SQL = new URL("../../sql/node/", import.meta.url);
const FILES = readdirSync(SQL).sort();
const TABLES = ["collection", "item", "outcome", "consumer", "consumer_position"];

/** Items whose places a catalogue keeps in different ways. */
const ITEMS = [
  item("near", { geometry: box(5, 45, 6, 46) }),
  item("world", { geometry: box(-180, -90, 180, 90) }),
  item("antimeridian", { geometry: box(170, -5, -170, 5), bbox: [170, -5, -170, 5] }),
  item("nowhere", { geometry: null }),
];

/** Fills the tables of an older version with what a newer one has in theirs. */
async function copy(from: Pool, to: Pool): Promise<void> {
  for (const table of TABLES) {
    const columns = await to.query<{ name: string }>(
      `select old.column_name as name
       from information_schema.columns old join information_schema.columns new using (table_name, column_name)
       where table_name = $1 and old.table_schema = $2 and new.table_schema = $3 and old.is_generated = 'NEVER'`,
      [table, to.schema, from.schema],
    );
    const names = columns.map(({ name }) => `"${name}"`).join(", ");
    if (names !== "") await to.query(`insert into ${table} (${names}) select ${names} from ${from.schema}.${table}`);
  }
}

async function answers({ ids, catalog }: TestNode): Promise<object> {
  return {
    all: (await ids({})).sort(),
    alps: (await ids({ bbox: [5.2, 45.2, 5.4, 45.4] })).sort(),
    pacific: (await ids({ bbox: [-175, -1, -174, 1] })).sort(),
    collections: (await catalog.collections({ limit: 10 }, CALL)).entries.map(({ document }) => document),
  };
}

for (const { name, unavailable, make } of testDatabases()) {
  describe(`a catalogue of an older version: ${name}`, { skip: unavailable ?? false }, () => {
    for (let version = 1; version < FILES.length; version++) {
      test(`from ${FILES[version - 1]}: what is in it is found, and goes on`, async (t) => {
        const [now, then] = [await make(t, { migrations: ["node"] }), await make(t)];
        const made = testNode(now);
        t.after(() => made.close());
        await made.publish({ method: "POST", collection_id: "c", collection: collection("c") }, ...ITEMS.map(post));

        const folder = mkdtempSync(join(tmpdir(), "gyre-sql-"));
        t.after(() => rmSync(folder, { recursive: true }));
        for (const file of FILES.slice(0, version)) cpSync(new URL(file, SQL), join(folder, file));
        assert.equal(await migrate(then, { name: "node", folder: pathToFileURL(`${folder}/`) }), version);
        await copy(now, then);

        assert.equal(await migrate(then, { name: "node" }), FILES.length - version);
        const upgraded = testNode(then);
        t.after(() => upgraded.close());
        assert.deepEqual(await answers(upgraded), await answers(made));
        await upgraded.publish(post(item("later")));
        assert.equal((await upgraded.ids({})).length, ITEMS.length + 1);
      });
    }
  });
}
