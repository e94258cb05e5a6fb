import assert from "node:assert/strict";
import { test } from "node:test";
import { requestedByBody, requestedByQuery } from "../../../src/protocols/stac/search-parameters.ts";

test("a query and a body of the same meaning ask for the same", () => {
  const body = requestedByBody({
    collections: ["a", "b"],
    ids: ["1"],
    bbox: [170, -10, -170, 10],
    datetime: "2000-01-01T00:00:00Z/..",
    limit: 5,
    sortby: [
      { field: "properties.gsd", direction: "desc" },
      { field: "id", direction: "asc" },
    ],
    fields: { include: ["id"], exclude: ["geometry"] },
    q: "sea ice",
    filter: { op: "=", args: [{ property: "gsd" }, 10] },
    "filter-lang": "cql2-json",
  });
  const query = requestedByQuery({
    collections: "a,b",
    ids: "1",
    bbox: "170,-10,-170,10",
    datetime: "2000-01-01T00:00:00Z/..",
    limit: "5",
    sortby: "-properties.gsd, id",
    fields: "id,-geometry",
    q: "sea ice",
    filter: "gsd = 10",
  });
  assert.deepEqual(query, body);
  assert.deepEqual(body.search.bbox, [170, -10, -170, 10]);
  assert.deepEqual(body.search.sortby, [
    { field: "gsd", direction: "desc" },
    { field: "id", direction: "asc" },
  ]);
  assert.deepEqual(body.search.q, [["sea", "ice"]]);
});

test("free text: any of the terms between commas, all words of a term, phrases in quotes", () => {
  const q = (value: string | string[]): unknown => requestedByBody({ q: value }).search.q;
  assert.deepEqual(q("ocean, sea ice"), [["ocean"], ["sea", "ice"]]);
  assert.deepEqual(q('"sea, ice" x,y'), [["sea, ice", "x"], ["y"]]);
  assert.deepEqual(q(["ocean", "sea ice"]), [["ocean"], ["sea", "ice"]]);
});

test("the query extension becomes a filter beside another", () => {
  const { filter } = requestedByBody({ query: { "properties.gsd": { gte: 5, lt: 10 } }, filter: "id = 'a'" }).search;
  assert.equal(filter?.kind, "and");
  const like = requestedByBody({ query: { title: { contains: "50%_" } } }).search.filter;
  assert.deepEqual(like, {
    kind: "like",
    value: { kind: "property", name: "title" },
    pattern: { kind: "literal", value: "%50\\%\\_%" },
  });
});

test("text that is a number is compared with numbers too", () => {
  const { filter } = requestedByBody({ query: { gsd: { lt: "30" } } }).search;
  const right = filter?.kind === "or" ? filter.of.map((of) => (of.kind === "compare" ? of.right : undefined)) : [];
  assert.deepEqual(right, [
    { kind: "literal", value: "30" },
    { kind: "literal", value: 30 },
  ]);
});

test("a limit above the most is taken for the most, and none is ten", () => {
  assert.equal(requestedByBody({ limit: 1e6 }).search.limit, 10_000);
  assert.equal(requestedByBody({}).search.limit, 10);
});

test("empty lists do not narrow", () => {
  assert.deepEqual(requestedByBody({ collections: [], ids: [] }).search, { limit: 10 });
});

test("a six-number box has heights", () => {
  const { bbox, heights } = requestedByBody({ bbox: [0, 1, -5, 2, 3, 5] }).search;
  assert.deepEqual(
    [bbox, heights],
    [
      [0, 1, 2, 3],
      [-5, 5],
    ],
  );
});

test("boxes of a map that was moved around the world lie where they show", () => {
  const box = (...bbox: number[]): unknown => requestedByBody({ bbox }).search.bbox;
  assert.deepEqual(box(181, 0, 182, 1), [-179, 0, -178, 1]);
  assert.deepEqual(box(-200, 0, -170, 1), [160, 0, -170, 1]);
  assert.deepEqual(box(-200, 0, 200, 1), [-180, 0, 180, 1]);
  assert.deepEqual(box(-180, -90, 180, 90), [-180, -90, 180, 90]);
  assert.deepEqual(box(350, 0, 370, 1), [-10, 0, 10, 1]);
});

test("what is wrong is named", () => {
  const polygon = {
    type: "Polygon",
    coordinates: [
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 0],
      ],
    ],
  };
  for (const [body, why] of [
    [[], /expected object/],
    [{ bbx: [1] }, /no member bbx/],
    [{ bbox: [0, 0, 1] }, /has 3 numbers/],
    [{ bbox: [0, 2, 1, 1] }, /south/],
    [{ bbox: [0, 0, 1e4, 1] }, /longitude/],
    [{ bbox: [0, 0, 5, 1, 1, 1] }, /height/],
    [{ bbox: [0, 0, 1, Number.NaN] }, /bbox/],
    [{ bbox: [0, 0, 1, 1], intersects: polygon }, /together/],
    [
      {
        intersects: {
          type: "Polygon",
          coordinates: [
            [
              [0, 0],
              [1, 0],
              [1, 1],
              [0, 1],
            ],
          ],
        },
      },
      /intersects/,
    ],
    [{ intersects: { type: "Point", coordinates: [190, 0] } }, /outside/],
    [{ intersects: { type: "Circle" } }, /intersects/],
    [{ limit: 0 }, /limit/],
    [{ limit: -1 }, /limit/],
    [{ limit: 1.5 }, /limit/],
    [{ sortby: [{ field: "a", direction: "up" }] }, /sortby\.0\.direction/],
    [{ query: { a: { near: 1 } } }, /query/],
    [{ datetime: "yesterday" }, /RFC 3339/],
    [{ q: " , " }, /no word/],
    [{ filter: "a = " }, /./],
    [{ filter: { op: "nope", args: [] } }, /./],
    [{ filter: { op: "=", args: [1, 1] }, "filter-lang": "cql2-text" }, /cql2-text/],
    [{ "filter-lang": "ecql" }, /filter-lang/],
    [{ "filter-crs": "http://www.opengis.net/def/crs/EPSG/0/3857" }, /filter-crs/],
  ] as const) {
    assert.throws(() => requestedByBody(body), { name: "GyreError(BadRequest)", message: why }, JSON.stringify(body));
  }
  for (const [query, why] of [
    [{ bbox: "0,0,x,1" }, /"x" is no number/],
    [{ bbox: "0,0,,1" }, /has 3 numbers/],
    [{ limit: "ten" }, /no number/],
    [{ intersects: "{" }, /no JSON/],
    [{ filter: "{", "filter-lang": "cql2-json" }, /no JSON/],
  ] as const) {
    assert.throws(
      () => requestedByQuery(query),
      { name: "GyreError(BadRequest)", message: why },
      JSON.stringify(query),
    );
  }
});
