import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { GyreError } from "../../../src/errors.ts";
import { lazyCatalog } from "../../../src/publication/lazily.ts";
import { CALL, item } from "../../contract/catalog/node.ts";
import { testProtocol } from "../../contract/protocol.ts";
import { assertProblem, linkOf, PATHS, ROOT, type StacNode, stacNode, suiteEnding } from "./node.ts";

suite("STAC at other addresses", () => {
  const ending = suiteEnding();

  test("every link is written from the public address", async () => {
    const publicUrl = new URL("https://public.example/prefix");
    const node = await stacNode(ending, { publicUrl, trustForwarded: true });
    await node.publish([item("a"), item("b"), item("c")]);
    const forwarded = { "x-forwarded-proto": "http", "x-forwarded-host": "evil.example" };
    for (const path of [...PATHS, "/stac/search?limit=1"]) {
      const text = JSON.stringify((await node.ask(path, { headers: forwarded })).body);
      assert.ok(!text.includes(ROOT) && !text.includes("evil.example"), path);
      for (const [, href] of text.matchAll(/"(?:href|\$id)":"([^"]*)"/g)) {
        assert.match(href ?? "", /^https:\/\/(?:public\.example\/prefix|data\.example)\//, "ours, or an asset's");
      }
    }
    const { headers } = await node.send("POST", "/stac/collections/c/items", item("d"));
    assert.equal(headers.get("location"), "https://public.example/prefix/stac/collections/c/items/d");
    assert.match(headers.get("link") ?? "", /^<https:\/\/public\.example\/prefix\/events\//);
  });

  test("trusted forwarding headers write them, others are not believed", async () => {
    const forwarded = {
      "x-forwarded-proto": "https",
      "x-forwarded-host": "proxy.example",
      "x-forwarded-prefix": "/eo/",
    };
    const [trusting, other] = [await stacNode(ending, { trustForwarded: true }), await stacNode(ending)];
    const selfOf = async (node: StacNode): Promise<string> =>
      linkOf((await node.ask("/stac/search?limit=1", { headers: forwarded })).body, "self").href;
    assert.equal(await selfOf(trusting), "https://proxy.example/eo/stac/search?limit=1");
    assert.equal(await selfOf(other), `${ROOT}/stac/search?limit=1`);
    const forged = { ...forwarded, "x-forwarded-host": "a b" };
    assertProblem(await trusting.ask("/stac", { headers: forged }), 400);
  });
});

suite("STAC as a protocol", () => {
  const ending = suiteEnding();
  let made: Promise<StacNode> | undefined;
  testProtocol("stac", async () => {
    made ??= stacNode(ending, { publicUrl: new URL("https://public.example/prefix/") });
    const node = await made;
    if ((await node.catalog.item("c", "a", CALL)) === undefined) await node.publish([item("a"), item("b")]);
    return {
      fetch: node.fetch,
      base: "https://public.example/prefix/",
      entities: ["stac/conformance", "stac/collections/c", "stac/collections/c/items/a"],
      streams: ["stac", "stac/collections", "stac/search?limit=1", "stac/queryables"],
      missing: ["stac/nothing", "stac/collections/x", "stac/collections/c/items/x"],
      bad: ["stac/search?limit=0", "stac/collections?limit=0", "stac/aggregate"],
    };
  });
});

test("a node that only follows refuses writes: 405 and what it does allow", async (t) => {
  const node = await stacNode(t, { isReadOnly: true });
  await node.publish([item("a")]);
  const at = "/stac/collections/c/items";
  for (const [method, path] of [
    ["POST", at],
    ["PUT", `${at}/a`],
    ["PATCH", `${at}/a`],
    ["DELETE", `${at}/a`],
    ["POST", "/stac/collections"],
    ["DELETE", "/stac/collections/c"],
  ] as const) {
    const refused = await node.send(method, path, method === "DELETE" ? undefined : item("a"));
    assertProblem(refused, 405);
    assert.equal(refused.headers.get("allow"), "GET, HEAD, OPTIONS", `${method} ${path}`);
  }
  assert.equal((await node.ask(`${at}/a`)).status, 200);
});

test("a catalogue that cannot start: 503 with the time to come back, everywhere", async (t) => {
  const failing = lazyCatalog(async () => {
    throw new GyreError("Busy", "the catalogue of this node could not start: no disk", { retryAfter: 60 });
  });
  const node = await stacNode(t, { catalog: failing, isReadOnly: true });
  for (const path of [...PATHS, "/stac/search?f=ndjson", "/stac/search?f=geoparquet"]) {
    if (path === "/stac/conformance") continue;
    const answer = await node.ask(path);
    assertProblem(answer, 503, /could not start/);
    assert.equal(answer.headers.get("retry-after"), "60", path);
  }
});

test("a catalogue that is starting is waited for", async (t) => {
  const started = Promise.withResolvers<StacNode["catalog"]>();
  const ready = await stacNode(t);
  const node = await stacNode(t, { catalog: lazyCatalog(() => started.promise), isReadOnly: true });
  const early = [node.ask("/stac"), node.ask("/stac/search?f=ndjson")];
  started.resolve(ready.catalog);
  assert.deepEqual(
    (await Promise.all(early)).map(({ status }) => status),
    [200, 200],
  );
});
