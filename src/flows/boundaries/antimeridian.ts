import type { MultiPolygon } from "./boundary.ts";
import { invalid, type Position, type Ring, type Rings } from "./rings.ts";

/**
 * What an edge over more than 180 degrees of longitude means. GeoJSON takes it as it is written (RFC 7946, 3.1.1) and
 * wants polygons cut at the antimeridian (3.1.9); many are not, and their edges mean the short way.
 */
export type LongEdges = "as-written" | "short-way" | "refused";

export interface UnwrapOptions {
  readonly longEdges: LongEdges;
  /** The longitude of a pole is by chance, as it comes out of another CRS. */
  readonly isReprojected?: boolean;
}

const NEARLY = 1e-6;
const LONG_EDGE =
  "an edge over more than 180 degrees of longitude: cut the polygon at the antimeridian (RFC 7946, 3.1.9), write " +
  "longitudes beyond 180, put a vertex in between, or give the geometry a bbox whose west is greater than its east";

/** A polygon whose longitudes do not jump; those beyond 180 are still to be cut. */
export function unwrapped(rings: Rings, { longEdges, isReprojected = false }: UnwrapOptions): Rings {
  if (longEdges === "as-written") return rings.map(withMiddles);
  const hasJump = rings.some(isJumping);
  const hasPole = isReprojected && rings.some((ring) => ring.some(isPole) && !ring.every(isPole));
  if (!hasJump && !hasPole) return rings;
  if (hasJump && longEdges === "refused") throw invalid("", LONG_EDGE);
  const [outer = [], ...holes] = rings.map(withoutJumps);
  return [outer, ...holes.map((hole) => movedInto(hole, outer))];
}

/** Edges along a parallel from -180 to 180 are in polygons around the Earth, and where small ones were glued together. */
function isJumping(ring: Ring): boolean {
  const isNear = ring.every(([x]) => Math.abs(x) > 90) && ring.some(([x]) => Math.abs(x) < 180 - NEARLY);
  return ring.some((from, i) => isLong(from, ring[(i + 1) % ring.length]!, isNear));
}

/** Edges as they are written, each in halves where others could read it the short way. */
function withMiddles(ring: Ring): Ring {
  return ring.flatMap((from, i) => {
    const to = ring[(i + 1) % ring.length]!;
    return isLong(from, to, false) ? [from, [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2] as const] : [from];
  });
}

/** Over more than 180 degrees of longitude, but for those around the whole Earth; along a pole none is long. */
function isLong(from: Position, to: Position, isAroundLong: boolean): boolean {
  const width = Math.abs(to[0] - from[0]);
  const isAround = Math.abs(width - 360) <= NEARLY;
  return width > 180 + NEARLY && (isAroundLong || !isAround) && !(isPole(from) && isPole(to));
}

function isPole([, latitude]: Position): boolean {
  return Math.abs(latitude) > 90 - NEARLY;
}

/** Each edge takes the short way; a ring around a pole is closed along it. */
function withoutJumps(ring: Ring): Ring {
  const start = nearestToPole(ring);
  if (start === undefined) return ring;
  const found: Position[] = [];
  let longitude = ring[start]![0];
  let pole: number | undefined;
  for (let i = 0; i <= ring.length; i++) {
    const [x, y] = ring[(start + i) % ring.length]!;
    if (isPole([x, y])) {
      pole = Math.sign(y) * 90;
      continue;
    }
    const next = longitude + shortWay(x - longitude);
    // To a pole and back along one meridian encloses nothing.
    if (pole !== undefined && Math.abs(next - longitude) > NEARLY) found.push([longitude, pole], [next, pole]);
    pole = undefined;
    found.push([next, y]);
    longitude = next;
  }
  const turned = Math.round((longitude - ring[start]![0]) / 360);
  if (turned === 0) return found.slice(0, -1);
  const nearest = nearestPole(found);
  if (Math.abs(turned) > 1 || nearest === undefined) throw invalid("", "a ring around the Earth has no inside");
  return [...found, [longitude, nearest], [ring[start]![0], nearest]];
}

/** From there a meridian leads to the pole without meeting the ring; undefined where all of it is at a pole. */
function nearestToPole(ring: Ring): number | undefined {
  let found: number | undefined;
  ring.forEach((position, i) => {
    const isNearer = found === undefined || Math.abs(position[1]) > Math.abs(ring[found]![1]);
    if (!isPole(position) && isNearer) found = i;
  });
  return found;
}

/** Undefined: the ring is on both sides of the equator. */
function nearestPole(ring: Ring): 90 | -90 | undefined {
  if (ring.every(([, y]) => y > 0)) return 90;
  return ring.every(([, y]) => y < 0) ? -90 : undefined;
}

function shortWay(width: number): number {
  return width - 360 * Math.round(width / 360);
}

/** The hole, whole turns aside, where its polygon is. */
function movedInto(hole: Ring, outer: Ring): Ring {
  const [west, east] = rangeOf(outer);
  const [holeWest, holeEast] = rangeOf(hole);
  const turns = Math.round(((west + east) / 2 - (holeWest + holeEast) / 2) / 360);
  if (holeWest + 360 * turns < west - NEARLY || holeEast + 360 * turns > east + NEARLY)
    throw invalid("", "a hole is not inside of its ring, whichever way around the Earth");
  return hole.map(([x, y]) => [x + 360 * turns, y]);
}

/** West and east of a ring. */
function rangeOf(ring: readonly (readonly number[])[]): [number, number] {
  let [west, east] = [Infinity, -Infinity];
  for (const [x = 0] of ring) {
    west = Math.min(west, x);
    east = Math.max(east, x);
  }
  return [west, east];
}

/** West, south, east, north (RFC 7946, 5.2): the narrowest that holds all parts, also across the antimeridian. */
export function narrowestBox({ coordinates }: MultiPolygon): [number, number, number, number] {
  let [south, north] = [90, -90];
  const ranges = coordinates.map(([outer = []]): [number, number] => {
    for (const [, y = 0] of outer) {
      south = Math.min(south, y);
      north = Math.max(north, y);
    }
    return rangeOf(outer);
  });
  ranges.sort(([a], [b]) => a - b);
  let [reach, widest] = [ranges[0]![1], 0];
  let gap: readonly [number, number] | undefined;
  for (const [west, east] of ranges) {
    if (west - reach > widest) [widest, gap] = [west - reach, [reach, west]];
    reach = Math.max(reach, east);
  }
  const first = ranges[0]![0];
  // The gap across the antimeridian is the usual one.
  if (gap === undefined || widest <= first + 360 - reach) return [first, south, reach, north];
  return [gap[1], south, gap[0], north];
}
