import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type ErrorTag, type GyreError, isGyreError } from "../../../src/errors.ts";
import { adHocBoundary } from "../../../src/flows/boundaries/ad-hoc.ts";
import { adHocBoundaryOfFile } from "../../../src/flows/boundaries/ad-hoc-file.ts";

const SQUARE = [
  [0, 0],
  [10, 0],
  [10, 10],
  [0, 10],
  [0, 0],
];
const polygon = (ring: readonly unknown[]): object => ({ type: "Polygon", coordinates: [ring] });
const circle = (vertices: number): number[][] => {
  const ring = Array.from({ length: vertices }, (_, i) => {
    const turn = (i / vertices) * 2 * Math.PI;
    return [10 * Math.cos(turn), 10 * Math.sin(turn)];
  });
  return [...ring, ring[0]!];
};

async function refusal(work: Promise<unknown>, tag: ErrorTag): Promise<GyreError> {
  try {
    await work;
  } catch (error) {
    assert.ok(isGyreError(error, tag), String(error));
    return error;
  }
  assert.fail("nothing was refused");
}

describe("polygons that come with jobs", () => {
  test("one area has one digest and one name, from values, text and files", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "gyre-boundary-"));
    t.after(() => rm(folder, { recursive: true }));
    const collection = {
      type: "FeatureCollection",
      features: [{ type: "Feature", properties: null, geometry: polygon(SQUARE) }],
    };
    await writeFile(join(folder, "area.geojson"), JSON.stringify(collection));
    const all = await Promise.all([
      adHocBoundary(polygon(SQUARE)),
      adHocBoundary(JSON.stringify(polygon([...SQUARE].reverse()))),
      adHocBoundary(collection),
      adHocBoundary(" polygon ( (0 0,10 0,10 10,0 10,0 0) ) "),
      adHocBoundary("SRID=4326;MULTIPOLYGON(((0 0, 0 10, 10 10, 10 0, 0 0)))"),
      adHocBoundaryOfFile(join(folder, "area.geojson")),
    ]);
    const [first] = all;
    assert.match(first?.boundary.name ?? "", /^adhoc-[0-9a-f]{12}$/);
    assert.equal(first?.boundary.name.slice(6), first?.boundary.digest.slice(7, 19));
    for (const other of all) assert.deepEqual(other, first);
  });

  test("a name that is given is kept, when it is one", async () => {
    const { boundary } = await adHocBoundary(polygon(SQUARE), { name: "my-delta_2" });
    assert.equal(boundary.name, "my-delta_2");
    for (const name of ["", "A", "a/b", "..", "a".repeat(101), "a\0"])
      await refusal(adHocBoundary(polygon(SQUARE), { name }), "Invalid");
  });

  test("a box says which way long edges go", async () => {
    const ring = [
      [170, -20],
      [-170, -20],
      [-170, -10],
      [170, -10],
      [170, -20],
    ];
    const across = await adHocBoundary({ ...polygon(ring), bbox: [170, -20, -170, -10] });
    assert.deepEqual(across.boundary.bbox, [170, -20, -170, -10]);
    const along = await adHocBoundary({ ...polygon(ring), bbox: [-170, -20, 170, -10] });
    assert.deepEqual(along.boundary.bbox, [-170, -20, 170, -10]);
    // What came out says it by itself.
    for (const { boundary } of [across, along])
      assert.equal((await adHocBoundary(boundary.geometry)).boundary.digest, boundary.digest);
    await refusal(adHocBoundary(polygon(ring)), "Invalid");
  });

  test("what is mended is told", async () => {
    const { repairs } = await adHocBoundary("POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))");
    assert.match(repairs.join(), /Self-intersection/);
    assert.deepEqual((await adHocBoundary(polygon(SQUARE))).repairs, []);
  });

  test("many vertices are checked in a thread, with the same result", async () => {
    const { boundary } = await adHocBoundary(polygon(circle(5000)));
    assert.equal(boundary.geometry.coordinates[0]?.[0]?.length, 5001);
    const wrong = polygon([...circle(100).slice(0, -1), [200, 0], [-170, 0]]);
    await refusal(adHocBoundary(wrong), "Invalid");
  });

  test("who leaves does not wait", async () => {
    const gone = AbortSignal.abort(new Error("gone"));
    await assert.rejects(adHocBoundary(polygon(circle(5000)), {}, { signal: gone }), /gone/);
  });
});

describe("what is no polygon", () => {
  const places: readonly (readonly [unknown, string])[] = [
    [
      polygon([
        [0, 0],
        [1, 95],
        [1, 0],
      ]),
      "/coordinates/0/1",
    ],
    [
      polygon([
        [0, 0],
        [1000, 5],
        [1, 0],
      ]),
      "/coordinates/0/1",
    ],
    [
      polygon([
        [0, 0],
        ["1", 5],
        [1, 0],
      ]),
      "/coordinates/0/1",
    ],
    [polygon([[0, 0], [1], [1, 0]]), "/coordinates/0/1"],
    [polygon([[0, 0], null]), "/coordinates/0/1"],
    [
      polygon([
        [0, 0],
        [Number.NaN, 0],
      ]),
      "/coordinates/0/1",
    ],
    [{ type: "Polygon", coordinates: "all" }, "/coordinates"],
    [{ type: "Polygon", coordinates: [5] }, "/coordinates/0"],
    [{ type: "MultiPolygon", coordinates: [[SQUARE], [[[0, 0], "x"]]] }, "/coordinates/1/0/1"],
    [{ type: "Feature", geometry: polygon([[0, 100]]) }, "/geometry/coordinates/0/0"],
    [
      { type: "FeatureCollection", features: [{ type: "Feature", geometry: { type: "Blob" } }] },
      "/features/0/geometry/type",
    ],
    [{ type: "Topology" }, "/type"],
    [{ type: "Point", coordinates: [0, 0] }, ""],
    [{ type: "FeatureCollection", features: [] }, ""],
    [{}, "/type"],
  ];
  for (const [value, pointer] of places) {
    test(`${JSON.stringify(value).slice(0, 70)} is refused at ${JSON.stringify(pointer)}`, async () => {
      const { details } = await refusal(adHocBoundary(value as object), "Invalid");
      assert.equal(details.faults?.[0]?.pointer, pointer);
    });
  }

  test("text that is none", async () => {
    for (const text of [
      "",
      "{",
      "{}",
      "[]",
      "POINT(0 0)",
      "POLYGON",
      "POLYGON EMPTY",
      "POLYGON((0 0, 1 1",
      "POLYGON((0 0, 1 1, 1 0, 0 0)) and more",
      "POLYGON((0 0; 1 1))",
      "POLYGON((0, 1 1, 1 0))",
      "POLYGON((1 2 3 4 5, 1 1, 1 0))",
      "SRID=3857;POLYGON((0 0, 1 0, 1 1, 0 0))",
      `${"GEOMETRYCOLLECTION(".repeat(50)}POLYGON((0 0, 1 0, 1 1, 0 0))${")".repeat(50)}`,
      "(".repeat(100_000),
    ])
      await refusal(adHocBoundary(text), "Invalid");
  });

  test("collections in collections have an end", async () => {
    let nested: object = polygon(SQUARE);
    for (let i = 0; i < 1000; i++) nested = { type: "GeometryCollection", geometries: [nested] };
    await refusal(adHocBoundary(nested), "Invalid");
  });

  test("too much is too large, before anything is made of it", async () => {
    await refusal(adHocBoundary(polygon(circle(11)), { limits: { vertices: 10 } }), "TooLarge");
    await refusal(adHocBoundary("x".repeat(17 * 1024 * 1024)), "TooLarge");
  });

  test("edges that all cross each other do not keep the node busy", async () => {
    // Each edge crosses half of all others: millions of crossings, for which GEOS would take gigabytes.
    const star = Array.from({ length: 4001 }, (_, i) => {
      const turn = (i * 2000 * 2 * Math.PI) / 4001;
      return [80 * Math.cos(turn), 80 * Math.sin(turn)];
    });
    let isFree = false;
    const timer = setImmediate(() => {
      isFree = true;
    });
    const { message } = await refusal(adHocBoundary(polygon([...star, star[0]!]), { limits: { ms: 500 } }), "Invalid");
    clearImmediate(timer);
    assert.match(message, /cross each other too often/);
    assert.ok(isFree);
  });
});
