import type { Geometry } from "../../core/stac.ts";
import type { GyreError } from "../../errors.ts";
import type { Budget } from "./limits.ts";

/** West, south, east, north. */
export type Box = readonly [number, number, number, number];

const DEPTHS: Readonly<Record<string, number>> = {
  Point: 0,
  MultiPoint: 1,
  LineString: 1,
  MultiLineString: 2,
  Polygon: 2,
  MultiPolygon: 3,
};

/** What a geometry is refused by: a place below it, and the reason. */
export type RefuseGeometry = (pointer: string, reason: string) => GyreError;

/** Checks a GeoJSON geometry that a client sent (RFC 7946, 3.1) and copies it without foreign members. */
export function checkGeometry(value: unknown, budget: Budget, refuse: RefuseGeometry, depth = 0): Geometry {
  const { type, coordinates, geometries } = value as Record<string, unknown>;
  if (type === "GeometryCollection") {
    if (!Array.isArray(geometries)) throw refuse("/geometries", "must be an array of geometries");
    if (depth > 0) throw refuse("", "a collection inside a collection");
    const parts = geometries.map((part: unknown, i) => {
      budget.node(depth);
      if (typeof part !== "object" || part === null) throw refuse(`/geometries/${i}`, "must be a geometry");
      return checkGeometry(part, budget, (below, reason) => refuse(`/geometries/${i}${below}`, reason), depth + 1);
    });
    return { type, geometries: parts };
  }
  const levels = typeof type === "string" && Object.hasOwn(DEPTHS, type) ? DEPTHS[type] : undefined;
  if (levels === undefined) throw refuse("/type", "must be a GeoJSON geometry type");
  const checked = checkLevels(coordinates, levels, "/coordinates", budget, refuse);
  const geometry = { type, coordinates: checked } as Geometry;
  checkParts(geometry, refuse);
  return geometry;
}

function checkLevels(value: unknown, levels: number, at: string, budget: Budget, refuse: RefuseGeometry): unknown {
  if (!Array.isArray(value)) throw refuse(at, "must be an array");
  if (levels === 0) return checkPosition(value, at, budget, refuse);
  if (value.length === 0) throw refuse(at, "must not be empty");
  return value.map((part: unknown, i) => checkLevels(part, levels - 1, `${at}/${i}`, budget, refuse));
}

function checkPosition(value: readonly unknown[], at: string, budget: Budget, refuse: RefuseGeometry): number[] {
  budget.position();
  if (value.length < 2 || value.length > 4 || !value.every((n) => typeof n === "number" && Number.isFinite(n)))
    throw refuse(at, "must be a position: longitude, latitude and perhaps a height");
  const position = value as number[];
  if (Math.abs(position[0]!) > 180 || Math.abs(position[1]!) > 90)
    throw refuse(at, "lies outside longitude -180 to 180, latitude -90 to 90");
  return [...position];
}

/** Lines have two positions, rings are closed and have four. */
function checkParts(geometry: Geometry, refuse: RefuseGeometry): void {
  const lines =
    geometry.type === "LineString"
      ? [geometry.coordinates]
      : geometry.type === "MultiLineString"
        ? geometry.coordinates
        : [];
  if (lines.some((line) => line.length < 2)) throw refuse("/coordinates", "a line has two positions or more");
  for (const ring of ringsOf(geometry)) {
    const [first, last] = [ring[0]!, ring.at(-1)!];
    if (ring.length < 4 || first[0] !== last[0] || first[1] !== last[1])
      throw refuse("/coordinates", "a ring has four positions or more and ends where it begins");
  }
}

function ringsOf(geometry: Geometry): readonly (readonly (readonly number[])[])[] {
  if (geometry.type === "Polygon") return geometry.coordinates;
  return geometry.type === "MultiPolygon" ? geometry.coordinates.flat() : [];
}

/** The area of a box: two polygons when it crosses the antimeridian. */
export function boxGeometry(bbox: readonly number[]): Geometry {
  const [west, south, east, north] = horizontal(bbox);
  if (west <= east) return { type: "Polygon", coordinates: [ring(west, south, east, north)] };
  return { type: "MultiPolygon", coordinates: [[ring(west, south, 180, north)], [ring(-180, south, east, north)]] };
}

/** Why a client's box is none; undefined when it is one. */
export function boxFault(bbox: readonly unknown[]): string | undefined {
  if ((bbox.length !== 4 && bbox.length !== 6) || !bbox.every((n) => typeof n === "number" && Number.isFinite(n)))
    return "a box has four or six numbers";
  const [west, south, east, north] = horizontal(bbox as number[]);
  if (Math.abs(west) > 180 || Math.abs(east) > 180 || Math.abs(south) > 90 || Math.abs(north) > 90)
    return "a box lies in longitude -180 to 180, latitude -90 to 90";
  return south > north ? "a box has its southern edge before its northern" : undefined;
}

/** A box without its heights. */
export function horizontal(bbox: readonly number[]): Box {
  const half = bbox.length / 2;
  return [bbox[0]!, bbox[1]!, bbox[half]!, bbox[half + 1]!];
}

/** The boxes that together hold a geometry: one for each polygon, line or point, at most `most`, else one for all. */
export function boxesOf(geometry: Geometry, most = 8): readonly Box[] {
  const parts = partsOf(geometry).map(boundsOf);
  return parts.length <= most ? parts : [parts.reduce(around)];
}

function partsOf(geometry: Geometry): readonly Nested[] {
  if (geometry.type === "GeometryCollection") return geometry.geometries.flatMap(partsOf);
  return geometry.type.startsWith("Multi") ? (geometry.coordinates as readonly Nested[]) : [geometry.coordinates];
}

type Nested = readonly number[] | readonly Nested[];

function boundsOf(coordinates: Nested): Box {
  const [first, second] = coordinates;
  if (typeof first === "number") return [first, second as number, first, second as number];
  return (coordinates as readonly Nested[]).map(boundsOf).reduce(around);
}

function around(a: Box, b: Box): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

function ring(west: number, south: number, east: number, north: number): number[][] {
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
}
