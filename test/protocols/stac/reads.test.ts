import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { createStac } from "../../../src/protocols/stac/stac.ts";
import { collection, item } from "../../contract/catalog/node.ts";
import {
  type Answer,
  assertProblem,
  type Json,
  linkOf,
  PATHS,
  ROOT,
  type StacNode,
  stacNode,
  suiteEnding,
} from "./node.ts";

const QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables";

suite("STAC documents", () => {
  const ending = suiteEnding();
  let node: StacNode;
  before(async () => {
    node = await stacNode(ending);
    await node.send("POST", "/stac/collections", collection("d", { title: "Described", keywords: ["ocean"] }));
    await node.publish([
      item("a", { properties: { n: 1, name: "first", "x:y": [1] } }),
      item("b", { properties: { datetime: "2021-06-01T00:00:00Z", n: 2 } }),
      { ...item("linked"), links: LINKS },
    ]);
  });
  const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> => node.ask(path, { headers });

  test("every address answers GET and HEAD alike, and refuses other methods with Allow", async () => {
    for (const path of PATHS) {
      const [whole, head] = [await get(path), await node.ask(path, { method: "HEAD" })];
      assert.equal(whole.status, 200, path);
      assert.deepEqual([head.status, head.body], [200, ""], path);
      const volatile = new Set(["content-length"]);
      const told = (answer: Answer): [string, string][] => [...answer.headers].filter(([name]) => !volatile.has(name));
      assert.deepEqual(told(head), told(whole), path);
      const refused = await node.ask(path, { method: "REPORT" });
      assertProblem(refused, 405);
      assert.match(refused.headers.get("allow") ?? "", /GET.*HEAD.*OPTIONS/, path);
    }
  });

  test("the landing page leads to all there is, and every link answers", async () => {
    const { body } = await get("/stac");
    assert.deepEqual([body.type, body.stac_version, body.id], ["Catalog", "1.1.0", "gyre"]);
    assert.deepEqual(body.conformsTo, (await get("/stac/conformance")).body.conformsTo);
    for (const rel of ["self", "root", "conformance", "data", "children", "search", QUERYABLES, "aggregate"]) {
      assert.ok(linkOf(body, rel), rel);
    }
    assert.equal(linkOf(body, "search", "POST").href, `${ROOT}/stac/search`);
    const children = body.links.filter(({ rel }: Json) => rel === "child");
    assert.deepEqual(
      children.map(({ title }: Json) => title),
      ["c", "Described", "All items"],
    );
    for (const { rel, href, method = "GET" } of body.links) {
      if (!href.startsWith(`${ROOT}/stac`) || method !== "GET" || rel === "aggregate") continue;
      assert.equal((await get(href)).status, 200, href);
    }
  });

  test("conformance names what works here: writes only where there is a door", async () => {
    const { conformsTo } = (await get("/stac/conformance")).body;
    assert.ok(conformsTo.includes("https://api.stacspec.org/v1.0.0/ogcapi-features/extensions/transaction"));
    assert.equal(new Set(conformsTo).size, conformsTo.length);
    const { routes, conformsTo: reads } = createStac({ catalog: node.catalog, bodyBytes: 1 });
    assert.ok(!reads.some((uri) => /transaction|ogcapi-features-4/.test(uri)));
    assert.ok(routes.every(({ role }) => role === "read"));
  });

  test("a collection that nobody described is made of its items, and its tag changes with them", async () => {
    const made = await get("/stac/collections/c");
    assert.deepEqual(made.body.extent.temporal.interval, [["2020-01-01T00:00:00.000Z", "2021-06-01T00:00:00.000Z"]]);
    await node.publish([item("later", { properties: { datetime: "2030-01-01T00:00:00Z" } })]);
    const changed = await get("/stac/collections/c", { "if-none-match": made.headers.get("etag") ?? "" });
    assert.equal(changed.status, 200);
    assert.equal(changed.body.extent.temporal.interval[0][1], "2030-01-01T00:00:00.000Z");
    await node.send("DELETE", "/stac/collections/c/items/later");
  });

  test("collections and children: the same ones, paged both ways, searched and sorted", async () => {
    const { body } = await get("/stac/collections");
    assert.deepEqual(
      body.collections.map(({ id }: Json) => id),
      ["c", "d"],
    );
    assert.deepEqual([body.numberMatched, body.numberReturned], [2, 2]);
    const { children, numberMatched } = (await get("/stac/children")).body;
    assert.deepEqual(children, [...body.collections, (await get("/stac/browse")).body]);
    assert.equal(numberMatched, 3);
    assert.deepEqual((await get("/stac/children?q=ocean")).body.children, body.collections.slice(1));
    const first = (await get("/stac/collections?limit=1")).body;
    const second = (await get(linkOf(first, "next").href)).body;
    assert.deepEqual(
      second.collections.map(({ id }: Json) => id),
      ["d"],
    );
    assert.equal(linkOf(second, "next"), undefined);
    assert.deepEqual((await get(linkOf(second, "prev").href)).body.collections, first.collections);
    const found = async (query: string): Promise<string[]> =>
      (await get(`/stac/collections?${query}`)).body.collections.map(({ id }: Json) => id);
    assert.deepEqual(await found("q=ocean"), ["d"]);
    assert.deepEqual(await found("sortby=-id"), ["d", "c"]);
    assert.deepEqual(await found("datetime=../1999-01-01T00:00:00Z"), []);
    assert.deepEqual(await found("datetime=2500-01-01T00:00:00Z/.."), ["d"]);
    assert.deepEqual(Object.keys((await get("/stac/collections?fields=id,title&q=ocean")).body.collections[0]).sort(), [
      "id",
      "stac_version",
      "title",
      "type",
    ]);
    for (const query of ["limit=0", "limit=x", "nonsense=1", "f=json", "q=", "sortby=id&sortby=id", "token=x"]) {
      assertProblem(await get(`/stac/collections?${query}`), 400);
    }
  });

  test("every item is reached from the landing page by child and item links alone", async () => {
    const { features } = (await get("/stac/search?limit=1000")).body;
    const found: string[] = [];
    const seen = new Set<string>();
    const open = [`${ROOT}/stac`];
    for (let url = open.pop(); url !== undefined; url = open.pop()) {
      const { body } = await get(url);
      assert.ok(!seen.has(url), url);
      seen.add(url);
      assert.equal(linkOf(body, "self").href, url);
      if (body.type === "Feature") found.push(body.id);
      else
        open.push(
          ...body.links.filter(({ rel }: Json) => rel === "child" || rel === "item").map(({ href }: Json) => href),
        );
    }
    assert.deepEqual(found.sort(), features.map(({ id }: Json) => id).sort());
    assertProblem(await get("/stac/browse/nothing"), 404);
    assertProblem(await get("/stac/browse/c/xyz"), 400);
    assertProblem(await get("/stac/browse?token=x"), 400);
  });

  test("documents have tags: 304, 412, and the links that they have here beside their own", async () => {
    for (const path of ["/stac/collections/d", "/stac/collections/c/items/a"]) {
      const { headers } = await get(path);
      const tag = headers.get("etag") ?? "";
      assert.match(tag, /^"[^"]+"$/);
      assert.ok(headers.get("last-modified"));
      assert.equal((await get(path, { "if-none-match": tag })).status, 304);
      assert.equal((await get(path, { "if-none-match": '"x"' })).status, 200);
      assert.equal((await get(path, { "if-match": '"x"' })).status, 412);
      assert.equal((await get(path, { "if-match": tag })).status, 200);
    }
    const { links } = (await get("/stac/collections/c/items/linked")).body;
    assert.deepEqual(
      links.map(({ rel }: Json) => rel),
      ["self", "root", "parent", "collection", "license", "derived_from"],
    );
    assert.equal(links[0].href, `${ROOT}/stac/collections/c/items/linked`);
  });

  test("what is not there", async () => {
    for (const path of [
      "/collections/x",
      "/collections/x/items",
      "/collections/c/items/x",
      "/collections/x/queryables",
    ]) {
      assertProblem(await get(`/stac${path}`), 404, /there is no/);
    }
    assertProblem(await get("/stac/collections/x/aggregate?aggregations=total_count"), 404);
    assertProblem(await get("/stac/collections/x/aggregations"), 404);
    assertProblem(await get("/stac/nothing"), 404);
    assertProblem(await get("/stac/collections/c/items/%ff"), 404);
    assertProblem(await get("/stac/collections/c/items/a%00b"), 400);
    assertProblem(await get("/stac/search?ids=a%00b"), 400);
  });

  test("queryables are those of the data", async () => {
    const { headers, body } = await get("/stac/collections/c/queryables");
    assert.equal(headers.get("content-type"), "application/schema+json");
    assert.equal(body.$id, `${ROOT}/stac/collections/c/queryables`);
    for (const name of ["id", "datetime", "geometry", "n", "name", "x:y"]) assert.ok(name in body.properties, name);
    assert.equal(body.properties.n.type, "number");
    assert.ok("n" in (await get("/stac/queryables")).body.properties);
    assert.ok(!("n" in (await get("/stac/collections/d/queryables")).body.properties));
  });

  test("queryables of collections are linked from their list, and filters may name them", async () => {
    const { headers, body } = await get(linkOf((await get("/stac/collections")).body, QUERYABLES).href);
    assert.equal(headers.get("content-type"), "application/schema+json");
    assert.equal(body.$id, `${ROOT}/stac/collection-queryables`);
    assert.deepEqual(Object.keys(body.properties).sort(), [
      ...["datetime", "description", "geometry", "id", "keywords", "license", "title"],
    ]);
    for (const name of Object.keys(body.properties)) {
      const filter = encodeURIComponent(`${name} IS NULL OR title LIKE 'Desc%'`);
      const { collections } = (await get(`/stac/collections?filter=${filter}`)).body;
      assert.equal(collections.at(-1).id, "d", name);
    }
  });

  test("aggregations: what may be counted, counted by GET and by POST", async () => {
    const { body } = await get("/stac/collections/c/aggregations");
    assert.ok(body.aggregations.some(({ name }: Json) => name === "n_frequency"));
    const query = "aggregations=total_count,datetime_max,n_frequency&filter=n%3E0";
    const asked = await get(`/stac/aggregate?${query}`);
    assert.equal(asked.body.type, "AggregationCollection");
    const values = asked.body.aggregations.map(({ name, value, buckets }: Json) => [name, value ?? buckets.length]);
    assert.deepEqual(values, [
      ["total_count", 2],
      ["datetime_max", "2021-06-01T00:00:00.000Z"],
      ["n_frequency", 2],
    ]);
    const post = (of: unknown, path = "/stac/aggregate"): Promise<Answer> =>
      node.ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(of) });
    const wanted = {
      aggregations: ["total_count", "datetime_max", "n_frequency"],
      filter: "n>0",
      "filter-lang": "cql2-text",
    };
    assert.deepEqual((await post(wanted)).body.aggregations, asked.body.aggregations);
    assert.equal(
      (await post({ aggregations: ["total_count"] }, "/stac/collections/d/aggregate")).body.aggregations[0].value,
      0,
    );
    const yearly = { aggregations: ["datetime_frequency"], datetime_interval: "year", grid_precision: 3 };
    assert.equal((await post(yearly)).body.aggregations[0].buckets.length, 2);
    for (const bad of [
      null,
      [],
      7,
      {},
      { aggregations: [] },
      { aggregations: "x" },
      { ...yearly, grid_precision: 0 },
    ]) {
      assertProblem(await post(bad), 400);
    }
    assertProblem(await post({ ...yearly, datetime_interval: "hour" }), 400, /datetime_interval/);
    assertProblem(await post({ ...yearly, collections: ["c"] }, "/stac/collections/d/aggregate"), 400, /collections/);
    assertProblem(await post({ aggregations: ["nothing_such"] }), 400);
    for (const bad of [
      "",
      "?aggregations=",
      "?aggregations=total_count&grid_precision=x",
      "?aggregations=total_count&y=1",
    ]) {
      assertProblem(await get(`/stac/aggregate${bad}`), 400);
    }
  });
});

const LINKS = ["self", "root", "license", "collection", "item", "derived_from"].map((rel) => ({
  rel,
  href: `https://x.example/${rel}`,
}));
