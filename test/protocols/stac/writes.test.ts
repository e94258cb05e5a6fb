import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { preferenceOf } from "../../../src/protocols/stac/prefer.ts";
import { collection, item } from "../../contract/catalog/node.ts";
import { type Answer, assertProblem, ROOT, type StacNode, stacNode, suiteEnding } from "./node.ts";

const ITEMS = "/stac/collections/c/items";
const MERGE = { "content-type": "application/merge-patch+json" };
const OPERATIONS = { "content-type": "application/json-patch+json" };
const NOW = { prefer: "wait=0" };

suite("STAC transactions", () => {
  let node: StacNode;
  let count = 0;
  const ending = suiteEnding();
  before(async () => {
    node = await stacNode(ending);
  });
  const fresh = (): string => `item-${++count}`;
  const posted = async (id = fresh()): Promise<string> => {
    assert.equal((await node.send("POST", ITEMS, item(id))).status, 201);
    return id;
  };
  const etagOf = async (id: string): Promise<string> => (await node.ask(`${ITEMS}/${id}`)).headers.get("etag") ?? "";

  test("without a wish a write is accepted: 202, a status to look at, an address", async () => {
    const id = fresh();
    const { status, headers, body } = await node.send("POST", ITEMS, item(id), NOW);
    assert.equal(status, 202);
    assert.equal(body.status, "pending");
    assert.deepEqual([body.collection, body.item, body.method], ["c", id, "POST"]);
    assert.equal(headers.get("location"), `${ROOT}${ITEMS}/${id}`);
    assert.equal(headers.get("link"), `<${ROOT}/events/${body.event_id}>; rel="monitor"`);
    assert.equal(body.href, `${ROOT}/events/${body.event_id}`);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("preference-applied"), null);
  });

  test("waited for it is 201, with its tag and the document when that is wished", async () => {
    const plain = await node.send("POST", ITEMS, item(fresh()));
    assert.deepEqual([plain.status, plain.body.status], [201, "applied"]);
    assert.equal(plain.headers.get("preference-applied"), "wait=30");
    const id = fresh();
    const shown = await node.send("POST", ITEMS, item(id), { prefer: "wait=30, return=representation" });
    assert.equal(shown.status, 201);
    assert.equal(shown.headers.get("content-type"), "application/geo+json");
    assert.equal(shown.headers.get("etag"), await etagOf(id));
    assert.equal(shown.headers.get("preference-applied"), "wait=30, return=representation");
    const unsaid = preferenceOf(new Request(ROOT, { headers: { prefer: "return=representation" } }));
    assert.deepEqual(unsaid, { seconds: 5, returns: "representation" }, "whoever wants the document waits for it");
    assert.deepEqual(shown.body, (await node.ask(`${ITEMS}/${id}`)).body);
    const least = await node.send("PUT", `${ITEMS}/${id}`, item(id), { prefer: 'wait="30"; return=minimal' });
    assert.deepEqual([least.status, least.body], [204, ""]);
    assert.equal(least.headers.get("etag"), await etagOf(id));
  });

  test("PUT replaces, PATCH merges or runs operations, DELETE removes", async () => {
    const id = await posted();
    const at = `${ITEMS}/${id}`;
    const replaced = await node.send("PUT", at, item(id, { properties: { a: 1, b: 2 } }));
    assert.equal(replaced.status, 200);
    assert.deepEqual(replaced.body, (await node.ask(at)).body);
    assert.equal((await node.send("PATCH", at, { properties: { a: null, c: 3 } }, MERGE)).status, 200);
    const operations = [
      { op: "test", path: "/properties/b", value: 2 },
      { op: "replace", path: "/properties/b", value: "two", note: "not of RFC 6902: ignored" },
      { op: "add", path: "/properties/e", value: null },
      { op: "remove", path: "/properties/e", value: 1 },
    ];
    assert.equal((await node.send("PATCH", at, operations, OPERATIONS)).status, 200);
    assert.equal((await node.send("PATCH", at, { properties: { d: 4 } })).status, 200, "application/json, a merge");
    const { datetime: _, ...properties } = (await node.ask(at)).body.properties;
    assert.deepEqual(properties, { b: "two", c: 3, d: 4 });
    const wrong = [{ op: "test", path: "/properties/b", value: 9 }];
    assert.equal((await node.send("PATCH", at, wrong, OPERATIONS)).status, 409, "a test that fails");
    const gone = await node.send("DELETE", at, undefined, { prefer: "wait=30, return=representation" });
    assert.deepEqual([gone.status, gone.body.status], [200, "applied"]);
    assertProblem(await node.ask(at), 404);
    assertProblem(await node.send("DELETE", at), 404);
  });

  test("a retracted item stays, a PATCH of another type is refused", async () => {
    const id = await posted();
    assert.equal((await node.send("PATCH", `${ITEMS}/${id}`, { properties: { retracted: true } }, MERGE)).status, 200);
    assert.equal((await node.ask(`${ITEMS}/${id}`)).body.properties.retracted, true);
    assertProblem(await node.send("PATCH", `${ITEMS}/${id}`, [], MERGE), 400, /7396/);
    assertProblem(await node.send("PATCH", `${ITEMS}/${id}`, {}, OPERATIONS), 400, /6902/);
    assertProblem(await node.send("PATCH", `${ITEMS}/${id}`, "3"), 400);
    const typed = await node.send("PATCH", `${ITEMS}/${id}`, "<x/>", { "content-type": "application/xml" });
    assert.ok(assertProblem(typed, 415).allowed.includes("application/merge-patch+json"));
    const moved = [{ op: "move", from: "/properties/a", path: "/properties/b" }];
    assert.deepEqual(
      assertProblem(await node.send("PATCH", `${ITEMS}/${id}`, moved, OPERATIONS), 422).errors[0].pointer,
      "/0",
    );
  });

  test("If-Match guards the version, also under the tag of a compressed answer", async () => {
    const id = await posted();
    const at = `${ITEMS}/${id}`;
    const padded = item(id, { properties: { text: "x".repeat(5000) } });
    const tag = await etagOf(id);
    assert.equal((await node.send("PUT", at, padded, { "if-match": tag })).status, 200);
    const late = await node.send("PUT", at, padded, { "if-match": tag });
    assert.match(assertProblem(late, 412).type, /precondition-failed$/);
    assertProblem(await node.send("DELETE", at, undefined, { "if-match": tag }), 412);
    assertProblem(await node.send("PATCH", at, {}, { "if-match": tag }), 412);
    const coded = (await node.fetch(new Request(ROOT + at, { headers: { "accept-encoding": "gzip" } }))).headers;
    assert.match(coded.get("etag") ?? "", /-gzip"$/);
    assert.equal(
      (await node.send("PATCH", at, { properties: { n: 1 } }, { "if-match": coded.get("etag") ?? "" })).status,
      200,
    );
    assert.equal((await node.send("PUT", at, padded, { "if-match": "*" })).status, 200);
    const now = await etagOf(id);
    const put = (headers: Readonly<Record<string, string>>) => node.send("PUT", at, padded, headers);
    for (const header of [`W/${now}`, '"a", "b"', `"a",W/${now}`])
      assertProblem(await put({ "if-match": header }), 412);
    for (const header of ["x", '"a" "b"', '"a",']) assertProblem(await put({ "if-match": header }), 400, /entity tag/);
    assert.equal((await put({ "if-match": `"a" , ${now}, W/"b"` })).status, 200);
    assertProblem(await node.send("PUT", `${ITEMS}/nothing`, item("nothing"), { "if-match": "*" }), 404);
  });

  test("If-Unmodified-Since guards the version by its time, and If-Match comes before it", async () => {
    const id = await posted();
    const at = `${ITEMS}/${id}`;
    const since = (date: string, headers = {}) =>
      node.send("PATCH", at, { properties: { n: 2 } }, { "if-unmodified-since": date, ...headers });
    const long = "Mon, 01 Jan 2001 00:00:00 GMT";
    assertProblem(await since(long), 412, /changed on/);
    assert.equal((await since(long, { "if-match": "*" })).status, 200);
    const modified = (await node.ask(at)).headers.get("last-modified") ?? "";
    assert.equal((await since(modified)).status, 200);
    assert.equal((await since("yesterday")).status, 200, "no date is no condition");
    assertProblem(await node.send("DELETE", `${ITEMS}/nothing`, undefined, { "if-unmodified-since": long }), 404);
  });

  test("If-None-Match: POST never replaces, and what changes a document needs one", async () => {
    const id = fresh();
    const none = { "if-none-match": "*" };
    assert.equal((await node.send("POST", ITEMS, item(id), none)).status, 201);
    assertProblem(await node.send("POST", ITEMS, item(id), none), 409);
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const body = method === "DELETE" ? undefined : item(id);
      assertProblem(await node.send(method, `${ITEMS}/${id}`, body, none), 412);
    }
    assertProblem(await node.send("PUT", `${ITEMS}/${id}`, item(id), { "if-none-match": '"x"' }), 400);
  });

  test("a key makes repeats harmless: the same answer, and another body is a conflict", async () => {
    const id = fresh();
    const key = { "idempotency-key": `key-of-${id}` };
    const first = await node.send("POST", ITEMS, item(id), key);
    assert.deepEqual([first.status, first.body.event_id], [201, `key-of-${id}`]);
    const again = await node.send("POST", ITEMS, item(id), key);
    assert.deepEqual([again.status, again.body.event_id], [201, first.body.event_id]);
    const other = await node.send("POST", ITEMS, item(id, { properties: { x: 1 } }), key);
    assert.match(assertProblem(other, 409).type, /idempotency-key-reused$/);
    for (const bad of ["two words", "x".repeat(201), "ä"]) {
      assertProblem(await node.send("POST", ITEMS, item(fresh()), { "idempotency-key": bad }), 400, /Idempotency-Key/);
    }
  });

  test("an ItemCollection: an event each, all or none, and a key for all", async () => {
    const ids = [fresh(), fresh(), fresh()];
    const many = { type: "FeatureCollection", features: ids.map((id) => item(id)) };
    const key = { "idempotency-key": "many" };
    const first = await node.send("POST", ITEMS, many, key);
    assert.equal(first.status, 201);
    assert.deepEqual(
      first.body.events.map(({ item, status }: { item: string; status: string }) => [item, status]),
      ids.map((id) => [id, "applied"]),
    );
    assert.equal(first.headers.get("location"), null);
    const again = await node.send("POST", ITEMS, many, key);
    assert.deepEqual([again.status, again.body], [201, first.body]);
    assertProblem(await node.send("POST", ITEMS, many), 409);
    const accepted = await node.send("POST", ITEMS, { type: "FeatureCollection", features: [item(fresh())] }, NOW);
    assert.deepEqual([accepted.status, accepted.body.events.length], [202, 1]);
    const [one, two] = [fresh(), fresh()];
    const doubled = { type: "FeatureCollection", features: [item(one), item(two), item(one)] };
    assertProblem(await node.send("POST", ITEMS, doubled), 409);
    assertProblem(await node.ask(`${ITEMS}/${two}`), 404);
    const broken = { type: "FeatureCollection", features: [item(one), { ...item(two), geometry: "here" }, {}] };
    const missing = assertProblem(await node.send("POST", ITEMS, broken), 422);
    assert.deepEqual(
      missing.errors.map(({ pointer }: { pointer: string }) => pointer),
      ["/features/2/id"],
    );
    const second = { type: "FeatureCollection", features: [item(one), { ...item(two), geometry: "here" }] };
    assert.deepEqual(
      assertProblem(await node.send("POST", ITEMS, second), 422).errors[0].pointer,
      "/features/1/geometry",
    );
    assertProblem(await node.send("POST", ITEMS, { type: "FeatureCollection", features: [] }), 422);
  });

  test("what is broken is refused with the places, what contradicts its address too", async () => {
    const faults = async (document: object): Promise<string[]> => {
      const problem = assertProblem(await node.send("POST", ITEMS, document), 422);
      return problem.errors.map(({ pointer }: { pointer: string }) => pointer);
    };
    const { id: _id, ...nameless } = item("x");
    assert.deepEqual(await faults(nameless), ["/id"]);
    assert.deepEqual(await faults({ ...item("x"), id: ".." }), ["/id"], "no address leads there");
    assert.deepEqual(await faults({ ...item("x"), id: 7, collection: { toString: 1 } }), ["/id", "/collection"]);
    assert.deepEqual(await faults(item("x", { properties: { datetime: "yesterday" } })), ["/properties/datetime"]);
    assert.deepEqual(await faults({ ...item("x"), type: "Cube" }), ["/type"]);
    assertProblem(await node.send("POST", ITEMS, item("x", { collection: "d" })), 400, /collection d/);
    const id = await posted();
    assert.match(assertProblem(await node.send("PUT", `${ITEMS}/${id}`, item("x")), 400).type, /id-mismatch$/);
    assertProblem(await node.send("PUT", `${ITEMS}/none`, item("none")), 404);
    assertProblem(await node.send("PATCH", `${ITEMS}/none`, {}), 404);
  });

  test("bodies that are none", async () => {
    const post = (body: NonNullable<RequestInit["body"]>, type = "application/json"): Promise<Answer> =>
      node.ask(ITEMS, { method: "POST", headers: { "content-type": type }, body });
    assertProblem(await post("{"), 400, /no JSON/);
    assertProblem(await post(""), 400, /no JSON/);
    for (const body of ["null", "[]", "7"]) assertProblem(await post(body), 400, /no JSON object/);
    assertProblem(await post(new Uint8Array([0x22, 0xff, 0x22])), 400, /UTF-8/);
    assertProblem(await post(`${'{"a":'.repeat(300)}1${"}".repeat(300)}`), 400, /nested/);
    assertProblem(await post("<a/>", "text/xml"), 415);
    const coded = {
      method: "POST",
      headers: { "content-encoding": "gzip" },
      body: gzipSync(JSON.stringify(item("z"))),
    };
    assertProblem(await node.ask(ITEMS, coded), 415, /coding gzip/);
    assertProblem(await post(JSON.stringify(item("large", { properties: { text: "x".repeat(1 << 20) } }))), 413);
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(100_000).fill(32)) });
    const request = new Request(ROOT + ITEMS, { method: "POST", body: endless, duplex: "half" } as RequestInit);
    assert.equal((await node.fetch(request)).status, 413, "an endless one is not read to its end");
    const prototype = JSON.stringify(item("proto")).replace('"links"', '"__proto__":{"x":1},"links"');
    assert.equal((await node.send("POST", ITEMS, prototype)).status, 201);
  });

  test("ids with everything in them are found at the address that Location gives", async () => {
    for (const id of [
      "a/b",
      "100%",
      "%2F",
      "a b+c",
      "über/ñ/日本",
      "a?b#c",
      "...",
      "a..b",
      "..%2f..",
      "x&y=z",
      "'\"<>",
    ]) {
      const { status, headers } = await node.send("POST", ITEMS, item(id));
      assert.equal(status, 201, id);
      const found = await node.ask(headers.get("location") ?? "");
      assert.deepEqual([found.status, found.body.id], [200, id]);
      assert.equal(found.body.links.find(({ rel }: { rel: string }) => rel === "self").href, headers.get("location"));
    }
  });

  test("collections are written as items are", async () => {
    const at = "/stac/collections/own";
    const made = await node.send("POST", "/stac/collections", collection("own"), {
      prefer: "wait=30, return=representation",
    });
    assert.deepEqual([made.status, made.body.id], [201, "own"]);
    assert.equal(made.headers.get("location"), ROOT + at);
    assertProblem(await node.send("POST", "/stac/collections", collection("own")), 409);
    const tag = made.headers.get("etag") ?? "";
    assert.equal((await node.send("PATCH", at, { title: "Our own" }, { "if-match": tag })).status, 200);
    assertProblem(await node.send("PATCH", at, { title: "Theirs" }, { "if-match": tag }), 412);
    assert.equal((await node.ask(at)).body.title, "Our own");
    assert.equal((await node.send("PUT", at, collection("own", { description: "New" }))).status, 200);
    assert.equal((await node.ask(at)).body.description, "New");
    assertProblem(await node.send("PUT", at, collection("another")), 400);
    const { license: _, ...unlicensed } = collection("bare");
    assert.deepEqual(
      assertProblem(await node.send("POST", "/stac/collections", unlicensed), 422).errors[0].pointer,
      "/license",
    );
    assert.equal((await node.send("POST", `${at}/items`, item("in-it", { collection: "own" }))).status, 201);
    assert.match(assertProblem(await node.send("DELETE", at), 409).type, /collection-not-empty$/);
    assert.equal((await node.send("DELETE", `${at}/items/in-it`)).status, 200);
    assert.equal((await node.send("DELETE", at)).status, 200);
    assertProblem(await node.ask(at), 404);
    assertProblem(await node.send("PUT", at, collection("own")), 404);
  });

  test("the founding ingest API echoes what it takes", async () => {
    const id = fresh();
    const echoed = await node.send("POST", "/c/items", item(id));
    assert.deepEqual([echoed.status, echoed.body], [201, item(id)]);
    assert.equal((await node.send("DELETE", `/c/items/${id}`)).status, 200);
    assertProblem(await node.send("POST", "/c/items", "{"), 400);
  });
});
