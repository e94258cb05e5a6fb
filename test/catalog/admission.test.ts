import assert from "node:assert/strict";
import { test } from "node:test";
import { type Candidate, candidateOf } from "../../src/catalog/accepted.ts";
import { Admission } from "../../src/catalog/admission.ts";
import { ANONYMOUS } from "../../src/core/principal.ts";
import { topicTemplate } from "../../src/core/topic.ts";
import type { Pool } from "../../src/db/database.ts";
import { isGyreError } from "../../src/errors.ts";
import { changeOf, item, post } from "../contract/catalog/node.ts";
import { testDatabase } from "../services/postgres.ts";

function candidate(id: string): Candidate {
  return candidateOf(changeOf(post(item(id))), new Date());
}

/** The pool, which counts its transactions. */
function counted(pool: Pool): Pool & { readonly transactions: number } {
  let transactions = 0;
  return {
    schema: pool.schema,
    query: (sql, values, call) => pool.query(sql, values, call),
    transaction(work, options) {
      transactions++;
      return pool.transaction(work, options);
    },
    stream: (sql, values, call) => pool.stream(sql, values, call),
    version: () => pool.version(),
    listen: (channel, onPayload, onReconnect) => pool.listen(channel, onPayload, onReconnect),
    close: () => pool.close(),
    get transactions() {
      return transactions;
    },
  };
}

test("requests that come while another one is acted on are decided on together", async (t) => {
  const pool = counted(await testDatabase(t, { migrations: ["node"] }));
  const admission = new Admission(pool, topicTemplate(), 600_000);
  const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = admission.admit([candidate("a")], ANONYMOUS, async () => {
    begun.resolve();
    await over.promise;
  });
  await begun.promise;
  const second = admission.admit([candidate("b")], ANONYMOUS, async ({ admitted }) => admitted.length);
  await pool.query("select 1");
  const third = admission.admit([candidate("a")], ANONYMOUS, async () => assert.fail("it is there"));
  third.catch(() => undefined);
  await pool.query("select 1");
  assert.equal(pool.transactions, 1);
  over.resolve();
  await first;
  assert.equal(await second, 1);
  await assert.rejects(third, (error) => isGyreError(error, "Conflict"));
  assert.equal(pool.transactions, 2);
});

test("those who were answered together are decided on together the next time", async (t) => {
  const pool = counted(await testDatabase(t, { migrations: ["node"] }));
  const admission = new Admission(pool, topicTemplate(), 600_000, 600_000);
  const publish = (id: string): Promise<number> =>
    admission.admit([candidate(id)], ANONYMOUS, async ({ admitted }) => admitted.length);
  await Promise.all([publish("a"), publish("b")]);
  await pool.query("select 1");
  const early = publish("c");
  await pool.query("select 1");
  assert.equal(pool.transactions, 1);
  await Promise.all([early, publish("d")]);
  assert.equal(pool.transactions, 2);
});

test("what hangs keeps nobody from being decided on", async (t) => {
  const pool = await testDatabase(t, { migrations: ["node"] });
  const admission = new Admission(pool, topicTemplate(), 1);
  void admission.admit([candidate("a")], ANONYMOUS, () => new Promise<never>(() => undefined));
  await assert.rejects(
    admission.admit([candidate("a")], ANONYMOUS, async () => assert.fail("it is pending")),
    (error) => isGyreError(error, "Conflict"),
  );
});

test("what one request does wrong afterwards is its own fault", async (t) => {
  const admission = new Admission(await testDatabase(t, { migrations: ["node"] }), topicTemplate());
  const broken = admission.admit([candidate("a")], ANONYMOUS, async () => {
    throw new Error("the log is away");
  });
  const whole = admission.admit([candidate("b")], ANONYMOUS, async ({ admitted }) => admitted.length);
  await assert.rejects(broken, /the log is away/);
  assert.equal(await whole, 1);
  assert.equal(await admission.admit([candidate("c")], ANONYMOUS, async ({ admitted }) => admitted.length), 1);
});
