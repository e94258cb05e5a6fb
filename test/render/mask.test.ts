import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { PolygonMask } from "../../src/render/mask.ts";
import { type Point, ringsOf } from "../../src/render/rings.ts";
import { meetsCells, type Spans, spanArea } from "../../src/render/spans.ts";

interface Case {
  /** 0: anywhere; 1 to 3: vertices on halves and quarters; 4: slivers; 5: boxes. */
  readonly kind: number;
  readonly width: number;
  readonly height: number;
  readonly southUp: boolean;
  readonly rings: readonly (readonly Point[])[];
  readonly inside: string;
  readonly touched: string;
}

const python = fileURLToPath(new URL("../../.peers/py/bin/python", import.meta.url));
const script = fileURLToPath(new URL("rasterize.py", import.meta.url));
const fixture = new URL("../fixtures/render/masks.json", import.meta.url);

function drawn({ first, count, offsets, columns }: Spans, width: number): string[] {
  assert.equal(offsets.length, count + 1);
  return Array.from({ length: count }, (_, i) => {
    const row = new Array<number>(width).fill(0);
    for (let at = offsets[i]!; at < offsets[i + 1]!; at += 2) {
      assert.ok(columns[at]! < columns[at + 1]!, `an empty run in row ${first + i}`);
      if (at > offsets[i]!) assert.ok(columns[at]! > columns[at - 1]!, `runs that meet in row ${first + i}`);
      row.fill(1, columns[at], columns[at + 1]);
    }
    return row.join("");
  });
}

function masked({ rings, width, height }: Case, allTouched: boolean, block = height): string[] {
  const mask = new PolygonMask(ringsOf(rings), { width, height }, { allTouched });
  const rows: string[] = [];
  for (let row = 0; row < height; row += block) {
    rows.push(...drawn(mask.spans(row, Math.min(block, height - row)), width));
  }
  return rows;
}

/** No edge runs through the inside of the pixel: it is touched at its sides or corners at most. */
function isOnlyTouched({ rings }: Case, column: number, row: number): boolean {
  return !rings.some((ring) => ring.slice(1).some((to, i) => runsThrough(ring[i]!, to, column, row)));
}

/** Liang and Barsky's clipping, to the pixel without its rim. */
function runsThrough([x1, y1]: Point, [x2, y2]: Point, column: number, row: number): boolean {
  const rim = 1e-7;
  let [from, to] = [0, 1];
  for (const [start, step, low] of [
    [x1, x2 - x1, column],
    [y1, y2 - y1, row],
  ] as const) {
    const [least, most] = [low + rim, low + 1 - rim];
    if (step === 0 && (start < least || start > most)) return false;
    if (step === 0) continue;
    const ends = [(least - start) / step, (most - start) / step].sort((a, b) => a - b);
    from = Math.max(from, ends[0]!);
    to = Math.min(to, ends[1]!);
  }
  return from < to;
}

/** A horizontal edge lies on the middle of the row: in a ring that crosses itself it has no side. */
function isOnEdge({ rings }: Case, row: number): boolean {
  return rings.some((ring) => ring.slice(1).some(([, y], i) => y === row + 0.5 && ring[i]![1] === y));
}

function compare(cases: readonly Case[]): number {
  let pixels = 0;
  for (const [number, one] of cases.entries()) {
    const what = `case ${number}: ${JSON.stringify(one)}`;
    const [inside, touched] = [one.inside.split("/"), one.touched.split("/")];
    // GDAL leaves the lower side out where south is up.
    const hasTies = one.southUp || (one.kind >= 1 && one.kind <= 3);
    masked(one, false).forEach((row, y) => {
      assert.ok(row === inside[y] || (hasTies && isOnEdge(one, y)), `row ${y}, ${row}, of ${what}`);
    });
    masked(one, true).forEach((row, y) => {
      for (let x = 0; x < one.width; x++) {
        const isTie = (hasTies && isOnEdge(one, y)) || (one.kind !== 0 && isOnlyTouched(one, x, y));
        assert.ok(row[x] === touched[y]![x] || isTie, `touched pixel ${x}, ${y} of ${what}`);
      }
    });
    pixels += one.width * one.height;
  }
  return pixels;
}

describe("a mask of polygons", () => {
  test("has GDAL's pixels (fixture)", () => {
    assert.ok(compare(JSON.parse(readFileSync(fixture, "utf8")) as Case[]) > 1000);
  });

  test("has GDAL's pixels (1,000 polygons, live)", {
    skip: !existsSync(python) && "no .peers/py with rasterio",
  }, () => {
    const output = execFileSync(python, [script, "11", "1000", "40"], { encoding: "utf8", maxBuffer: 1 << 28 });
    assert.ok(compare(JSON.parse(output) as Case[]) > 50_000);
  });

  test("is the same in blocks of any height, upwards as well", () => {
    for (const one of JSON.parse(readFileSync(fixture, "utf8")) as Case[]) {
      for (const allTouched of [false, true]) {
        const whole = masked(one, allTouched);
        for (const block of [1, 2, 5]) assert.deepEqual(masked(one, allTouched, block), whole);
        const mask = new PolygonMask(ringsOf(one.rings), one, { allTouched });
        const upwards = whole.map((_, i) => drawn(mask.spans(one.height - 1 - i, 1), one.width)[0]);
        assert.deepEqual(upwards.reverse(), whole);
      }
    }
  });

  test("is even-odd: a hole is not inside, what crosses itself is not twice inside", () => {
    const box = (a: number, b: number): Point[] => [
      ...([
        [a, a],
        [b, a],
        [b, b],
        [a, b],
        [a, a],
      ] as Point[]),
    ];
    const holed = new PolygonMask(ringsOf([box(0, 6), box(2, 4)]), { width: 6, height: 6 }).spans(0, 6);
    assert.equal(spanArea(holed), 32);
    assert.equal(meetsCells(holed, 2, 4, 2, 4), false);
    assert.equal(meetsCells(holed, 2, 4, 2, 5), true);
    const bow: Point[] = [
      [0, 0],
      [6, 6],
      [6, 0],
      [0, 6],
      [0, 0],
    ];
    const crossed = new PolygonMask(ringsOf([bow]), { width: 6, height: 6 }).spans(0, 6);
    assert.deepEqual(drawn(crossed, 6)[0], "100000");
  });

  test("slivers have no middle and are touched; what lies outside is neither", () => {
    const size = { width: 8, height: 8 };
    const sliver: Point[] = [
      [1.1, 1],
      [1.2, 1],
      [1.2, 7],
      [1.1, 7],
      [1.1, 1],
    ];
    assert.equal(spanArea(new PolygonMask(ringsOf([sliver]), size).spans(0, 8)), 0);
    assert.equal(spanArea(new PolygonMask(ringsOf([sliver]), size, { allTouched: true }).spans(0, 8)), 6);
    const away = sliver.map(([x, y]): Point => [x + 100, y - 50]);
    assert.equal(spanArea(new PolygonMask(ringsOf([away]), size, { allTouched: true }).spans(0, 8)), 0);
    assert.equal(spanArea(new PolygonMask(ringsOf([]), size).spans(0, 8)), 0);
  });

  test("a polygon far larger than the image fills it; points that are none add nothing", () => {
    const huge: Point[] = [
      [-1e9, -1e9],
      [1e9, -1e9],
      [1e9, 1e9],
      [-1e9, 1e9],
    ];
    const size = { width: 100_000, height: 100_000 };
    assert.equal(spanArea(new PolygonMask(ringsOf([huge]), size).spans(99_990, 10)), 1_000_000);
    const broken = new PolygonMask(
      ringsOf([
        [
          [Number.NaN, 0],
          [5, Number.NaN],
          [9, 9],
          [0, 9],
        ],
      ]),
      { width: 9, height: 9 },
    );
    assert.ok(spanArea(broken.spans(0, 9)) <= 81);
  });
});
