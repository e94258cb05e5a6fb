import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { languageOf } from "../../../src/protocols/stac/language.ts";
import { type StacNode, stacNode, suiteEnding } from "./node.ts";

const LANGUAGES = {
  own: "en",
  translations: { "de-AT": { title: "Katalog", description: "Der Katalog" }, fr: { title: "Catalogue" } },
};

test("the language that a client likes best of those there are is chosen", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "en"],
    ["fr", "fr"],
    ["FR-ca", "fr"],
    ["de", "de-AT"],
    ["de-DE,fr;q=0.5", "de-AT"],
    ["it, fr;q=0.2, en;q=0.1", "fr"],
    ["fr;q=0, de;q=0.1", "de-AT"],
    ["*", "en"],
    ["it", "en"],
    ["fr;q=2, ;;, de--", "en"],
  ];
  for (const [wished, expected] of cases) {
    const request = new Request("http://node/stac", { headers: { "Accept-Language": wished } });
    assert.equal(languageOf(request, LANGUAGES), expected, wished);
    const address = `http://node/stac?language=${encodeURIComponent(wished)}`;
    assert.equal(languageOf(new Request(address, { headers: { "Accept-Language": "fr" } }), LANGUAGES), expected);
  }
  const none = { headers: { "Accept-Language": "de" } };
  assert.equal(languageOf(new Request("http://node/stac", none), { own: "en", translations: {} }), "en");
});

suite("STAC API Language", () => {
  let node: StacNode;
  const ending = suiteEnding();
  before(async () => {
    node = await stacNode(ending, { title: "Catalog", description: "The catalog", languages: LANGUAGES });
  });

  test("the landing page is in the language that is asked for, and names the others", async () => {
    const { headers, body } = await node.ask("/stac", { headers: { "Accept-Language": "de-DE,en;q=0.5" } });
    assert.equal(headers.get("content-language"), "de-AT");
    assert.match(headers.get("vary") ?? "", /accept-language/i);
    assert.deepEqual([body.title, body.description], ["Katalog", "Der Katalog"]);
    assert.deepEqual(body.language, { code: "de-AT", name: "Österreichisches Deutsch", alternate: "Austrian German" });
    assert.deepEqual(
      body.languages.map(({ code }: { readonly code: string }) => code),
      ["en", "fr"],
    );
    assert.ok(body.conformsTo.includes("https://api.stacspec.org/v1.0.0-rc.2/language"));
    const french = (await node.ask("/stac?language=fr")).body;
    assert.deepEqual([french.title, french.description], ["Catalogue", "The catalog"]);
  });

  test("what is not translated is in the catalogue's own", async () => {
    const { headers } = await node.ask("/stac/collections", { headers: { "Accept-Language": "de" } });
    assert.equal(headers.get("content-language"), "en");
  });
});
