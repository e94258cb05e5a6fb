import assert from "node:assert/strict";
import { test } from "node:test";
import type { Expression } from "../../../src/catalog/cql2/expression.ts";
import { foldCase } from "../../../src/catalog/cql2/folding.ts";
import { createMatcher } from "../../../src/catalog/cql2/matcher.ts";
import { type Columns, toSql } from "../../../src/catalog/cql2/sql.ts";
import { parseText } from "../../../src/catalog/cql2/text.ts";
import { toText } from "../../../src/catalog/cql2/to-text.ts";
import { boxText } from "../../../src/catalog/footprint.ts";
import { prepareItem } from "../../../src/catalog/item-row.ts";
import type { StacItem } from "../../../src/core/stac.ts";
import type { Database } from "../../../src/db/database.ts";
import { testDatabases } from "../../services/postgres.ts";
import { EXAMPLES } from "./examples.ts";
import { Generator } from "./generator.ts";

const COLUMNS: Columns = {
  id: "id",
  collection: "collection",
  span: "span",
  properties: "properties",
  geometry: "place",
  meets: (box, bind) => `place && ${bind(boxText(box))}::box`,
};

async function fill(db: Database, items: readonly StacItem[]): Promise<void> {
  await db.query(
    'create table things (id text collate "C", collection text, span tstzrange, place box, properties jsonb)',
  );
  const rows = items.map((item) => {
    const { row } = prepareItem(item);
    return { id: item.id, collection: item.collection, span: row.span, place: row.place, properties: row.properties };
  });
  await db.query(
    "insert into things select r.* from jsonb_to_recordset($1::jsonb) as r(id text, collection text, span tstzrange, place box, properties jsonb)",
    [JSON.stringify(rows)],
  );
}

/** Ids that the database finds, and of them those that really fulfil the expression. */
async function found(db: Database, expression: Expression): Promise<{ ids: readonly string[]; isExact: boolean }> {
  const { condition, isExact } = toSql(expression, COLUMNS);
  const rows = await db.query<{ id: string }>(
    `select id from things where ${condition.text} order by id`,
    condition.values,
  );
  return { ids: rows.map(({ id }) => id), isExact };
}

async function matching(items: readonly StacItem[], expression: Expression): Promise<readonly string[]> {
  using matcher = await createMatcher(expression);
  return items.filter((item) => matcher.matches(item)).map(({ id }) => id);
}

for (const { name, unavailable, make } of testDatabases()) {
  test(`${name}: SQL finds what the evaluator finds, for generated expressions and items`, {
    skip: unavailable ?? false,
  }, async (t) => {
    const db = await make(t);
    const generator = new Generator(20260722);
    const items = Array.from({ length: 120 }, (_, i) => generator.item(`item-${String(i).padStart(3, "0")}`));
    await fill(db, items);
    let [exact, some] = [0, 0];
    const count = 1500;
    for (let i = 0; i < count; i++) {
      const expression = generator.expression();
      const expected = await matching(items, expression);
      const { ids, isExact } = await found(db, expression);
      if (isExact) assert.deepEqual(ids, expected, toText(expression));
      else
        assert.deepEqual(
          expected.filter((id) => !ids.includes(id)),
          [],
          toText(expression),
        );
      exact += Number(isExact);
      some += Number(expected.length > 0 && expected.length < items.length);
    }
    // The comparison means something: most are decided in SQL, and many divide the items.
    assert.ok(exact > count * 0.7, `${exact} of ${count} exact`);
    assert.ok(some > count * 0.3, `${some} of ${count} divide the items`);
  });

  test(`${name}: all letters are folded as in the evaluator`, { skip: unavailable ?? false }, async (t) => {
    const db = await make(t);
    const all = Array.from({ length: 0x1_ea00 }, (_, code) => String.fromCodePoint(code));
    const cased = all.filter((one) => one.isWellFormed() && one.toLowerCase() !== one.toUpperCase());
    // One without, and one with letters that become several.
    const texts = [cased.filter((one) => [...foldCase(one)].length === 1).join(""), cased.join("")];
    await fill(
      db,
      texts.map((s, i) => ({ ...new Generator(1).item(`item-${i}`), properties: { datetime: null, s } })),
    );
    const left = { kind: "casei", operand: { kind: "property", name: "s" } } as const;
    for (const [i, text] of texts.entries()) {
      const right = { kind: "literal", value: foldCase(text) } as const;
      assert.deepEqual((await found(db, { kind: "compare", op: "=", left, right })).ids, [`item-${i}`]);
    }
  });

  test(`${name}: every example of the standard is valid SQL`, { skip: unavailable ?? false }, async (t) => {
    const db = await make(t);
    await fill(db, [new Generator(1).item("one")]);
    for (const text of EXAMPLES) await found(db, parseText(text));
  });

  test(`${name}: the largest filters are answered`, { skip: unavailable ?? false }, async (t) => {
    const db = await make(t);
    const items = [new Generator(1).item("one")];
    await fill(db, items);
    const nested = `${Array.from({ length: 60 }, () => "a").join(" * ")} > 1`;
    const wide = `a IN (${Array.from({ length: 1900 }, (_, i) => i).join(",")})`;
    const powers = `${"(".repeat(30)}a^b${")^b".repeat(30)} > 1`;
    const properties = `a IN (${Array.from({ length: 1900 }, (_, i) => `p${i}`).join(",")})`;
    const doubled = `${"(".repeat(50)}a = 1${") = TRUE".repeat(50)}`;
    const times = Array.from({ length: 300 }, (_, i) => `T_MEETS(INTERVAL(a${i},b${i}),INTERVAL(c${i},d${i}))`).join(
      " OR ",
    );
    for (const text of [nested, wide, powers, `NOT (${wide})`]) {
      const expression = parseText(text);
      assert.deepEqual((await found(db, expression)).ids, await matching(items, expression));
    }
    // What no planner should be asked is left to the process.
    for (const text of [properties, doubled, times, `NOT (${properties})`]) {
      const expression = parseText(text);
      const { ids, isExact } = await found(db, expression);
      assert.equal(isExact, false, text.slice(0, 40));
      for (const id of await matching(items, expression)) assert.ok(ids.includes(id));
    }
  });
}
