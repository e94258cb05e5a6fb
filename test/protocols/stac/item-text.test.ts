import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import type { StoredItem } from "../../../src/catalog/catalog.ts";
import { itemOf } from "../../../src/catalog/item-row.ts";
import { membersOf } from "../../../src/core/json-members.ts";
import type { StacItem } from "../../../src/core/stac.ts";
import { linkedItem, linkedText } from "../../../src/protocols/stac/links.ts";
import { CALL, item } from "../../contract/catalog/node.ts";
import { type Json, ROOT, type StacNode, stacNode, suiteEnding } from "./node.ts";

const HREF = "https://elsewhere.example/";
const PROPERTIES =
  '{"datetime": null, "links": [{"rel": "self"}], "title": "\\"},\\"links\\":[\\\\", "n": 12345678901234567890.50}';
const LINKS = `[{"rel":"self","href":"${HREF}"},{"rel":"license","href":"${HREF}"},{"rel":"license","href":"${HREF}"}]`;

/** Documents without their properties, as rows may hold them. */
const BODIES = {
  plain: `{"type":"Feature","id":"a","collection":"c","geometry":null,"links":${LINKS},"assets":{}}`,
  "spaces and lines": `\n{ "type" : "Feature",\r\n\t"id":"a" ,"collection": "c", "links" : ${LINKS} , "assets":\n{ } }\n`,
  "escapes and unicode": `{"type":"Feature","id":"a","\\u0063ollection":"\\u0063","x":"\\\\","y":"\\"}\\\\","é😀\u2028":"\\ud83d\\ude00","\\u006cinks":${LINKS},"assets":{"\\"links\\":[":{"href":"é\\u0001"}}}`,
  "of links the last": `{"links":[{"rel":"first"}],"type":"Feature","id":"b","id":"a","collection":"c","links":${LINKS},"assets":{"x":1},"assets":{}}`,
  "links further in": `{"type":"Feature","assets":{"links":{"href":"x","links":[{"rel":"self"}]}},"id":"a","collection":"c","links":${LINKS}}`,
  "no links, no assets": '{"type":"Feature","id":"a","collection":"c"}',
  "links that are none": `{"links":{"rel":"license"},"type":"Feature","id":"a","collection":"c","assets":{}}`,
  "an array with all but links": `{"links":[null,1,"x",[],{},{"rel":null},{"rel":["self"]},{"rel":{"toString":1}}],"id":"a","collection":"c"}`,
  "properties of its own": '{"type":"Feature","properties":{"x":1},"id":"a","collection":"c","links":[],"assets":{}}',
  numbers:
    '{"type":"Feature","id":"a","collection":"c","bbox":[-0,1e400,123456789012345678901,1.0],"links":[],"assets":{}}',
  "a name like any other": '{"__proto__":{"id":"x"},"constructor":1,"id":"a","collection":"c","links":[]}',
  "a depth of hundreds": `{"id":"a","collection":"c","links":[],"x":${"[".repeat(500)}${"]".repeat(500)}}`,
  "4 MB": `{"id":"a","collection":"c","assets":{"x":"${'\\"'.repeat(400_000)}${"é".repeat(1_600_000)}"},"links":${LINKS}}`,
};

const BASE = new URL(`${ROOT}/`);

/** The answer as it is made where the item is looked into; members without a value are not written. */
function parsedAnswer(document: StacItem): object {
  return Object.fromEntries(Object.entries(linkedItem(document, BASE)).filter(([, value]) => value !== undefined));
}

test("an item's text is the text of what it is parsed to", () => {
  for (const [name, body] of Object.entries(BODIES)) {
    const text = linkedText({ body, properties: PROPERTIES }, BASE);
    const parsed = itemOf(JSON.parse(body) as object, JSON.parse(PROPERTIES) as object);
    assert.deepEqual(JSON.parse(text), parsedAnswer(parsed), name);
    const order = (names: Iterable<string>): string[] => [...names].filter((one) => one !== "properties");
    assert.deepEqual(order(membersOf(text).keys()), order(Object.keys(parsedAnswer(parsed))), name);
  }
});

test("numbers keep the digits that they are stored with, and names are written once", () => {
  const text = linkedText({ body: BODIES.numbers, properties: PROPERTIES }, BASE);
  assert.ok(
    text.includes('"bbox":[-0,1e400,123456789012345678901,1.0],') && text.includes(" 12345678901234567890.50}"),
  );
  const repeated = linkedText({ body: BODIES["of links the last"], properties: "{}" }, BASE);
  for (const name of ["id", "links", "properties", "assets"])
    assert.equal(repeated.split(`"${name}":`).length, 2, name);
});

suite("items as they are stored", () => {
  const ending = suiteEnding();
  let node: StacNode;
  before(async () => {
    node = await stacNode(ending);
    await node.publish([item("a"), item("b")]);
  });

  for (const [name, body] of Object.entries(BODIES)) {
    test(name, async () => {
      await node.pool.query("update item set body = $1, properties = $2 where id = 'a'", [body, PROPERTIES]);
      const text = async (path: string, init?: RequestInit): Promise<string> =>
        (await node.fetch(new Request(`${ROOT}/stac/${path}`, init))).text();
      const features = (page: string): Json[] => JSON.parse(page).features;
      const lines = (stream: string): Json[] =>
        stream
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as Json);
      const posted = { method: "POST", body: '{"ids":["a"]}', headers: { "content-type": "application/json" } };
      const answers: Json[] = [
        [JSON.parse(await text("collections/c/items/a"))],
        features(await text("search?ids=a")),
        features(await text("search", posted)),
        features(await text("collections/c/items?ids=a")),
        lines(await text("search?ids=a&f=ndjson")),
        lines(await text("collections/c/items?ids=a&f=ndjson")),
      ];
      const stored = await node.catalog.item("c", "a", CALL);
      const expected = parsedAnswer((stored as StoredItem).document);
      for (const [i, answer] of answers.entries()) assert.deepEqual(answer, [expected], `${name} ${i}`);
      const [some] = features(await text("search?ids=a&fields=id,links"));
      const { id, links } = expected as StacItem;
      assert.deepEqual([some.id, some.links, some.properties], [id, links, undefined]);
      assert.equal(features(await text("search")).length, 2);
    });
  }
});
