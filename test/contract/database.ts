import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import type { Database, Pool } from "../../src/db/database.ts";
import { isGyreError } from "../../src/errors.ts";

/** What the suite is run over. */
export interface DatabaseFixture {
  /** On an empty schema, with at least three connections. */
  readonly pool: Pool;
  close(): Promise<unknown>;
}

export interface DatabaseContract {
  /** Why nothing can be tested here, now. */
  readonly unavailable?: string | undefined;
}

/** What every pool does, whatever server it is on. */
export function testDatabase(
  name: string,
  make: () => Promise<DatabaseFixture>,
  { unavailable }: DatabaseContract = {},
): void {
  describe(`database: ${name}`, { skip: unavailable ?? false }, () => {
    let fixture: DatabaseFixture;
    before(async () => {
      fixture = await make();
    });
    after(() => fixture.close());
    for (const [title, run] of Object.entries(CASES)) test(title, () => run(fixture.pool));
  });
}

interface Note {
  readonly id: number;
  readonly text: string;
}

let tables = 0;

/** A table of one case, with the notes 1 to `count`. */
async function notes(db: Pool, count = 0): Promise<string> {
  tables += 1;
  const table = `notes_${tables}`;
  await db.query(`create table ${table} (id int primary key, text text not null)`);
  await db.query(`insert into ${table} select i, 'note ' || i from generate_series(1, $1::int) i`, [count]);
  return table;
}

async function textsOf(db: Pool, table: string): Promise<string[]> {
  const rows = await db.query<Note>(`select id, text from ${table} order by id`);
  return rows.map(({ text }) => text);
}

/** Asks until the answer is as wanted; a run that never comes there is ended by the limit of the test runner. */
async function until<Row extends object>(db: Pool, sql: string, isDone: (rows: Row[]) => boolean): Promise<Row[]> {
  for (;;) {
    const rows = await db.query<Row>(sql);
    if (isDone(rows)) return rows;
  }
}

/** Sessions of this schema that run a statement with `mark` in it, but for the one that asks. */
function running(db: Pool, mark: string): string {
  return `select pid from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()
    and application_name = 'gyre ${db.schema}' and query like '%${mark}%'`;
}

const code = (expected: string) => (error: unknown) => (error as { code?: string }).code === expected;

const CASES: Readonly<Record<string, (db: Pool) => Promise<void>>> = {
  async "the server is PostgreSQL 15 or newer"(db) {
    const [, major] = /^PostgreSQL (\d+)/.exec(await db.version()) ?? [];
    assert.ok(Number(major) >= 15, await db.version());
  },

  async "a prepared statement is parsed once for a connection, and outlives changes of its table"(db) {
    const table = await notes(db, 3);
    const sql = `select text from ${table} where id = $1`;
    const known = async (tx: Database) =>
      (await tx.query("select name from pg_prepared_statements where statement = $1", [sql])).length;
    await db.transaction(async (tx) => {
      assert.deepEqual(await tx.query(sql, [1]), [{ text: "note 1" }]);
      assert.equal(await known(tx), 0);
      for (const id of [1, 2, 3])
        assert.deepEqual(await tx.query(sql, [id], { prepared: true }), [{ text: `note ${id}` }]);
      assert.equal(await known(tx), 1);
      await tx.query(`alter table ${table} add column more int`);
      assert.deepEqual(await tx.query(sql, [2], { prepared: true }), [{ text: "note 2" }]);
    });
    await assert.rejects(db.query("select 1 / $1::int as x", [0], { prepared: true }), /division/);
    assert.deepEqual(await db.query("select 1 / $1::int as x", [1], { prepared: true }), [{ x: 1 }]);
  },

  async "numbers arrive as numbers, and as text where a number cannot hold them"(db) {
    const [row] = await db.query(
      `select 7::int8 as big, 9007199254740991::int8 as last, 9007199254740993::int8 as beyond, 1.25::numeric as exact,
        12345678901234567890.5::numeric as wide, count(*) as counted, sum(1) as summed from generate_series(1, 3)`,
    );
    assert.deepEqual(row, {
      big: 7,
      last: 9007199254740991,
      beyond: "9007199254740993",
      exact: 1.25,
      wide: "12345678901234567890.5",
      counted: 3,
      summed: 3,
    });
  },

  async "instants arrive as dates, what has no zone as text, documents parsed, nothing as null"(db) {
    const [row] = await db.query(
      `select '2000-02-29T12:00:00.250+02'::timestamptz as at, '1850-01-01'::date as day,
        '2000-01-01 00:30'::timestamp as local, '{"a":[1,null]}'::jsonb as doc, null::int as nothing, true as yes`,
    );
    assert.deepEqual(row, {
      at: new Date("2000-02-29T10:00:00.250Z"),
      day: "1850-01-01",
      local: "2000-01-01 00:30:00",
      doc: { a: [1, null] },
      nothing: null,
      yes: true,
    });
  },

  async "members of arrays arrive as they do alone"(db) {
    const [row] = await db.query(
      `select array[1, null, 9007199254740993]::int8[] as big, array[0.5]::numeric[] as exact,
        array['1850-01-01']::date[] as days, array['a,b', '"']::text[] as texts, '{}'::int8[] as none`,
    );
    assert.deepEqual(row, {
      big: [1, null, "9007199254740993"],
      exact: [0.5],
      days: ["1850-01-01"],
      texts: ["a,b", '"'],
      none: [],
    });
  },

  async "a bound value is never read as SQL"(db) {
    const table = await notes(db);
    const text = `'); drop table ${table}; -- $1 \\ " é 🌍`;
    await db.query(`insert into ${table} values ($1, $2)`, [1, text]);
    assert.deepEqual(await textsOf(db, table), [text]);
  },

  async "names without a schema mean the pool's"(db) {
    const [row] = await db.query<{ schema: string }>("select current_schema() as schema");
    assert.equal(row?.schema, db.schema);
  },

  async "an error of the server keeps its code"(db) {
    const table = await notes(db, 1);
    await assert.rejects(db.query(`insert into ${table} values (1, 'again')`), code("23505"));
    await assert.rejects(db.query("select * from nowhere"), code("42P01"));
  },

  async "what a transaction did is there when it ended, and not before"(db) {
    const table = await notes(db);
    const answer = await db.transaction(async (tx) => {
      await tx.query(`insert into ${table} values (1, 'one')`);
      assert.deepEqual(await textsOf(db, table), []);
      return "done";
    });
    assert.equal(answer, "done");
    assert.deepEqual(await textsOf(db, table), ["one"]);
  },

  async "what throws leaves nothing, and its own error"(db) {
    const table = await notes(db);
    const trouble = new Error("trouble");
    const work = db.transaction(async (tx) => {
      await tx.query(`insert into ${table} values (1, 'one')`);
      throw trouble;
    });
    await assert.rejects(work, (error) => error === trouble);
    assert.deepEqual(await textsOf(db, table), []);
  },

  async "a failure that was swallowed does not pass for a commit"(db) {
    const table = await notes(db, 1);
    const work = db.transaction(async (tx) => {
      await tx.query(`insert into ${table} values (2, 'two')`);
      await tx.query(`insert into ${table} values (1, 'again')`).catch(() => undefined);
    });
    await assert.rejects(work, (error) => isGyreError(error, "Conflict"));
    assert.deepEqual(await textsOf(db, table), ["note 1"]);
  },

  async "a nested transaction that throws takes back only its own"(db) {
    const table = await notes(db);
    await db.transaction(async (tx) => {
      await tx.query(`insert into ${table} values (1, 'outer')`);
      const inner = tx.transaction(async (nested) => {
        await nested.query(`insert into ${table} values (2, 'inner')`);
        await nested.transaction((deeper) => deeper.query(`insert into ${table} values (3, 'deeper')`));
        await nested.query(`insert into ${table} values (1, 'again')`);
      });
      await assert.rejects(inner, code("23505"));
      await tx.transaction((nested) => nested.query(`insert into ${table} values (4, 'later')`));
    });
    assert.deepEqual(await textsOf(db, table), ["outer", "later"]);
  },

  async "a transaction takes nothing after its end"(db) {
    const late = await db.transaction(async (tx) => tx);
    await assert.rejects(late.query("select 1"), (error) => isGyreError(error, "Conflict"));
    await assert.rejects(
      late.transaction(async () => undefined),
      (error) => isGyreError(error, "Conflict"),
    );
  },

  async "a transaction may only read, or see one moment"(db) {
    const table = await notes(db, 1);
    const write = db.transaction((tx) => tx.query(`delete from ${table}`), { readOnly: true });
    await assert.rejects(write, code("25006"));
    const look = async (isolation: "read committed" | "repeatable read"): Promise<[number, number]> =>
      db.transaction(
        async (tx) => {
          const first = (await tx.query(`select from ${table}`)).length;
          await db.query(`insert into ${table} select max(id) + 1, 'more' from ${table}`);
          return [first, (await tx.query(`select from ${table}`)).length];
        },
        { isolation },
      );
    assert.deepEqual(await look("repeatable read"), [1, 1]);
    assert.deepEqual(await look("read committed"), [2, 3]);
  },

  async "a serialization failure is tried again as often as asked for"(db) {
    const table = await notes(db, 1);
    let runs = 0;
    const disturbed = (times: number, retries: number): Promise<void> =>
      db.transaction(
        async (tx) => {
          runs += 1;
          await tx.query(`select * from ${table}`);
          if (runs <= times) await db.query(`update ${table} set text = 'theirs ' || $1::text`, [runs]);
          await tx.query(`update ${table} set text = text || ', ours'`);
        },
        { isolation: "repeatable read", retries },
      );
    await disturbed(2, 2);
    assert.equal(runs, 3);
    assert.deepEqual(await textsOf(db, table), ["theirs 2, ours"]);
    runs = 0;
    await assert.rejects(disturbed(2, 1), code("40001"));
    assert.equal(runs, 2);
  },

  async "a stream gives every row once, in batches"(db) {
    const table = await notes(db, 10);
    const sizes: number[] = [];
    const ids: number[] = [];
    const rows = db.stream<Note>(`select id from ${table} where id > $1 order by id`, [1], { batch: 4 });
    for await (const batch of rows) {
      sizes.push(batch.length);
      ids.push(...batch.map(({ id }) => id));
    }
    assert.deepEqual(sizes, [4, 4, 1]);
    assert.deepEqual(ids, [2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for await (const batch of db.stream(`select id from ${table} where id > 10`)) assert.fail(`${batch.length} rows`);
  },

  async "a transaction goes on between the batches of its stream, and after one that was left"(db) {
    const table = await notes(db, 6);
    await db.transaction(async (tx) => {
      for await (const batch of tx.stream<Note>(`select id from ${table} order by id`, [], { batch: 2 })) {
        await tx.query(`update ${table} set text = 'seen' where id = any($1)`, [batch.map(({ id }) => id)]);
        if (batch.some(({ id }) => id === 4)) break;
      }
      const [open] = await tx.query<{ count: number }>("select count(*) from pg_cursors");
      assert.equal(open?.count, 0);
    });
    assert.deepEqual(await textsOf(db, table), ["seen", "seen", "seen", "seen", "note 5", "note 6"]);
  },

  async "a stream that was left gives its connection back"(db) {
    for (let i = 0; i < 20; i++) {
      for await (const batch of db.stream("select generate_series(1, 100000) as i", [], { batch: 1 })) {
        assert.equal(batch.length, 1);
        break;
      }
    }
    const idle = `select from pg_stat_activity where application_name = 'gyre ${db.schema}' and state like 'idle in %'`;
    assert.deepEqual(await db.query(idle), []);
  },

  async "a statement that is aborted ends on the server too"(db) {
    const controller = new AbortController();
    const statement = db.query("select pg_sleep(600), 'aborted'", [], controller);
    await until(db, running(db, "''aborted''"), (rows) => rows.length === 1);
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(statement, (error) => error === reason);
    await until(db, running(db, "''aborted''"), (rows) => rows.length === 0);
    await assert.rejects(db.query("select 1", [], controller), (error) => error === reason);
  },

  async "a transaction whose statement is aborted is rolled back"(db) {
    const table = await notes(db);
    const controller = new AbortController();
    const work = db.transaction(async (tx) => {
      await tx.query(`insert into ${table} values (1, 'one')`);
      await tx.query("select pg_sleep(600), 'in a transaction'", [], controller);
    });
    await until(db, running(db, "''in a transaction''"), (rows) => rows.length === 1);
    controller.abort(new Error("enough"));
    await assert.rejects(work, /enough/);
    assert.deepEqual(await textsOf(db, table), []);
  },

  async "a lost connection is Busy, and the next one works"(db) {
    const lost = db.query("select pg_terminate_backend(pg_backend_pid())");
    await assert.rejects(lost, (error) => isGyreError(error, "Busy"));
    const inside = db.transaction(async (tx) => tx.query("select pg_terminate_backend(pg_backend_pid())"));
    await assert.rejects(inside, (error) => isGyreError(error, "Busy"));
    assert.deepEqual(await db.query("select 1 as one"), [{ one: 1 }]);
  },

  async "what is notified is heard, on that channel and until the end"(db) {
    const heard: string[] = [];
    const sounds = new EventTarget();
    const hear = (channel: string): Promise<AsyncDisposable> => {
      const onPayload = (payload: string): void => {
        heard.push(payload);
        sounds.dispatchEvent(new Event(payload));
      };
      return db.listen(channel, onPayload, () => undefined);
    };
    const [one, two] = [`Odd "channel" ${db.schema}`, `other ${db.schema}`];
    const first = await hear(one);
    await using _ = await hear(two);
    const [heardFirst, last] = [once(sounds, "first"), once(sounds, "last")];
    await db.query("select pg_notify($1, 'first')", [one]);
    await heardFirst;
    await first[Symbol.asyncDispose]();
    await db.query("select pg_notify($1, 'too late')", [one]);
    await db.query("select pg_notify($1, 'nowhere')", [`third ${db.schema}`]);
    await db.query("select pg_notify($1, 'last')", [two]);
    await last;
    assert.deepEqual(heard, ["first", "last"]);
  },

  async "a listener whose connection is lost comes back, and says so"(db) {
    const channel = `back ${db.schema}`;
    const sounds = new EventTarget();
    await using _ = await db.listen(
      channel,
      (payload) => sounds.dispatchEvent(new Event(payload)),
      () => sounds.dispatchEvent(new Event("back")),
    );
    const back = once(sounds, "back");
    await db.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'gyre ${db.schema}' and query like 'listen%'`,
    );
    await back;
    const heard = once(sounds, "again");
    await db.query("select pg_notify($1, 'again')", [channel]);
    await heard;
  },
};
