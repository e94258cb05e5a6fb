import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson } from "../../../src/catalog/cql2/json.ts";
import { parseText } from "../../../src/catalog/cql2/text.ts";
import { toJson } from "../../../src/catalog/cql2/to-json.ts";
import { toText } from "../../../src/catalog/cql2/to-text.ts";
import { GyreError, isGyreError } from "../../../src/errors.ts";
import { BY_PEER, EXAMPLES } from "./examples.ts";
import { Generator, random } from "./generator.ts";

test("the standard's examples are read, and come back the same through both encodings", () => {
  for (const text of EXAMPLES) {
    const expression = parseText(text);
    assert.deepEqual(parseText(toText(expression)), expression, text);
    assert.deepEqual(parseJson(JSON.parse(JSON.stringify(toJson(expression)))), expression, text);
  }
});

test("cql2-rs reads the same in every example, and its JSON is read", () => {
  assert.equal(BY_PEER.length, EXAMPLES.length);
  for (const [i, text] of EXAMPLES.entries()) assert.deepEqual(parseJson(BY_PEER[i]), parseText(text), text);
});

test("AND binds closer than OR, NOT closer than both, powers before products before sums", () => {
  assert.equal(toText(parseText("a=1 OR b=2 AND NOT c=3")), "(a = 1) OR ((b = 2) AND (NOT (c = 3)))");
  assert.equal(toText(parseText("a+b*c^2-d = 0")), "((a + (b * (c ^ 2))) - d) = 0");
  assert.equal(toText(parseText("((a + 1) * 2) > ((3))")), "((a + 1) * 2) > 3");
});

test("generated expressions come back the same through both encodings", () => {
  const generator = new Generator(7);
  for (let i = 0; i < 1500; i++) {
    const expression = parseJson(toJson(generator.expression()));
    assert.deepEqual(parseJson(JSON.parse(JSON.stringify(toJson(expression)))), expression);
    assert.deepEqual(parseText(toText(expression)), expression, toText(expression));
  }
});

test("and, or of a single argument are that argument, as STAC Browser says it; of none they are refused", () => {
  const only = { op: "=", args: [{ property: "a" }, 1] };
  for (const op of ["and", "or"]) {
    assert.deepEqual(parseJson({ op, args: [only] }), parseJson(only));
    assert.throws(() => parseJson({ op, args: [] }), /takes two arguments or more/);
  }
});

test("a refused text names the character and what is allowed", () => {
  const faults: readonly [string, RegExp][] = [
    ["", /character 1: found the end/],
    ["a = ", /character 5: found the end, expected a property/],
    ["a = 'x", /character 5: text begins here and never ends/],
    ["a = 1 b", /character 7: found "b", expected AND or OR/],
    ["a ~ 1", /character 3: "~" means nothing/],
    ["a AND b = 1", /character 1: a value, where something true or false/],
    ["foo(a) = 1", /character 1: there is no function foo/],
    [`a LIKE '${"%a".repeat(501)}'`, /character 8: a pattern has at most 1000/],
    ["a LIKE b", /character 8: LIKE takes a constant text/],
    ["a LIKE 'x\\'", /never ends/],
    ["a LIKE 'x\\\\\\\\\\'' AND", /found the end/],
    ["d > DATE('2020-02-30')", /character 10: expected '2020-01-31'/],
    ["d > TIMESTAMP('2020-02-30')", /character 15: expected/],
    ["S_INTERSECTS(geometry, BBOX(0,0,1))", /character 24: a box has four or six numbers/],
    ["S_INTERSECTS(geometry, POLYGON((0 0,1 1,2 0)))", /character 24: a ring has four positions/],
    ["S_INTERSECTS(geometry, POINT(1000 0))", /outside longitude/],
    ["S_INTERSECTS(geometry, 5)", /s_intersects takes geometries/],
    ["T_AFTER(datetime, INTERVAL('2001-01-01','2000-01-01'))", /ends before it starts/],
    ["A_CONTAINS(a, (POINT(1 2)))", /an array holds/],
    ["a = 'x' + 1", /arithmetic takes numbers/],
    ["a = 1e999", /beyond any number/],
    ["a = 'x\0'", /NUL/],
    ["a IN ()", /found "\)"/],
    ["a = (1, 2)", /array is nothing that can be compared/],
    [`${"(".repeat(65)}a = 1${")".repeat(65)}`, /nested deeper than 64/],
    [`a = ${Array.from({ length: 80 }, () => "1").join("+")}`, /nested deeper than 64/],
    [`a IN (${Array.from({ length: 2100 }, () => "1").join(",")})`, /more than 2000 operators/],
    ["x".repeat(20_000), /longer than 16384 characters/],
  ];
  for (const [text, message] of faults) {
    assert.throws(
      () => parseText(text),
      (error) => isGyreError(error, "BadRequest") && message.test(error.message),
      text.slice(0, 60),
    );
  }
});

test("a refused JSON names the pointer", () => {
  const faults: readonly [unknown, string][] = [
    [{ op: "=", args: [{ property: "a" }] }, "/args"],
    [{ op: "and", args: [true, { op: "foo", args: [1, 2] }] }, "/args/1/op"],
    [{ op: "=", args: [{ property: "" }, 1] }, "/args/0/property"],
    [{ op: "=", args: [{ property: "a" }, null] }, "/args/1"],
    [{ op: "t_after", args: [{ property: "a" }, { date: "x" }] }, "/args/1/date"],
    [{ op: "t_after", args: [{ property: "a" }, { interval: ["..", "x"] }] }, "/args/1/interval/1"],
    [{ op: "s_within", args: [{ property: "a" }, { bbox: [1, 2, 3] }] }, "/args/1/bbox"],
    [{ op: "s_within", args: [{ property: "a" }, { type: "Point", coordinates: [1, "2"] }] }, "/args/1/coordinates"],
    [
      { op: "s_within", args: [{ property: "a" }, { type: "Polygon", coordinates: [[[0, 0]]] }] },
      "/args/1/coordinates",
    ],
    [{ op: "in", args: [{ property: "a" }, 5] }, "/args/1"],
    [{ op: "not", args: [5] }, "/args/0"],
    [{ foo: 1 }, ""],
    [[], ""],
    ["x", ""],
    [JSON.parse('{"op":"=","args":[{"property":"__proto__"},{"type":"constructor"}]}'), "/args/1/type"],
  ];
  for (const [value, pointer] of faults) {
    assert.throws(
      () => parseJson(value),
      (error) => isGyreError(error, "BadRequest") && error.details.faults?.[0]?.pointer === pointer,
      JSON.stringify(value),
    );
  }
  let deep: unknown = true;
  for (let i = 0; i < 10_000; i++) deep = { op: "not", args: [deep] };
  assert.throws(() => parseJson(deep), /nested deeper than 64/);
});

test("damaged text is read or refused, never anything else (seed 11)", () => {
  const next = random(11);
  for (let i = 0; i < 6000; i++) {
    const text = EXAMPLES[Math.floor(next() * EXAMPLES.length)]!;
    const at = Math.floor(next() * text.length);
    const other = EXAMPLES[Math.floor(next() * EXAMPLES.length)]!;
    const damage = [
      text.slice(0, at) + text.slice(at + 1 + Math.floor(next() * 4)),
      text.slice(0, at) + other.slice(Math.floor(next() * other.length)),
      text.slice(0, at) + String.fromCharCode(Math.floor(next() * 0x300)) + text.slice(at),
      text.slice(0, at) + text.slice(Math.floor(next() * text.length)),
    ][i % 4]!;
    try {
      const expression = parseText(damage);
      assert.deepEqual(parseText(toText(expression)), expression, damage);
    } catch (error) {
      if (!(error instanceof GyreError) || error.tag !== "BadRequest") throw error;
    }
  }
});
