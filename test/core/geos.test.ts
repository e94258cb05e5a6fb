import assert from "node:assert/strict";
import { test } from "node:test";
import { bboxOf, type Polygon } from "../../src/core/geometry.ts";
import { loadGeos } from "../../src/core/geos.ts";
import type { Geometry } from "../../src/core/stac.ts";
import { writeWkb } from "../../src/core/wkb.ts";
import { readWkb } from "../../src/core/wkb-reader.ts";
import { isGyreError } from "../../src/errors.ts";

const geos = await loadGeos();

const box = (west: number, south: number, east: number, north: number): Polygon => ({
  type: "Polygon",
  coordinates: [
    [
      [west, south],
      [east, south],
      [east, north],
      [west, north],
      [west, south],
    ],
  ],
});
const BOW_TIE: Geometry = {
  type: "Polygon",
  coordinates: [
    [
      [0, 0],
      [2, 2],
      [2, 0],
      [0, 2],
      [0, 0],
    ],
  ],
};

test("what crosses itself is repaired, and why is said", () => {
  const { geometry, fault } = geos.repair(BOW_TIE)!;
  assert.match(fault!, /Self-intersection\[1 1\]/);
  assert.equal(geometry.type, "MultiPolygon");
  assert.deepEqual(geos.repair(box(0, 0, 1, 1)), { geometry: box(0, 0, 1, 1), fault: undefined });
  const unclosed: Geometry = { type: "Polygon", coordinates: [box(0, 0, 1, 1).coordinates[0]!.slice(0, 4)] };
  assert.equal(geos.fault(unclosed), "no geometry");
  assert.deepEqual(geos.repair(unclosed), {
    geometry: box(0, 0, 1, 1),
    fault: "Ring that is not closed, or too short",
  });
});

test("an intersection keeps heights, and is undefined where there is none", () => {
  using left = geos.shape({
    type: "LineString",
    coordinates: [
      [0, 1, 10],
      [4, 1, 50],
    ],
  })!;
  using right = geos.shape(box(1, 0, 3, 2))!;
  using far = geos.shape(box(10, 10, 11, 11))!;
  assert.deepEqual(geos.intersection(left, right), {
    type: "LineString",
    coordinates: [
      [1, 1, 20],
      [3, 1, 40],
    ],
  });
  assert.equal(geos.intersection(left, far), undefined);
});

test("areas, envelopes and prepared shapes", () => {
  using shape = geos.shape(box(0, 0, 2, 3))!;
  assert.equal(geos.area(shape), 6);
  assert.deepEqual(geos.envelope(shape), [0, 0, 2, 3]);
  using prepared = geos.prepare(shape);
  using inside = geos.shape(box(1, 1, 2, 2))!;
  using edge = geos.shape({ type: "Point", coordinates: [0, 0] })!;
  using outside = geos.shape(box(5, 5, 6, 6))!;
  assert.deepEqual(
    [prepared.intersects(inside), prepared.contains(inside), prepared.covers(inside)],
    [true, true, true],
  );
  assert.deepEqual([prepared.intersects(edge), prepared.contains(edge), prepared.covers(edge)], [true, false, true]);
  assert.deepEqual([prepared.intersects(outside), prepared.covers(outside)], [false, false]);
});

test("a hundred thousand cuts leave nothing behind in the memory of GEOS", () => {
  using boundary = geos.shape(box(0, 0, 10, 10))!;
  using prepared = geos.prepare(boundary);
  const cut = (i: number): void => {
    using shape = geos.shape(box(i % 13, i % 7, (i % 13) + 2.5, (i % 7) + 4.5))!;
    if (prepared.intersects(shape) && !prepared.covers(shape)) geos.intersection(shape, boundary);
    geos.fault(BOW_TIE);
  };
  for (let i = 0; i < 1000; i++) cut(i);
  const before = geos.memory();
  for (let i = 0; i < 100_000; i++) cut(i);
  assert.equal(geos.memory(), before);
});

const GEOMETRIES: readonly Geometry[] = [
  { type: "Point", coordinates: [1, 2] },
  { type: "Point", coordinates: [] },
  { type: "Point", coordinates: [1, 2, 3] },
  { type: "MultiPoint", coordinates: [[1, 2, 3]] },
  {
    type: "LineString",
    coordinates: [
      [0, 0],
      [1, 1],
    ],
  },
  box(0, 0, 1, 1),
  { type: "MultiPolygon", coordinates: [] },
  {
    type: "GeometryCollection",
    geometries: [
      { type: "Point", coordinates: [5, 6] },
      { type: "GeometryCollection", geometries: [] },
    ],
  },
];

test("what is written as WKB is read again", () => {
  for (const geometry of GEOMETRIES) assert.deepEqual(readWkb(writeWkb(geometry, { heights: true })), geometry);
  assert.deepEqual(readWkb(writeWkb({ type: "Point", coordinates: [1, 2, 3] })), {
    type: "Point",
    coordinates: [1, 2],
  });
});

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

test("big-endian, extended and measured WKB", () => {
  const one = "3ff0000000000000";
  const two = "4000000000000000";
  assert.deepEqual(readWkb(hex(`00 00000001 ${one} ${two}`)), { type: "Point", coordinates: [1, 2] });
  assert.deepEqual(readWkb(hex(`00 20000001 000010e6 ${one} ${two}`)), { type: "Point", coordinates: [1, 2] });
  assert.deepEqual(readWkb(hex(`00 c0000001 ${one} ${two} ${one} ${two}`)), { type: "Point", coordinates: [1, 2, 1] });
  assert.deepEqual(readWkb(hex(`00 000007d1 ${one} ${two} ${one}`)), { type: "Point", coordinates: [1, 2] });
});

test("hostile WKB is refused before it allocates", () => {
  const refused = (bytes: Uint8Array, tag: "BadSource" | "Unsupported", reason: RegExp): void =>
    assert.throws(
      () => readWkb(bytes),
      (error) => isGyreError(error, tag) && reason.test(error.message),
    );
  refused(hex("01 02000000 ffffffff"), "BadSource", /cut off/);
  refused(hex("01 05000000 01000000 01 03000000 00000000"), "BadSource", /Polygon where a LineString/);
  refused(hex("01 08000000 00000000"), "Unsupported", /CircularString/);
  refused(hex("01 01000000 000000000000f07f 0000000000000000"), "BadSource", /not finite/);
  const collection = "01 07000000 01000000";
  refused(hex(`${collection.repeat(40)} 01 07000000 00000000`), "BadSource", /deep/);
});

test("boxes of geometries", () => {
  assert.deepEqual(bboxOf(box(-1, -2, 3, 4)), [-1, -2, 3, 4]);
  assert.equal(bboxOf({ type: "GeometryCollection", geometries: [] }), undefined);
});
