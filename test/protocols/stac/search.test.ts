import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import type { StacItem } from "../../../src/core/stac.ts";
import { box, item } from "../../contract/catalog/node.ts";
import {
  type Answer,
  assertProblem,
  idsOf,
  type Json,
  linkOf,
  ROOT,
  type StacNode,
  stacNode,
  suiteEnding,
} from "./node.ts";

const day = (n: number): string => new Date(Date.UTC(2020, 0, 1 + n)).toISOString();
const ITEMS: readonly StacItem[] = Array.from({ length: 25 }, (_, n) =>
  item(`item-${String(n).padStart(2, "0")}`, {
    collection: n < 20 ? "c" : "d",
    geometry: box(n, 0, n + 0.5, 1),
    bbox: [n, 0, n + 0.5, 1],
    properties: { datetime: day(n), n, half: Math.floor(n / 2), ...(n % 5 === 0 ? {} : { title: `Item number ${n}` }) },
  }),
);

suite("STAC search", () => {
  const ending = suiteEnding();
  let node: StacNode;
  before(async () => {
    node = await stacNode(ending);
    await node.publish(ITEMS);
  });
  const get = (query: string): Promise<Answer> => node.ask(`/stac/search?${query}`);
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    node.ask("/stac/search", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  /** A page, and where a link of it leads. */
  const follow = async (page: Json, rel: string): Promise<Json> => {
    const link = [linkOf(page, rel), linkOf(page, rel, "POST")].find((one) => one !== undefined);
    if (link === undefined) return undefined;
    assert.equal(link.type, "application/geo+json");
    if (link.method !== "POST") return (await node.ask(link.href)).body;
    assert.equal(link.merge, false);
    return (await post(link.body)).body;
  };

  test("a page says what it is", async () => {
    const { status, headers, body } = await get("limit=3");
    assert.deepEqual([status, headers.get("content-type")], [200, "application/geo+json"]);
    assert.equal(headers.get("vary"), "Accept, Accept-Encoding");
    assert.deepEqual([body.type, body.numberMatched, body.numberReturned], ["FeatureCollection", 25, 3]);
    assert.deepEqual(idsOf(body), ["item-24", "item-23", "item-22"], "the newest first");
    assert.equal(linkOf(body, "self").href, `${ROOT}/stac/search?limit=3`);
    assert.equal(linkOf(body, "prev"), undefined);
    const others = (of: Json, rel: string): [string, string][] =>
      of.links.flatMap((link: Json) => (link.rel === rel ? [[link.type, link.href]] : []));
    const forms = (url: string): [string, string][] => [
      ["application/x-ndjson", `${url}f=ndjson`],
      ["application/vnd.apache.parquet", `${url}f=geoparquet`],
    ];
    const second = (await node.ask(linkOf((await get("limit=3&sortby=id")).body, "next").href)).body;
    assert.deepEqual(others(second, "alternate"), forms(`${ROOT}/stac/search?sortby=id&`), "of all pages");
    const collection = (await node.ask("/stac/collections/d")).body;
    assert.deepEqual(others(collection, "items").slice(1), forms(`${ROOT}/stac/collections/d/items?`));
    const zipped = await node.fetch(new Request(`${ROOT}/stac/search`, { headers: { "accept-encoding": "gzip" } }));
    assert.equal(zipped.headers.get("content-encoding"), "gzip");
  });

  test("GET and POST find the same", async () => {
    const point = { type: "Point", coordinates: [3.25, 0.5] };
    const filter = { op: ">", args: [{ property: "n" }, 21] };
    const cases: readonly [string, object, readonly string[] | number][] = [
      ["collections=d", { collections: ["d"] }, 5],
      ["ids=item-03,item-07", { ids: ["item-03", "item-07"] }, ["item-07", "item-03"]],
      ["bbox=3,0,4.2,1", { bbox: [3, 0, 4.2, 1] }, ["item-04", "item-03"]],
      ["bbox=363,0,-1,364.2,1,1", { bbox: [363, 0, -1, 364.2, 1, 1] }, ["item-04", "item-03"]],
      [`intersects=${encodeURIComponent(JSON.stringify(point))}`, { intersects: point }, ["item-03"]],
      [
        "datetime=2020-01-03T00:00:00Z/2020-01-04T00:00:00Z",
        { datetime: "2020-01-03T00:00:00Z/2020-01-04T00:00:00Z" },
        ["item-03", "item-02"],
      ],
      ["datetime=2020-01-24T00:00:00Z/..", { datetime: "2020-01-24T00:00:00Z/.." }, ["item-24", "item-23"]],
      ["filter=n%3E21", { filter }, ["item-24", "item-23", "item-22"]],
      [
        `filter-lang=cql2-json&filter=${encodeURIComponent(JSON.stringify(filter))}`,
        { filter: "n > 21", "filter-lang": "cql2-text" },
        3,
      ],
      [`query=${encodeURIComponent('{"n":{"lt":2}}')}`, { query: { n: { lt: 2 } } }, ["item-01", "item-00"]],
      ["q=%22number%207%22", { q: ['"number 7"'] }, ["item-07"]],
      [
        "sortby=-half,n&limit=3",
        { sortby: [{ field: "properties.half", direction: "desc" }, { field: "n" }], limit: 3 },
        ["item-24", "item-22", "item-23"],
      ],
      ["sortby=+title&limit=2", { sortby: [{ field: "title", direction: "asc" }], limit: 2 }, ["item-01", "item-11"]],
    ];
    for (const [query, body, expected] of cases) {
      const [one, other] = [(await get(query)).body, (await post(body)).body];
      const found = idsOf(one);
      assert.deepEqual(typeof expected === "number" ? found.length : found, expected, query);
      assert.deepEqual(idsOf(other), found, query);
      assert.equal(one.numberMatched, other.numberMatched, query);
    }
    assert.equal((await post({ collections: "d" })).body.numberMatched, 5, "one name that is no list");
  });

  test("pages lead on and back, by GET and by POST, whatever the order", async () => {
    for (const sortby of [undefined, "n", "-title", "title,-half", "id"]) {
      const fields = sortby
        ?.split(",")
        .map((key) => ({ field: key.replace("-", ""), direction: key.startsWith("-") ? "desc" : "asc" }));
      const whole = idsOf((await get(`limit=100${sortby === undefined ? "" : `&sortby=${sortby}`}`)).body);
      const starts = [
        (await get(`limit=4${sortby === undefined ? "" : `&sortby=${sortby}`}`)).body,
        (await post({ limit: 4, ...(fields === undefined ? {} : { sortby: fields }) })).body,
        (
          await post({
            limit: 4,
            collections: ["c", "d"],
            fields: { include: ["id"] },
            ...(fields === undefined ? {} : { sortby: fields }),
          })
        ).body,
      ];
      for (const start of starts) {
        const pages = [start];
        for (let page = await follow(start, "next"); page !== undefined; page = await follow(page, "next"))
          pages.push(page);
        assert.deepEqual(pages.flatMap(idsOf), whole, sortby);
        assert.ok(pages.every(({ numberMatched }) => numberMatched === 25));
        const back = [pages.at(-1)];
        for (let page = await follow(back[0], "prev"); page !== undefined; page = await follow(page, "prev"))
          back.unshift(page);
        assert.deepEqual(back.flatMap(idsOf), whole, `back: ${sortby}`);
      }
    }
  });

  test("a token is of its own search", async () => {
    const { href } = linkOf((await get("limit=4&sortby=n")).body, "next");
    assertProblem(await node.ask(href.replace("sortby=n", "sortby=-n")), 400, /token/);
    for (const token of ["x", "", "W10", Buffer.from('[">","+n",1]').toString("base64url")]) {
      assertProblem(await get(`token=${token}`), 400);
      assertProblem(await post({ token }), 400);
    }
  });

  test("items of a collection are a search in it", async () => {
    const { body } = await node.ask("/stac/collections/d/items?limit=2&sortby=n");
    assert.deepEqual([idsOf(body), body.numberMatched], [["item-20", "item-21"], 5]);
    assert.match(linkOf(body, "next").href, /\/stac\/collections\/d\/items\?/);
    assert.deepEqual(idsOf(await follow(body, "next")), ["item-22", "item-23"]);
    assert.equal((await node.ask("/stac/collections/d/items?collections=d")).body.numberMatched, 5);
    assertProblem(await node.ask("/stac/collections/d/items?collections=c"), 400, /collections/);
    assertProblem(await node.ask("/stac/collections/x/items?f=ndjson"), 404);
  });

  test("fields", async () => {
    const [one] = (await get("ids=item-03&fields=id,properties.n,-geometry")).body.features;
    assert.deepEqual(one, {
      type: "Feature",
      stac_version: "1.1.0",
      id: "item-03",
      collection: "c",
      properties: { n: 3 },
    });
    const [two] = (await post({ ids: ["item-03"], fields: { exclude: ["assets", "links"] } })).body.features;
    assert.ok(!("assets" in two) && !("links" in two) && two.properties.n === 3);
  });

  test("what makes no sense is refused with what it is", async () => {
    const subjects: readonly [string, string][] = [
      ["limit=0", "limit"],
      ["limit=1.5", "limit"],
      ["bbox=1,2,3", "bbox"],
      ["bbox=1,2,3,x", "bbox"],
      ["bbox=0,5,1,4", "bbox"],
      ["bbox=0,0,1,1&intersects={}", "intersects"],
      ["intersects=%7B", "intersects"],
      ["nonsense=1", "nonsense"],
      ["limit=1&limit=2", "limit"],
      ["f=html", "f"],
      ["query=%5B%5D", "query"],
      ["query=%7B%22n%22%3A%7B%22like%22%3A1%7D%7D", "query.n"],
    ];
    for (const [query, subject] of subjects) assert.equal(assertProblem(await get(query), 400).subject, subject, query);
    assertProblem(await get("datetime=yesterday"), 400);
    assert.equal(typeof assertProblem(await get("filter=n%20%3E%3E%203"), 400).offset, "number", "a place in the text");
    assertProblem(await get("filter=n%3E1&filter-lang=cql2-json"), 400);
    assertProblem(await get("filter-lang=ecql"), 400);
    const bodies: readonly unknown[] = [
      ...[null, [], 7, "x", { limit: "3" }, { ids: [7] }, { ids: ["a\0b"] }, { collections: ["\0"] }, { sortby: "n" }],
      ...[{ query: { n: { eq: "\0" } } }, { q: "\0" }, { filter: { op: "=", args: [{ property: "n" }, "\0"] } }],
      ...[{ intersects: { type: "Point", coordinates: [0, 91] } }, { sortby: [{ field: "\0" }] }, { nonsense: 1 }],
      ...[{ query: { "n\0": { eq: 1 } } }, { query: { n: { eq: "\ud800" } } }, { query: { n: { in: ["\udc00"] } } }],
    ];
    for (const body of bodies) assertProblem(await post(body), 400);
    assertProblem(await post({}, { "content-type": "text/plain" }), 415);
    assertProblem(await post({ ids: ["x".repeat(1 << 20)] }), 413);
  });

  test("the form is by f before Accept, and GeoJSON for who wants JSON", async () => {
    const typeOf = async (query: string, accept: string): Promise<string | null> =>
      (await node.ask(`/stac/search?${query}`, { headers: { accept } })).headers.get("content-type");
    assert.equal(await typeOf("limit=1", "*/*"), "application/geo+json");
    assert.equal(await typeOf("limit=1", "application/json"), "application/geo+json");
    assert.equal(await typeOf("limit=1", "application/x-ndjson"), "application/x-ndjson");
    assert.equal(await typeOf("limit=1", "application/geo+json;q=0.1, application/x-ndjson"), "application/x-ndjson");
    assert.equal(await typeOf("limit=1&f=json", "application/x-ndjson"), "application/geo+json");
    assert.equal(await typeOf("f=ndjson", "application/geo+json"), "application/x-ndjson");
  });

  test("NDJSON: all of it, a line each, in the order, and errors with a status of their own", async () => {
    const lines = ((await get("f=ndjson&sortby=n&limit=3")).body as string).trim().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).properties.n),
      ITEMS.map(({ properties }) => properties.n),
    );
    const posted = await post({ ids: ["item-03"], fields: { include: ["id"] } }, { accept: "application/x-ndjson" });
    assert.deepEqual(JSON.parse(posted.body), {
      type: "Feature",
      stac_version: "1.1.0",
      id: "item-03",
      collection: "c",
    });
    assert.equal((await get("f=ndjson&ids=none")).body, "");
    assertProblem(await get("f=ndjson&token=x"), 400, /token/);
    assertProblem(await get(`f=ndjson&sortby=${"n".repeat(201)}`), 400);
  });
});
