import assert from "node:assert/strict";
import { test } from "node:test";
import { geometryFaults } from "../../../../src/catalog/validate/geometry-faults.ts";
import { crsFromEpsg, LONLAT, transform } from "../../../../src/core/crs.ts";
import {
  boxOfPlaces,
  type Footprint,
  footprintOfBox,
  footprintOfOutline,
  type Outline,
  type Position,
} from "../../../../src/protocols/stac/dataset-item/footprint.ts";

async function check(footprint: Footprint | undefined): Promise<Footprint> {
  assert.ok(footprint);
  assert.deepEqual(await geometryFaults({ ...footprint }), []);
  return footprint;
}

/** A ring of positions, with the places of a grid within. */
function outline(at: (u: number, v: number) => Position, side = 17): Outline {
  const steps = Array.from({ length: side }, (_, i) => i / (side - 1));
  const back = steps.toReversed();
  const places = steps.flatMap((v) => steps.map((u) => at(u, v)));
  return {
    ring: [
      ...steps.map((u) => at(u, 0)),
      ...steps.slice(1).map((v) => at(1, v)),
      ...back.slice(1).map((u) => at(u, 1)),
      ...back.slice(1, -1).map((v) => at(0, v)),
    ],
    inside: {
      longitudes: Float64Array.from(places, ([lon]) => lon),
      latitudes: Float64Array.from(places, ([, lat]) => lat),
    },
  };
}

test("a box of 0 to 360 lies within -180 to 180, cut where it crosses the antimeridian", async () => {
  const plain = await check(footprintOfBox({ west: 190, span: 20, south: -5, north: 5 }));
  assert.deepEqual(plain.bbox, [-170, -5, -150, 5]);
  assert.equal(plain.geometry.type, "Polygon");
  const across = await check(footprintOfBox({ west: 170, span: 20, south: -5, north: 5 }));
  assert.deepEqual(across.bbox, [170, -5, -170, 5]);
  assert.equal(across.geometry.type, "MultiPolygon");
  const edge = await check(footprintOfBox({ west: 180, span: 10, south: 0, north: 1 }));
  assert.deepEqual(edge.bbox, [-180, 0, -170, 1]);
  const whole = await check(footprintOfBox({ west: 0, span: 360, south: -91, north: 90 }));
  assert.deepEqual(whole.bbox, [-180, -90, 180, 90]);
});

test("what has no area is a point or a line", async () => {
  const shapes = [
    [{ west: 10, span: 0, south: 5, north: 5 }, "Point"],
    [{ west: 10, span: 0, south: 5, north: 6 }, "LineString"],
    [{ west: 10, span: 5, south: 5, north: 5 }, "LineString"],
    [{ west: 175, span: 10, south: 5, north: 5 }, "MultiLineString"],
  ] as const;
  for (const [box, type] of shapes) assert.equal((await check(footprintOfBox(box))).geometry.type, type);
});

test("the box of places leaves the widest stretch out, and all round where they are all round", () => {
  const places = (longitudes: readonly number[]) => ({
    longitudes: Float64Array.from(longitudes),
    latitudes: new Float64Array(longitudes.length).fill(1),
  });
  assert.deepEqual(boxOfPlaces(places([170, -170, 200, Number.NaN])), { west: 170, span: 30, south: 1, north: 1 });
  assert.deepEqual(boxOfPlaces(places([5])), { west: 5, span: 0, south: 1, north: 1 });
  const round = places(Array.from({ length: 36 }, (_, i) => i * 10));
  assert.equal(boxOfPlaces(round)?.span, 360);
  assert.equal(boxOfPlaces(places([Number.NaN])), undefined);
  assert.equal(boxOfPlaces({ longitudes: Float64Array.of(5), latitudes: Float64Array.of(95) }), undefined);
});

test("a ring across the antimeridian is cut there, whichever way it goes", async () => {
  const slanted = outline((u, v) => [172 + 16 * u + 2 * v, 10 + 8 * v - u]);
  for (const ring of [slanted.ring, slanted.ring.toReversed()]) {
    const { bbox, geometry } = await check(await footprintOfOutline({ ...slanted, ring }));
    assert.deepEqual(bbox, [172, 9, -170, 18]);
    assert.equal(geometry.type, "MultiPolygon");
  }
});

test("a ring round a pole contains the pole", async () => {
  for (const [epsg, pole] of [
    [3413, 90],
    [3031, -90],
  ] as const) {
    const toLonLat = transform(crsFromEpsg(epsg)!, LONLAT);
    const around = outline((u, v) => toLonLat(-2e6 + 4e6 * u, -2e6 + 4e6 * v));
    const { bbox, geometry } = await check(await footprintOfOutline(around));
    assert.deepEqual([bbox[0], bbox[2]], [-180, 180]);
    assert.equal(bbox[pole > 0 ? 3 : 1], pole);
    assert.equal(geometry.type, "Polygon");
    const corner = toLonLat(2e6, 2e6)[1];
    assert.ok(Math.abs(bbox[pole > 0 ? 1 : 3] - corner) < 0.01, `${bbox} and ${corner}`);
  }
});

test("a ring that crosses itself or lies partly nowhere gives way to a box", async () => {
  const bow: Outline = {
    ring: [
      [0, 0],
      [10, 10],
      [10, 0],
      [0, 10],
    ],
    inside: { longitudes: Float64Array.of(0, 10), latitudes: Float64Array.of(0, 10) },
  };
  assert.deepEqual((await check(await footprintOfOutline(bow))).bbox, [0, 0, 10, 10]);
  const partly = outline((u, v) => [u > 0.9 ? Number.NaN : 20 * u, 10 * v]);
  assert.deepEqual((await check(await footprintOfOutline(partly))).bbox, [0, 0, 17.5, 10]);
  const nowhere = outline(() => [Number.NaN, Number.NaN]);
  assert.equal(await footprintOfOutline(nowhere), undefined);
});
