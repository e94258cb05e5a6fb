import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Cells, Resampling } from "../../src/render/resample.ts";
import { type PixelTransform, placesExtent, placesOf, resampled, THRESHOLD } from "../../src/render/warp.ts";

const block = { column: 0, row: 0, width: 200, height: 20 };

function cells(width: number, height: number, value: (x: number, y: number) => number, nodata = Number.NaN): Cells {
  const values = Float64Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)));
  return { values, width, height, nodata };
}

describe("places in the source", () => {
  test("are off by no more than the threshold where the transform bends", () => {
    const bent: PixelTransform = (x, y) => [x + 3 * Math.sin(x / 60), y + (x * x) / 9000];
    const { xs, ys } = placesOf(block, bent);
    let asked = 0;
    placesOf(block, (x, y) => {
      asked++;
      return bent(x, y);
    });
    assert.ok(asked < block.width * block.height * 0.5, `${asked} exact places`);
    for (let i = 0; i < xs.length; i++) {
      const [x, y] = bent((i % block.width) + 0.5, Math.floor(i / block.width) + 0.5);
      assert.ok(Math.abs(xs[i]! - x) + Math.abs(ys[i]! - y) <= 3 * THRESHOLD, `place ${i}`);
    }
  });

  test("are none where the transform reaches nothing", () => {
    const half: PixelTransform = (x, y) => (x < 100 ? [Number.NaN, Number.NaN] : [x, y]);
    const places = placesOf(block, half);
    assert.ok(Number.isNaN(places.xs[99]!));
    assert.equal(places.xs[100], 100.5);
    assert.deepEqual(placesExtent(places), [100.5, 0.5, 199.5, 19.5]);
    assert.equal(placesExtent(placesOf(block, () => [Number.NaN, Number.NaN])), undefined);
  });
});

describe("resampling", () => {
  const shifted = (dx: number, dy: number, scale = 1) =>
    placesOf({ column: 0, row: 0, width: 6, height: 6 }, (x, y) => [x * scale + dx, y * scale + dy]);
  const plane = cells(20, 20, (x, y) => 3 * x - 2 * y + 1);

  test("a linear surface stays one by bilinear and cubic weights", () => {
    for (const resampling of ["bilinear", "cubic"] as const) {
      const values = resampled(plane, [0, 0], shifted(4.3, 5.6), resampling, [1, 1]);
      values.forEach((value, i) => {
        const [x, y] = [(i % 6) + 4.3, Math.floor(i / 6) + 5.6];
        assert.ok(Math.abs(value - (3 * x - 2 * y + 1)) < 1e-9, resampling);
      });
    }
  });

  test("cells in their places stay what they are", () => {
    for (const resampling of ["nearest", "bilinear", "cubic", "average", "mode"] as Resampling[]) {
      const values = resampled(plane, [-2, 1], shifted(0, 3), resampling, [1, 1]);
      const expected = values.map((_, i) => 3 * ((i % 6) + 2) - 2 * (Math.floor(i / 6) + 2) + 1);
      assert.deepEqual(values, expected, resampling);
    }
  });

  test("the mean and the most of what a pixel covers", () => {
    const stripes = cells(12, 12, (x) => (x % 3 === 0 ? 9 : 0));
    assert.equal(resampled(stripes, [0, 0], shifted(0, 0, 2), "average", [2, 2])[0], 4.5);
    const three = placesOf({ column: 0, row: 0, width: 4, height: 4 }, (x, y) => [x * 3, y * 3]);
    assert.ok(resampled(stripes, [0, 0], three, "average", [3, 3]).every((value) => Math.abs(value - 3) < 1e-12));
    assert.ok(resampled(stripes, [0, 0], three, "mode", [3, 3]).every((value) => value === 0));
  });

  test("what has no value has no weight, and beyond the cells there is none", () => {
    const holed = cells(4, 4, (x, y) => (x === 1 && y === 1 ? -1 : 7), -1);
    const at = (x: number, y: number, how: Resampling): number =>
      resampled(
        holed,
        [0, 0],
        placesOf({ column: 0, row: 0, width: 1, height: 1 }, () => [x, y]),
        how,
        [1, 1],
      )[0]!;
    assert.ok(Number.isNaN(at(1.5, 1.5, "nearest")));
    assert.equal(at(2, 2, "bilinear"), 7);
    for (const how of ["nearest", "bilinear", "cubic"] as const) assert.ok(Number.isNaN(at(-0.5, 2, how)), how);
    assert.ok(Number.isNaN(at(Number.NaN, 2, "nearest")));
  });

  test("bilinear weights widen where the target is coarser", () => {
    const checks = cells(20, 20, (x) => x % 2);
    const coarse = placesOf({ column: 0, row: 0, width: 3, height: 3 }, (x, y) => [x * 4 + 4, y * 4 + 4]);
    const values = resampled(checks, [0, 0], coarse, "bilinear", [4, 4]);
    for (const value of values) assert.ok(Math.abs(value - 0.5) < 0.01, String(value));
  });
});
