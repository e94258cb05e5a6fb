import assert from "node:assert/strict";
import { test } from "node:test";
import { membersOf } from "../../src/core/json-members.ts";
import { createRandom } from "../../src/core/random.ts";

const texts = (object: string): string[] => [...membersOf(object).values()].map((member) => member.trim());

test("members come as they are written, in their order", () => {
  const written = [
    '"a":1e400',
    '"b" : -0',
    '"c":[{"a":2},"]}"]',
    '"d":{"e":{"f":[]}}',
    '"":"{\\"a\\":1,"',
    '"é😀":null',
  ];
  assert.deepEqual(texts(`{${written}}`), written);
  assert.deepEqual(texts(` {\n ${written.join(" ,\t")}\r\n}`), written);
  assert.deepEqual(texts("{}"), []);
});

test("of several members with one name the last counts, however the name is spelled", () => {
  const members = membersOf('{"links":1,"x":2,"\\u006cin\\u006Bs":3}');
  assert.deepEqual([...members], Object.entries({ links: '"\\u006cin\\u006Bs":3', x: '"x":2' }));
});

test("strings end where they end", () => {
  for (const text of ["", "\\", '"', '\\"', '\\\\"', '},"links":[', "\\\\", '",\\', "\u2028\ud800"]) {
    const object = { [text]: text, [`${text}2`]: [text, { [text]: text }] };
    const again = Object.fromEntries(
      [...membersOf(JSON.stringify(object))].map(([name, member]) => [name, JSON.parse(`{${member}}`)[name]]),
    );
    assert.deepEqual(again, object);
  }
});

test("what is no JSON object ends too", () => {
  const broken = ["", "{", '{"', '{"a', "[[[", "}}}", ",,,", "null", '{"a":1', "\\", '"{'.repeat(1000)];
  for (const text of broken) assert.equal(membersOf(text).size, 0, text);
});

test("made up objects", () => {
  const random = createRandom(1, "members");
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const value = (depth: number): unknown => {
    const kind = depth > 4 ? 0 : Math.floor(random() * 3);
    if (kind === 0) return pick([null, true, -0.5, 1e300, "", '"', "\\", "{[,:]}", "é\n"]);
    if (kind === 1) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1));
    // No name ends with a backslash: V8 13.6 takes `"\\""` for such a name where it expects one.
    const entry = () => [pick(["a", "links", '"', "\\ "]), value(depth + 1)];
    return Object.fromEntries(Array.from({ length: Math.floor(random() * 4) }, entry));
  };
  for (let i = 0; i < 2000; i++) {
    const object = { a: value(0), links: value(0), '\\"': value(0) };
    const text = JSON.stringify(object, null, i % 3);
    assert.deepEqual(JSON.parse(`{${[...membersOf(text).values()]}}`), JSON.parse(text), text);
    assert.deepEqual(
      JSON.parse(`{${membersOf(text).get("links")}}`),
      JSON.parse(JSON.stringify({ links: object.links })),
    );
  }
});
