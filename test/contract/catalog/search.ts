import assert from "node:assert/strict";
import { test } from "node:test";
import { parseText } from "../../../src/catalog/cql2/text.ts";
import type { Geometry, StacItem } from "../../../src/core/stac.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { MakePool } from "../catalog.ts";
import { box, CALL, item, published, ringOf } from "./node.ts";

const RINGS = [ringOf(20, 20, 40, 40), ringOf(25, 25, 35, 35)];
const RING: Geometry = { type: "Polygon", coordinates: RINGS };
const ISLAND = [
  [29, 29],
  [31, 29],
  [31, 31],
  [29, 29],
];
const WITH_ISLAND: Geometry = { type: "MultiPolygon", coordinates: [RINGS, [ISLAND]] };
const CUT: Geometry = {
  type: "MultiPolygon",
  coordinates: [
    [
      [
        [170, -5],
        [180, -5],
        [180, 5],
        [170, 5],
        [170, -5],
      ],
    ],
    [
      [
        [-180, -5],
        [-170, -5],
        [-170, 5],
        [-180, 5],
        [-180, -5],
      ],
    ],
  ],
};

const PLACES: readonly StacItem[] = [
  item("square", { geometry: box(0, 0, 10, 10) }),
  item("triangle", {
    geometry: {
      type: "Polygon",
      coordinates: [
        [
          [50, 0],
          [60, 0],
          [50, 10],
          [50, 0],
        ],
      ],
    },
  }),
  item("ring", { geometry: RING }),
  item("island", { geometry: WITH_ISLAND }),
  item("cut", { geometry: CUT, bbox: [170, -5, -170, 5] }),
  item("uncut", { geometry: box(175, 20, 185, 25), bbox: [175, 20, -175, 25] }),
  item("shifted", { geometry: box(0, 50, 357.5, 60), bbox: [0, 50, 357.5, 60] }),
  item("pole", { geometry: box(-180, 80, 180, 90) }),
  item("point", { geometry: { type: "Point", coordinates: [-100, 40] } }),
  item("line", {
    geometry: {
      type: "LineString",
      coordinates: [
        [-60, -20],
        [-50, -10],
      ],
    },
  }),
  item("high", { geometry: box(-40, -50, -30, -40), bbox: [-40, -50, 1000, -30, -40, 2000] }),
  item("nowhere", { geometry: null }),
];

/** Searches: each condition against what it must find. */
export function testSearch(make: MakePool): void {
  test("bbox meets geometries, wherever the world is cut", async (t) => {
    const node = await published(make, t, PLACES);
    const cases: [readonly number[], string[]][] = [
      [[1, 1, 2, 2], ["square"]],
      [[10, 10, 11, 11], ["square"]],
      [[11, 11, 12, 12], []],
      [[51, 1, 52, 2], ["triangle"]],
      [[57, 7, 60, 10], []],
      [
        [21, 21, 22, 22],
        ["island", "ring"],
      ],
      [[26, 26, 28, 28], []],
      [[29.5, 29.1, 30, 29.2], ["island"]],
      [
        [24, 26, 28, 28],
        ["island", "ring"],
      ],
      [[-179, -1, -178, 1], ["cut"]],
      [[178, -1, 179, 1], ["cut"]],
      [[179, -1, -179, 1], ["cut"]],
      [[160, -1, 169, 1], []],
      [[-169, -1, -160, 1], []],
      [[-179, 21, -176, 22], ["uncut"]],
      [[-10, 55, -9, 56], ["shifted"]],
      [[-2, 55, -1, 56], []],
      [[-2, 55, 1, 56], ["shifted"]],
      [[100, 85, 101, 90], ["pole"]],
      [[-180, 89.9, 180, 90], ["pole"]],
      [[-100, 40, -100, 40], ["point"]],
      [[-101, 39, -99, 41], ["point"]],
      [[-56, -16, -54, -14], ["line"]],
      [[-60, -12, -58, -10], []],
      [
        [-180, -90, 180, 90],
        PLACES.map(({ id }) => id)
          .filter((id) => id !== "nowhere")
          .sort(),
      ],
    ];
    for (const [bbox, expected] of cases) {
      const [west, south, east, north] = bbox as [number, number, number, number];
      const sortby = [{ field: "id", direction: "asc" }] as const;
      const search = { bbox: [west, south, east, north] as const, sortby };
      assert.deepEqual(await node.ids(search), expected, `bbox ${bbox}`);
      const { matched } = await node.catalog.search({ ...search, limit: 1 }, CALL);
      assert.equal(matched, expected.length, `matched of bbox ${bbox}`);
      if (west > east) continue;
      const intersects = box(west, south, east, north);
      assert.deepEqual(await node.ids({ intersects, sortby }), expected, `intersects ${bbox}`);
    }
    const heights = async (...range: [number, number]): Promise<string[]> =>
      node.ids({ bbox: [-40, -50, -30, -40], heights: range });
    assert.deepEqual(
      [await heights(1500, 3000), await heights(3000, 4000), await heights(0, 1000)],
      [["high"], [], ["high"]],
    );
  });

  test("intersects takes any geometry", async (t) => {
    const node = await published(make, t, PLACES);
    const cases: [Geometry, string[]][] = [
      [{ type: "Point", coordinates: [5, 5] }, ["square"]],
      [{ type: "Point", coordinates: [30, 26] }, []],
      [
        {
          type: "LineString",
          coordinates: [
            [-5, 5],
            [15, 6],
          ],
        },
        ["square"],
      ],
      [
        {
          type: "MultiPoint",
          coordinates: [
            [5, 5],
            [-100, 40],
          ],
        },
        ["point", "square"],
      ],
      [{ type: "Polygon", coordinates: RINGS }, ["island", "ring"]],
      [
        { type: "GeometryCollection", geometries: [box(55, -5, 56, 1), { type: "Point", coordinates: [-175, 0] }] },
        ["cut", "triangle"],
      ],
      [
        {
          type: "Polygon",
          coordinates: [
            [
              [-10, -10],
              [20, -10],
              [20, 20],
              [-10, 20],
              [-10, -10],
            ],
            [
              [-5, -5],
              [15, -5],
              [15, 15],
              [-5, 15],
              [-5, -5],
            ],
          ],
        },
        ["island", "ring"],
      ],
    ];
    for (const [intersects, expected] of cases) {
      assert.deepEqual((await node.ids({ intersects })).sort(), expected, JSON.stringify(intersects));
    }
    for (const broken of [
      { type: "Cube" },
      { type: "Polygon", coordinates: [] },
      { type: "Point", coordinates: [0, 100] },
    ]) {
      await assert.rejects(node.ids({ intersects: broken as Geometry }), (error) => isGyreError(error, "BadRequest"));
    }
  });

  test("datetime meets instants and ranges, with open ends", async (t) => {
    const range = (start: string, end: string) => ({ datetime: null, start_datetime: start, end_datetime: end });
    const node = await published(make, t, [
      item("i2000", { properties: { datetime: "2000-06-01T00:00:00Z" } }),
      item("zoned", { properties: { datetime: "2000-06-01T01:00:00+01:00" } }),
      item("i2010", { properties: { datetime: "2010-01-01T00:00:00.5Z" } }),
      item("r", { properties: range("1850-01-01T00:00:00Z", "2005-12-31T00:00:00Z") }),
      item("both", {
        properties: { ...range("1990-01-01T00:00:00Z", "1999-01-01T00:00:00Z"), datetime: "1995-01-01T00:00:00Z" },
      }),
      item("ancient", { properties: { datetime: "0000-03-01T00:00:00Z" } }),
      item("last", { properties: { datetime: "9999-12-31T23:59:59Z" } }),
      item("never", { properties: { datetime: null } }),
    ]);
    const cases: [string | undefined, string | undefined, string[]][] = [
      ["2000-06-01T00:00:00Z", "2000-06-01T00:00:00Z", ["i2000", "r", "zoned"]],
      ["1998-01-01T00:00:00Z", "1999-01-01T00:00:00Z", ["r"]],
      ["1994-01-01T00:00:00Z", "1996-01-01T00:00:00Z", ["both", "r"]],
      ["2005-12-31T00:00:00Z", undefined, ["i2010", "last", "r"]],
      ["2010-01-01T00:00:01Z", "2020-01-01T00:00:00Z", []],
      [undefined, "1850-01-01T00:00:00Z", ["ancient", "r"]],
      [undefined, "0000-12-31T00:00:00Z", ["ancient"]],
      ["9999-01-01T00:00:00Z", undefined, ["last"]],
    ];
    for (const [start, end, expected] of cases) {
      const datetime = { ...(start && { start: new Date(start) }), ...(end && { end: new Date(end) }) };
      assert.deepEqual((await node.ids({ datetime })).sort(), expected, `${start}/${end}`);
    }
    assert.deepEqual(await node.ids({ collections: ["c"] }), [
      "last",
      "i2010",
      "zoned",
      "i2000",
      "both",
      "r",
      "ancient",
      "never",
    ]);
  });

  test("words are found without case and accents, in groups and phrases", async (t) => {
    const node = await published(make, t, [
      item("x.one", { properties: { title: "Sea Surface Temperature", keywords: ["Océan", "climate"] } }),
      item("x.two", {
        properties: { description: "temperature of the sea's surface", "cmip6:source_id": "IPSL-CM6A-LR" },
      }),
      item("x.three", { properties: { title: "日本 rainfall", link: "https://temperature.example/ocean" } }),
    ]);
    const cases: [string[][], string[]][] = [
      [[["TEMPERATURE"]], ["x.one", "x.two"]],
      [[["sea surface"]], ["x.one"]],
      [[["sea", "surface"]], ["x.one", "x.two"]],
      [
        [["ocean"], ["rainfall"]],
        ["x.one", "x.three"],
      ],
      [[["océan", "rainfall"]], []],
      [[["IPSL-CM6A-LR"]], ["x.two"]],
      [[["cm6a"]], ["x.two"]],
      [[["日本"]], ["x.three"]],
      [[["two"]], ["x.two"]],
      [[["temper"]], []],
      [[["' | & ! : * \\ climate <->"]], ["x.one"]],
    ];
    for (const [q, expected] of cases)
      assert.deepEqual((await node.ids({ q })).sort(), [...expected].sort(), JSON.stringify(q));
    await assert.rejects(node.ids({ q: [["!!", ""]] }), (error) => isGyreError(error, "BadRequest"));
  });

  test("collections, ids and filters", async (t) => {
    const many = Array.from({ length: 40 }, (_, n) =>
      item(`i${n}`, {
        collection: `c${n % 2}`,
        geometry: box(n, 0, n + 1, 1),
        properties: {
          n,
          even: n % 2 === 0,
          tags: [`t${n % 3}`, "all"],
          "a:b": `v${n % 5}`,
          long: `${"y".repeat(100)}${n % 4}`,
        },
      }),
    );
    const node = await published(make, t, many);
    const expected = (test: (n: number) => boolean): string[] =>
      many
        .map(({ id }) => id)
        .filter((id) => test(Number(id.slice(1))))
        .sort();
    assert.deepEqual(
      (await node.ids({ collections: ["c1"] })).sort(),
      expected((n) => n % 2 === 1),
    );
    assert.deepEqual(await node.ids({ collections: [] }), []);
    assert.deepEqual((await node.ids({ ids: ["i3", "i4", "none"] })).sort(), ["i3", "i4"]);
    assert.deepEqual(await node.ids({ ids: ["i3", "i4"], collections: ["c0", "c9"] }), ["i4"]);
    const filters: [string, (n: number) => boolean][] = [
      ["n = 3", (n) => n === 3],
      ["n >= 10 AND n < 12", (n) => n === 10 || n === 11],
      ["even = true", (n) => n % 2 === 0],
      [`"a:b" = 'v2' AND n > 20`, (n) => n % 5 === 2 && n > 20],
      [`"a:b" IN ('v2', 'v3')`, (n) => [2, 3].includes(n % 5)],
      [`NOT "a:b" = 'v2'`, (n) => n % 5 !== 2],
      [`n = 3 OR n = 5`, (n) => n === 3 || n === 5],
      [`long = '${"y".repeat(100)}1'`, (n) => n % 4 === 1],
      [`A_CONTAINS(tags, ('t1'))`, (n) => n % 3 === 1],
      [`id = 'i7'`, (n) => n === 7],
      [`tags = 'all'`, () => false],
      [`S_INTERSECTS(geometry, POINT(10.5 0.5))`, (n) => n === 10],
      [`S_WITHIN(geometry, POLYGON((4.5 -1, 8.5 -1, 8.5 2, 4.5 2, 4.5 -1)))`, (n) => n >= 5 && n <= 7],
      [`n < 20 AND NOT S_DISJOINT(geometry, POINT(10.5 0.5))`, (n) => n === 10],
    ];
    for (const [text, test] of filters) {
      assert.deepEqual((await node.ids({ filter: parseText(text) })).sort(), expected(test), text);
    }
    const [first, rest] = [
      await node.catalog.search(
        { limit: 3, filter: parseText("S_INTERSECTS(geometry, POLYGON((10 0, 20 0, 20 1, 10 0)))") },
        CALL,
      ),
      [] as string[],
    ];
    for (
      let page = first;
      ;
      page = await node.catalog.search(
        { limit: 3, token: page.next, filter: parseText("S_INTERSECTS(geometry, POLYGON((10 0, 20 0, 20 1, 10 0)))") },
        CALL,
      )
    ) {
      rest.push(...page.entries.map(({ document }) => document.id));
      if (page.next === undefined) break;
    }
    assert.deepEqual(
      rest.sort(),
      expected((n) => n >= 9 && n <= 20),
    );
    await assert.rejects(node.catalog.search({ limit: 0 }, CALL), (error) => isGyreError(error, "BadRequest"));
    assert.equal((await node.catalog.search({ limit: 1, isCounted: false }, CALL)).matched, undefined);
  });
}
