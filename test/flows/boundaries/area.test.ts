import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadGeos } from "../../../src/core/geos.ts";
import type { Geometry } from "../../../src/core/stac.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { LongEdges } from "../../../src/flows/boundaries/antimeridian.ts";
import { type Area, areaOf } from "../../../src/flows/boundaries/area.ts";
import { polygonsOf } from "../../../src/flows/boundaries/rings.ts";
import { readPolygonWkt } from "../../../src/flows/boundaries/wkt.ts";

const area = (wkt: string, longEdges: LongEdges = "refused", isReprojected = false): Promise<Area> =>
  areaOf(polygonsOf(readPolygonWkt(wkt)), { longEdges, isReprojected });
const size = async (geometry: Geometry): Promise<number> => {
  const geos = await loadGeos();
  using shape = geos.shape(geometry);
  return shape === undefined ? 0 : geos.area(shape);
};
const near = (found: number, wanted: number): void =>
  assert.ok(Math.abs(found - wanted) < 1e-5, `${found} instead of ${wanted}`);

describe("an area in its one form", () => {
  const square = "POLYGON((0 0, 10 0, 10 10, 0 10, 0 0), (2 2, 2 4, 4 4, 4 2, 2 2))";

  test("has the digest of its little-endian WKB", async () => {
    // By hashlib and struct of Python.
    const { digest } = await area(square);
    assert.equal(digest, "sha256:26e36ea64efe38adae6ad7f206749a301003be026102c0aa84dbc06f1f25f6a4");
  });

  test("is the same however it is written", async () => {
    const { digest, geometry } = await area(square);
    for (const other of [
      "POLYGON((10 10, 10 0, 0 0, 0 10, 10 10), (4 4, 2 4, 2 2, 4 2, 4 4))",
      "MULTIPOLYGON(((0 0, 0 10, 10 10, 10 0, 0 0), (2 2, 4 2, 4 4, 2 4, 2 2)))",
      "POLYGON Z((0 0 5, 10 0 5, 10 10 5, 0 10 5, 0 0 5), (2 2 5, 2 4 5, 4 4 5, 4 2 5, 2 2 5))",
      "GEOMETRYCOLLECTION(POLYGON((0 0, 10 0, 10 10, 0 10, 0 0), (2 2, 2 4, 4 4, 4 2, 2 2)))",
      "POLYGON((0 0, 10 0, 10 0, 10 10, 0 10), (2 2, 2 4, 4 4, 4 2))",
      "POLYGON((1e-9 0, 10 -2e-9, 10.00000001 10, 0 10, 1e-9 0), (2 2, 2 4, 4 4, 4 2, 2 2))",
    ]) {
      assert.equal((await area(other)).digest, digest, other);
    }
    assert.deepEqual(polygonsOf(geometry).length, 1);
    assert.notEqual((await area("POLYGON((0 0, 10 0, 10 10, 0 10, 0 0))")).digest, digest);
  });

  test("has its parts in an order of its own", async () => {
    const one = await area("MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))");
    const other = await area("MULTIPOLYGON(((6 6, 5 5, 6 5, 6 6)), ((1 1, 0 0, 1 0, 1 1)))");
    assert.equal(other.digest, one.digest);
    assert.deepEqual(other.geometry, one.geometry);
  });

  test("is made again of itself", async () => {
    const first = await area("POLYGON((0 0, 7 3.3333333333, 1.1111111111 9, -4.00000004 5, 0 0))");
    const again = await areaOf(polygonsOf(first.geometry), { longEdges: "refused" });
    assert.deepEqual(again, first);
  });
});

describe("rings that are mended", () => {
  test("what crosses itself keeps both lobes", async () => {
    const { geometry, repairs } = await area("POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))");
    assert.equal(geometry.coordinates.length, 2);
    near(await size(geometry), 50);
    assert.match(repairs[0] ?? "", /Self-intersection/);
  });

  test("parts that overlap are one", async () => {
    const { geometry } = await area("MULTIPOLYGON(((0 0, 10 0, 10 10, 0 10, 0 0)), ((5 5, 15 5, 15 15, 5 15, 5 5)))");
    assert.equal(geometry.coordinates.length, 1);
    near(await size(geometry), 175);
  });

  test("a hole that touches its ring stays a hole", async () => {
    const { geometry } = await area("POLYGON((0 0, 10 0, 10 10, 0 10, 0 0), (0 0, 5 4, 4 5, 0 0))");
    near(await size(geometry), 100 - 4.5);
  });

  test("holes without area and spikes go", async () => {
    const { geometry } = await area("POLYGON((0 0, 10 0, 10 10, 20 20, 10 10, 0 10, 0 0), (2 2, 3 3, 4 4, 2 2))");
    assert.equal(geometry.coordinates[0]?.length, 1);
    near(await size(geometry), 100);
  });

  test("an area of nothing is refused", async () => {
    for (const wkt of [
      "POLYGON((0 0, 1 1, 2 2, 0 0))",
      "POLYGON((0 0, 0 0, 0 0))",
      "POLYGON((0 0, 1e-9 0, 0 1e-9, 0 0))",
    ])
      await assert.rejects(area(wkt), (error) => isGyreError(error, "Invalid"), wkt);
  });
});

describe("the antimeridian and the poles", () => {
  const pacific = [
    "POLYGON((170 -20, 190 -20, 190 -10, 170 -10, 170 -20))",
    "POLYGON((-190 -20, -170 -20, -170 -10, -190 -10, -190 -20))",
    "MULTIPOLYGON(((170 -20, 180 -20, 180 -10, 170 -10, 170 -20)), ((-180 -20, -170 -20, -170 -10, -180 -10, -180 -20)))",
  ];

  test("what goes on beyond 180 is cut there", async () => {
    const [first, ...others] = await Promise.all(pacific.map((wkt) => area(wkt)));
    assert.deepEqual(first?.bbox, [170, -20, -170, -10]);
    assert.equal(first?.geometry.coordinates.length, 2);
    for (const other of others) assert.equal(other.digest, first?.digest);
  });

  test("edges that jump are the short way where that is said, and refused where nothing is", async () => {
    const jumping = "POLYGON((170 -20, -170 -20, -170 -10, 170 -10, 170 -20))";
    assert.equal((await area(jumping, "short-way")).digest, (await area(pacific[0]!)).digest);
    near(await size((await area(jumping, "as-written")).geometry), 3400);
    await assert.rejects(area(jumping), /more than 180 degrees.*antimeridian/);
    await assert.rejects(
      area("POLYGON((0 0, 500 0, 1 1, 0 0))"),
      /more than 180 degrees/,
      "also one that goes around the Earth and on",
    );
  });

  test("a hole across it stays one", async () => {
    const { geometry } = await area(
      "POLYGON((170 0, -170 0, -170 20, 170 20, 170 0), (178 5, 178 10, -178 10, -178 5, 178 5))",
      "short-way",
    );
    near(await size(geometry), 400 - 20);
  });

  test("all around the Earth is what it says", async () => {
    const world = await area("POLYGON((-180 -90, 180 -90, 180 90, -180 90, -180 -90))");
    assert.deepEqual(world.bbox, [-180, -90, 180, 90]);
    near(await size(world.geometry), 360 * 180);
    const other = await area("POLYGON((0 -60, 360 -60, 360 60, 0 60, 0 -60))");
    near(await size(other.geometry), 360 * 120);
    assert.deepEqual(other.bbox, [-180, -60, 180, 60]);
  });

  test("a ring around a pole holds it", async () => {
    for (const [latitude, wanted] of [
      [-60, 360 * 30],
      [70, 360 * 20],
    ] as const) {
      const ring = [0, 60, 120, 180, -120, -60, 0].map((x) => `${x} ${latitude}`).join();
      const cap = await area(`POLYGON((${ring}))`, "short-way");
      near(await size(cap.geometry), wanted);
      assert.equal(Math.max(...cap.geometry.coordinates.flat(2).map(([, y]) => Math.abs(y!))), 90);
    }
  });

  test("a pole has any longitude after a projection", async () => {
    const cap = "POLYGON((0 -60, 60 -60, 120 -60, 180 -60, 33 -90, -180 -60, -120 -60, -60 -60, 0 -60))";
    near(await size((await area(cap, "short-way", true)).geometry), 360 * 30);
    const wedge = "POLYGON((20 -60, 77 -90, -20 -60, 20 -60))";
    near(await size((await area(wedge, "short-way", true)).geometry), 40 * 30);
  });

  test("a ring around the equator has no inside", async () => {
    await assert.rejects(
      area("POLYGON((0 -1, 120 1, -120 1, 0 -1))", "short-way"),
      (error) => isGyreError(error, "Invalid") && /no inside/.test(error.message),
    );
  });

  test("a box is the narrowest one", async () => {
    const islands = "MULTIPOLYGON(((166 -47, 178 -47, 178 -34, 166 -47)), ((-177 -44, -176 -44, -176 -43, -177 -44)))";
    assert.deepEqual((await area(islands)).bbox, [166, -47, -176, -34]);
    const france =
      "MULTIPOLYGON(((-5 42, 8 42, 2 51, -5 42)), ((55 -21, 56 -21, 56 -20, 55 -21)), ((-62 15, -61 15, -61 16, -62 15)))";
    assert.deepEqual((await area(france)).bbox, [-62, -21, 56, 51]);
  });
});
