import type { GeoTransform } from "../core/crs/geotransform.ts";

/** A point of the plane, x first. */
export type Point = readonly [x: number, y: number];

/** Rings of polygons in one plane: points one behind the other, the first of a ring again as its last. */
export interface Rings {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  /** Index behind the last point of each ring. */
  readonly ends: Uint32Array;
}

/** Rings out of lists of points; those that are open are closed, those without area left out. */
export function ringsOf(lists: readonly (readonly Point[])[]): Rings {
  const kept = lists.filter((points) => points.length >= 3).map(closed);
  const count = kept.reduce((sum, points) => sum + points.length, 0);
  const xs = new Float64Array(count);
  const ys = new Float64Array(count);
  const ends = new Uint32Array(kept.length);
  let at = 0;
  for (const [ring, points] of kept.entries()) {
    for (const [x, y] of points) {
      xs[at] = x;
      ys[at++] = y;
    }
    ends[ring] = at;
  }
  return { xs, ys, ends };
}

function closed(points: readonly Point[]): readonly Point[] {
  const first = points[0]!;
  const last = points.at(-1)!;
  return first[0] === last[0] && first[1] === last[1] ? points : [...points, first];
}

/** The same rings with every point moved. */
export function mappedRings({ xs, ys, ends }: Rings, map: (x: number, y: number) => Point): Rings {
  const toX = new Float64Array(xs.length);
  const toY = new Float64Array(ys.length);
  for (let i = 0; i < xs.length; i++) [toX[i], toY[i]] = map(xs[i]!, ys[i]!) as [number, number];
  return { xs: toX, ys: toY, ends };
}

/** From coordinates to columns and rows; the same arithmetic as GDAL's, so that ties fall as there. */
export function pixelOf(transform: GeoTransform): (x: number, y: number) => Point {
  const [left, a, b, top, d, e] = transform;
  if (b === 0 && d === 0) {
    const [x0, y0, columns, rows] = [-left / a, -top / e, 1 / a, 1 / e];
    return (x, y) => [x0 + x * columns, y0 + y * rows];
  }
  const inverse = 1 / (a * e - b * d);
  const [xx, xy, yx, yy] = [e * inverse, -b * inverse, -d * inverse, a * inverse];
  const [x0, y0] = [(b * top - left * e) * inverse, (-a * top + left * d) * inverse];
  return (x, y) => [x0 + x * xx + y * xy, y0 + x * yx + y * yy];
}

/** Twice the area of each ring: positive where it runs counterclockwise with y upwards. */
export function doubleAreas({ xs, ys, ends }: Rings): Float64Array {
  const areas = new Float64Array(ends.length);
  let first = 0;
  for (const [ring, end] of ends.entries()) {
    let sum = 0;
    // Relative to the ring's first point: far from the origin products would lose the digits that count.
    const [x0, y0] = [xs[first]!, ys[first]!];
    for (let i = first + 1; i < end; i++) {
      sum += (xs[i - 1]! - x0) * (ys[i]! - y0) - (xs[i]! - x0) * (ys[i - 1]! - y0);
    }
    areas[ring] = sum;
    first = end;
  }
  return areas;
}

/** Least and greatest coordinates; undefined without points. */
export function extentOf({ xs, ys }: Rings): readonly [number, number, number, number] | undefined {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < xs.length; i++) {
    west = Math.min(west, xs[i]!);
    east = Math.max(east, xs[i]!);
    south = Math.min(south, ys[i]!);
    north = Math.max(north, ys[i]!);
  }
  return west <= east && south <= north ? [west, south, east, north] : undefined;
}
