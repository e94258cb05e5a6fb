import { type Crs, isLonLat, LONLAT, transform } from "../../core/crs.ts";
import { doubleAreas, extentOf, type Point, type Rings, ringsOf } from "../../render/rings.ts";
import type { MultiPolygon } from "../boundaries/boundary.ts";

/** Halvings of one edge at most: a thousand pieces. */
const DEPTH = 10;
/** Projections of one boundary that are kept. */
const MOST_KEPT = 4;
const MOST_POINTS = 20_000_000;

/**
 * The rings of a boundary in another CRS, each polygon by itself, outer rings counterclockwise and holes clockwise. Edges are straight in degrees, so that they are cut
 * until their images are straight to `tolerance` (in units of the CRS). Points beyond the reach of a projection are left
 * out.
 */
function projectedRings({ coordinates }: MultiPolygon, crs: Crs, tolerance: number): Rings[] {
  const polygons = coordinates as readonly (readonly (readonly Point[])[])[];
  const lists = polygons.map((rings) => rings.map((ring, i) => oriented(ring, i === 0)));
  if (isLonLat(crs) && transform(LONLAT, crs)(10, 50).every((v, i) => Math.abs(v - [10, 50][i]!) < 1e-9)) {
    return lists.map(ringsOf);
  }
  const project = transform(LONLAT, crs);
  return lists.map((rings) => ringsOf(rings.map((ring) => projected(ring, project, tolerance)))).filter(hasArea);
}

const kept = new WeakMap<MultiPolygon, Map<string, Rings[]>>();

/** `projectedRings`, kept as long as the boundary is: hundreds of layers ask for the same ones. */
export function boundaryRings(geometry: MultiPolygon, crs: Crs, tolerance: number): readonly Rings[] {
  const known = kept.get(geometry) ?? new Map<string, Rings[]>();
  kept.set(geometry, known);
  const key = `${tolerance} ${crs.proj}`;
  const found = known.get(key) ?? projectedRings(geometry, crs, tolerance);
  if (known.size >= MOST_KEPT) known.clear();
  known.set(key, found);
  return found;
}

function oriented(ring: readonly Point[], isOuter: boolean): readonly Point[] {
  const [area = 0] = doubleAreas(ringsOf([ring]));
  return area > 0 === isOuter ? ring : ring.toReversed();
}

function hasArea(rings: Rings): boolean {
  return extentOf(rings) !== undefined;
}

function projected(ring: readonly Point[], project: (x: number, y: number) => Point, tolerance: number): Point[] {
  const out: Point[] = [];
  const push = (point: Point): void => {
    if (Number.isFinite(point[0]) && Number.isFinite(point[1]) && out.length < MOST_POINTS) out.push(point);
  };
  const between = (a: Point, b: Point, fromA: Point, fromB: Point, depth: number): void => {
    const middle: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    const exact = project(...middle);
    const [dx, dy] = [exact[0] - (fromA[0] + fromB[0]) / 2, exact[1] - (fromA[1] + fromB[1]) / 2];
    // A bend of the shape of an S has its middle on the straight line: the first cut of long edges is made anyway.
    const isLong = depth === 0 && Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]) > 1;
    if (depth >= DEPTH || (!isLong && Math.abs(dx) + Math.abs(dy) <= tolerance)) return;
    between(a, middle, fromA, exact, depth + 1);
    push(exact);
    between(middle, b, exact, fromB, depth + 1);
  };
  let last: Point | undefined;
  let lastImage: Point | undefined;
  for (const point of ring) {
    const image = project(point[0], point[1]);
    if (last !== undefined && lastImage !== undefined) between(last, point, lastImage, image, 0);
    push(image);
    last = point;
    lastImage = image;
  }
  return out;
}
