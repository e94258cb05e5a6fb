import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "../../src/core/random.ts";
import { Coverage } from "../../src/render/coverage.ts";
import { doubleAreas, type Point, ringsOf } from "../../src/render/rings.ts";

const box = (w: number, s: number, e: number, n: number): Point[] => [
  [w, s],
  [e, s],
  [e, n],
  [w, n],
];

function shares(rings: readonly (readonly Point[])[], xs: Float64Array, ys: Float64Array): number[][] {
  const coverage = new Coverage(ringsOf(rings), xs, ys);
  return Array.from({ length: ys.length - 1 }, (_, row) => {
    const out = new Array<number>(xs.length - 1).fill(0);
    const found = coverage.row(row);
    found?.shares.forEach((share, i) => {
      out[found.first + i] = share;
    });
    return out;
  });
}

describe("the share of cells inside of polygons", () => {
  test("of boxes is what is cut of each side", () => {
    const xs = Float64Array.of(0, 1, 3, 4);
    const ys = Float64Array.of(0, 2, 3);
    assert.deepEqual(shares([box(0.5, 1, 2, 3)], xs, ys), [
      [0.25, 0.25, 0],
      [0.5, 0.5, 0],
    ]);
  });

  test("descending axes turn the rows and columns, not the shares", () => {
    const [xs, ys] = [Float64Array.of(0, 1, 3, 4), Float64Array.of(0, 2, 3)];
    const up = shares([box(0.5, 1, 2, 3)], xs, ys);
    const down = shares([box(0.5, 1, 2, 3)], xs.toReversed(), ys.toReversed());
    assert.deepEqual(
      down.reverse().map((row) => row.reverse()),
      up,
    );
  });

  test("a hole is taken away, whichever way the outer ring runs", () => {
    const edges = Float64Array.of(0, 2, 4);
    const hole = box(1, 1, 3, 3).reverse();
    const expected = [
      [0.75, 0.75],
      [0.75, 0.75],
    ];
    assert.deepEqual(shares([box(0, 0, 4, 4), hole], edges, edges), expected);
    assert.deepEqual(shares([box(0, 0, 4, 4).reverse(), hole.toReversed()], edges, edges), expected);
  });

  test("adds up to the polygon's area, also where it reaches beyond the grid", () => {
    const random = createRandom(3, "stars");
    const edges = Float64Array.from({ length: 41 }, (_, i) => i - 20);
    for (let n = 0; n < 200; n++) {
      const points = 5 + (n % 40);
      const star = Array.from({ length: points }, (_, i): Point => {
        const angle = (2 * Math.PI * i) / points;
        const radius = 0.01 + 19 * random();
        return [radius * Math.cos(angle), radius * Math.sin(angle)];
      });
      const [area = 0] = doubleAreas(ringsOf([star])).map((twice) => twice / 2);
      const all = shares([star], edges, edges).flat();
      assert.ok(all.every((share) => share >= 0 && share <= 1));
      assert.ok(Math.abs(all.reduce((a, b) => a + b, 0) - area) < 1e-9 * area, `star ${n}`);
      // What lies beyond the left side or above counts for no cell.
      const east = edges.subarray(20);
      const part = shares([star], east, east).flat();
      const whole = shares([star], edges, edges)
        .slice(20)
        .flatMap((row) => row.slice(20));
      assert.ok(
        part.every((share, i) => Math.abs(share - whole[i]!) < 1e-12),
        `star ${n}`,
      );
    }
  });

  test("rows may be asked for again", () => {
    const edges = Float64Array.of(0, 1, 2, 3);
    const coverage = new Coverage(ringsOf([box(0, 0, 3, 2.5)]), edges, edges);
    assert.equal(coverage.row(2)?.shares[0], 0.5);
    assert.equal(coverage.row(0)?.shares[0], 1);
    assert.equal(new Coverage(ringsOf([]), edges, edges).row(0), undefined);
  });
});
