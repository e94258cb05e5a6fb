import assert from "node:assert/strict";
import { test } from "node:test";
import { createMatcher } from "../../../src/catalog/cql2/matcher.ts";
import { parseText } from "../../../src/catalog/cql2/text.ts";
import type { StacItem } from "../../../src/core/stac.ts";

const ITEM: StacItem = {
  type: "Feature",
  stac_version: "1.1.0",
  id: "Ärger",
  collection: "c",
  geometry: {
    type: "Polygon",
    coordinates: [
      [
        [0, 0],
        [10, 0],
        [10, 10],
        [0, 10],
        [0, 0],
      ],
    ],
  },
  properties: {
    datetime: null,
    start_datetime: "2000-01-01T00:00:00Z",
    end_datetime: "2000-12-31T00:00:00Z",
    depth: 100,
    name: "Château",
    day: "2000-06-30",
    at: "2000-06-30T12:00:00+02:00",
    tags: ["a", "b", 1],
    nothing: null,
    flag: true,
  },
  links: [],
  assets: {},
};

async function check(item: StacItem, truths: Readonly<Record<string, boolean>>): Promise<void> {
  for (const [text, expected] of Object.entries(truths)) {
    using matcher = await createMatcher(parseText(text));
    assert.equal(matcher.matches(item), expected, text);
  }
}

test("comparisons with nothing, or of different kinds, are neither true nor false", async () => {
  await check(ITEM, {
    "missing = 1": false,
    "NOT (missing = 1)": false,
    "missing = 1 OR flag = TRUE": true,
    "nothing IS NULL": true,
    "missing IS NULL AND depth IS NOT NULL": true,
    "name > 5": false,
    "NOT (name > 5)": false,
    "depth = '100'": false,
    "(missing = 1) IS NULL": true,
    "missing IN (1, 2) OR depth IN (99, 100)": true,
    "depth NOT IN (1, missing)": false,
    "depth / 0 = 1": false,
    "depth BETWEEN 99.5 AND 100": true,
    "depth NOT BETWEEN 99.5 AND 100": false,
    "-depth = -100": true,
    "depth % 30 = 10 AND depth div 30 = 3 AND 2^10 = 1024": true,
  });
});

test("case, accents and patterns", async () => {
  await check(ITEM, {
    "CASEI(id) = CASEI('ÄRGER')": true,
    "id = 'ärger'": false,
    "CASEI('Straße ſ ﬁne ΣΊΣΥΦΟΣ ᾼ İ Ꞑ') = CASEI('STRASSE S FINE σίσυφοσ αι i\u0307 ꞑ')": true,
    "CASEI('ẞ') = 'ss'": true,
    "CASEI('ı') = CASEI('I')": false,
    "ACCENTI(name) = 'Chateau'": true,
    "ACCENTI(CASEI(name)) LIKE ACCENTI(CASEI('CHÂT%'))": true,
    "name LIKE 'Ch_teau'": true,
    "name LIKE 'Ch%u'": true,
    "name LIKE 'Ch%x'": false,
    "name NOT LIKE '\\%'": true,
  });
});

test("a date is its whole day, datetime what the item covers, text that is a timestamp an instant", async () => {
  await check(ITEM, {
    "at = TIMESTAMP('2000-06-30T10:00:00Z')": true,
    "at = '2000-06-30T10:00:00Z'": true,
    "at = DATE('2000-06-30')": true,
    "at <= DATE('2000-06-29')": false,
    "day = at": true,
    "datetime >= TIMESTAMP('2000-06-01T00:00:00Z') AND datetime <= TIMESTAMP('2000-06-02T00:00:00Z')": true,
    "datetime > TIMESTAMP('2000-06-01T00:00:00Z')": false,
    "datetime IS NULL": true,
    "start_datetime = DATE('2000-01-01')": true,
    "T_INTERSECTS(datetime, DATE('2000-12-31'))": true,
    "T_DURING(datetime, INTERVAL('1999-12-31', '..'))": true,
    "T_CONTAINS(datetime, DATE('2000-06-30'))": true,
    "T_STARTEDBY(datetime, TIMESTAMP('2000-01-01T00:00:00Z'))": true,
    "T_FINISHEDBY(datetime, INTERVAL('2000-06-01', '2000-12-31T00:00:00Z'))": true,
    "T_MEETS(datetime, INTERVAL('2000-12-31T00:00:00Z', '..'))": true,
    "T_METBY(datetime, INTERVAL('..', '2000-01-01T00:00:00Z'))": true,
    "T_OVERLAPS(datetime, INTERVAL('2000-06-01', '2001-06-01'))": true,
    "T_OVERLAPPEDBY(datetime, INTERVAL('1999-06-01', '2000-06-01'))": true,
    "T_BEFORE(datetime, DATE('2001-01-01'))": true,
    "T_AFTER(datetime, DATE('2001-01-01'))": false,
    "T_DISJOINT(datetime, DATE('2001-01-01'))": true,
    "T_EQUALS(datetime, INTERVAL('2000-01-01T00:00:00Z', '2000-12-31T00:00:00Z'))": true,
    "T_EQUALS(day, DATE('2000-06-30'))": true,
    "T_STARTS(day, INTERVAL('2000-06-30', '2000-07-01'))": true,
    "T_FINISHES(day, INTERVAL('2000-06-29', '2000-06-30'))": true,
  });
});

test("arrays are sets", async () => {
  await check(ITEM, {
    "A_CONTAINS(tags, ('a'))": true,
    "A_CONTAINS(tags, ('a', 'z'))": false,
    "A_EQUALS(tags, (1, 'b', 'a', 'a'))": true,
    "A_CONTAINEDBY(('a', 1), tags)": true,
    "A_OVERLAPS(tags, ('z', 1))": true,
    "NOT A_OVERLAPS(tags, ('z', '1'))": true,
    "NOT A_OVERLAPS(name, ('z'))": false,
  });
});

test("spatial predicates are those of GEOS", async () => {
  await check(ITEM, {
    "S_INTERSECTS(geometry, POINT(10 10))": true,
    "S_TOUCHES(geometry, POINT(10 10))": true,
    "S_CONTAINS(geometry, POINT(10 10))": false,
    "S_CONTAINS(geometry, POINT(5 5))": true,
    "S_WITHIN(geometry, BBOX(-1, -1, 11, 11))": true,
    "S_EQUALS(geometry, BBOX(0, 0, 10, 10))": true,
    "S_OVERLAPS(geometry, BBOX(5, 5, 15, 15))": true,
    "S_CROSSES(LINESTRING(-5 5, 5 5), geometry)": true,
    "S_DISJOINT(geometry, BBOX(170, -10, -170, 10))": true,
    "S_INTERSECTS(geometry, BBOX(170, -10, 5, 10))": true,
    "S_INTERSECTS(name, POINT(5 5))": false,
    "S_INTERSECTS(POINT(1 1), BBOX(0, 0, 2, 2))": true,
    "S_INTERSECTS(geometry, POLYGON((-1 -1, 5 5, 5 -1, -1 5, -1 -1)))": true,
    "S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(50 50), POINT(5 5)))": true,
  });
  await check({ ...ITEM, geometry: null }, { "S_DISJOINT(geometry, POINT(1 1))": false, "geometry IS NULL": true });
});

test("a geometry across the antimeridian lies on both sides of it, however it is written", async () => {
  const ring = (west: number, east: number): number[][] => {
    return [
      [west, -10],
      [east, -10],
      [east, 10],
      [west, 10],
      [west, -10],
    ];
  };
  const bbox = [170, -10, -170, 10];
  const cut = { type: "MultiPolygon", coordinates: [[ring(170, 180)], [ring(-180, -170)]] } as const;
  const beyond = { type: "Polygon", coordinates: [ring(170, 190)] } as const;
  const across = { type: "Polygon", coordinates: [ring(170, -170)] } as const;
  for (const place of [{ geometry: cut, bbox }, { geometry: cut }, { geometry: beyond }, { geometry: across, bbox }]) {
    await check(
      { ...ITEM, ...place },
      {
        "S_INTERSECTS(geometry, POINT(175 0))": true,
        "S_INTERSECTS(geometry, POINT(-175 0))": true,
        "S_DISJOINT(geometry, POINT(0 0))": true,
        "S_WITHIN(geometry, BBOX(160, -20, -160, 20))": true,
        "S_EQUALS(geometry, BBOX(170, -10, -170, 10))": true,
      },
    );
  }
});
