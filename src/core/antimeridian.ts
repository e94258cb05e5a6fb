import { bboxOf, boxGeometry, gathered, mapPositions, type Position, simpleParts } from "./geometry.ts";
import type { Geos } from "./geos.ts";
import type { Geometry } from "./stac.ts";

export interface CutOptions {
  /**
   * An edge of more than 180 degrees goes the other way round, across the antimeridian: so do edges that come out of a
   * projection. Without it only longitudes beyond -180 to 180 tell of a crossing.
   */
  readonly shortestEdges?: boolean;
}

/** Turns round the Earth that a geometry may take; one of more is left as it is. */
const MOST_TURNS = 8;
/** Degrees that rounding leaves. */
const ROUNDING = 1e-9;

/** A geometry of longitudes and latitudes, cut where it crosses the antimeridian (RFC 7946, 3.1.9). */
export function cutAtAntimeridian(
  geometry: Geometry,
  geos: Geos,
  { shortestEdges = false }: CutOptions = {},
): Geometry {
  if (!crosses(geometry, shortestEdges)) return geometry;
  const unwrap = (line: readonly Position[]): readonly Position[] => (shortestEdges ? unwrapped(line) : line);
  const parts = [...simpleParts(geometry)].flatMap((part): Geometry[] => {
    if (part.type === "Point") return [shifted(part, turnOf(part.coordinates[0]!))];
    if (part.type === "LineString") return cutLine(unwrap(part.coordinates));
    return part.type === "Polygon" ? cutPolygon(part.coordinates.map(unwrap), geos) : [];
  });
  return gathered(parts) ?? geometry;
}

function crosses(geometry: Geometry, shortestEdges: boolean): boolean {
  const box = bboxOf(geometry);
  if (box === undefined || box[2] - box[0] > 360 * MOST_TURNS) return false;
  if (box[0] < -180 - ROUNDING || box[2] > 180 + ROUNDING) return true;
  return shortestEdges && box[2] - box[0] > 180 && geometry.type !== "Point" && geometry.type !== "MultiPoint";
}

/** Longitudes that follow each other without a jump; an edge from one side of the antimeridian to the other stays. */
function unwrapped(line: readonly Position[]): readonly Position[] {
  let turns = 0;
  let before = line[0]?.[0] ?? 0;
  return line.map(([x, ...rest]) => {
    const step = x! - before;
    if (Math.abs(step) > 180 && Math.abs(step) < 360 - ROUNDING) turns -= Math.sign(step);
    before = x!;
    return [x! + 360 * turns, ...rest];
  });
}

/** How often a longitude is round the Earth; 180 itself is not. */
function turnOf(longitude: number): number {
  return Math.abs(longitude) <= 180 + ROUNDING ? 0 : Math.floor((longitude + 180) / 360);
}

function shifted(geometry: Geometry, turns: number): Geometry {
  return mapPositions(geometry, ([x, ...rest]) => [clamped(x! - 360 * turns), ...rest]);
}

function clamped(longitude: number): number {
  return Math.abs(longitude) > 180 && Math.abs(longitude) < 180 + ROUNDING ? Math.sign(longitude) * 180 : longitude;
}

function cutLine(line: readonly Position[]): Geometry[] {
  const parts: Geometry[] = [];
  let part: Position[] = [];
  const end = (): void => {
    const [[x0] = [0], [x1] = [0]] = part;
    if (part.length > 1) parts.push(shifted({ type: "LineString", coordinates: part }, turnOf((x0! + x1!) / 2)));
  };
  line.forEach((to, i) => {
    const from = line[i - 1];
    for (const seam of from === undefined ? [] : seamsBetween(from[0]!, to[0]!)) {
      const share = (seam - from![0]!) / (to[0]! - from![0]!);
      const at = from!.map((value, k) => (k === 0 ? seam : value + ((to[k] ?? value) - value) * share));
      part.push(at);
      end();
      part = [at];
    }
    part.push(to);
  });
  end();
  return parts;
}

/** Meridians of 180 degrees strictly between two longitudes, in the order in which they are met. */
function seamsBetween(from: number, to: number): number[] {
  const [low, high] = from < to ? [from, to] : [to, from];
  const seams: number[] = [];
  for (let seam = Math.ceil((low - 180) / 360) * 360 + 180; seam < high; seam += 360) if (seam > low) seams.push(seam);
  return from < to ? seams : seams.reverse();
}

function cutPolygon([outer = [], ...holes]: readonly (readonly Position[])[], geos: Geos): Geometry[] {
  const shell = closedAtPole(outer);
  const [west, , east] = bboxOf({ type: "LineString", coordinates: shell })!;
  const rings = [shell, ...holes.map((hole) => beside(hole, (west + east) / 2))];
  using shape = geos.shape({ type: "Polygon", coordinates: rings });
  if (shape === undefined) return [];
  const parts: Geometry[] = [];
  for (let turn = Math.floor((west + 180) / 360); turn * 360 - 180 < east; turn++) {
    using band = geos.shape(boxGeometry([turn * 360 - 180, -91, turn * 360 + 180, 91]))!;
    const within = geos.intersection(shape, band);
    if (within === undefined) continue;
    for (const part of simpleParts(within)) if (part.type === "Polygon") parts.push(shifted(part, turn));
  }
  return parts;
}

/** A ring once round the Earth holds the pole that it is nearer to. */
function closedAtPole(ring: readonly Position[]): readonly Position[] {
  const [first, last] = [ring[0]!, ring.at(-1)!];
  if (Math.abs(last[0]! - first[0]!) < 180) return ring;
  const pole = ring.reduce((sum, [, y]) => sum + y!, 0) < 0 ? -90 : 90;
  return [...ring, [last[0]!, pole], [first[0]!, pole], first];
}

/** A hole by as many turns as bring it nearest to the middle of its polygon. */
function beside(hole: readonly Position[], middle: number): readonly Position[] {
  const [west, , east] = bboxOf({ type: "LineString", coordinates: hole }) ?? [0, 0, 0, 0];
  const turns = Math.round(((west + east) / 2 - middle) / 360);
  return hole.map(([x, ...rest]) => [x! - 360 * turns, ...rest]);
}
