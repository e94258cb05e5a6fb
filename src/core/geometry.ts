import type { Geometry } from "./stac.ts";

export type Position = readonly number[];
/** Least x and y, greatest x and y. */
export type BBox = readonly [number, number, number, number];
export type SimpleGeometry = Exclude<Geometry, { readonly type: "GeometryCollection" }>;
export type Polygon = { readonly type: "Polygon"; readonly coordinates: readonly (readonly Position[])[] };
type Nested = readonly number[] | readonly Nested[];

/** The members of a multi-geometry or of a collection; none of others. */
export function partsOf(geometry: Geometry): readonly Geometry[] {
  switch (geometry.type) {
    case "MultiPoint":
      return geometry.coordinates.map((coordinates) => ({ type: "Point", coordinates }));
    case "MultiLineString":
      return geometry.coordinates.map((coordinates) => ({ type: "LineString", coordinates }));
    case "MultiPolygon":
      return geometry.coordinates.map((coordinates) => ({ type: "Polygon", coordinates }));
    case "GeometryCollection":
      return geometry.geometries;
    default:
      return [];
  }
}

/** All points, lines and polygons in a geometry, at whatever depth; empty ones are left out. */
export function* simpleParts(geometry: Geometry): Generator<Geometry> {
  if (geometry.type === "Point" || geometry.type === "LineString" || geometry.type === "Polygon") {
    if (geometry.coordinates.length > 0) yield geometry;
  } else for (const part of partsOf(geometry)) yield* simpleParts(part);
}

/** One geometry of parts of one kind: itself where there is one, undefined where there are none. */
export function gathered(parts: readonly Geometry[]): Geometry | undefined {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first;
  const kind = first.type;
  if (parts.some((part) => part.type !== kind) || kind === "GeometryCollection" || kind.startsWith("Multi"))
    return { type: "GeometryCollection", geometries: parts };
  return {
    type: `Multi${kind}`,
    coordinates: (parts as readonly SimpleGeometry[]).map((p) => p.coordinates),
  } as Geometry;
}

/** All positions of a geometry. */
export function* positionsOf(geometry: Geometry): Generator<Position> {
  if (geometry.type === "GeometryCollection") for (const part of geometry.geometries) yield* positionsOf(part);
  else yield* nestedPositions(geometry.coordinates);
}

function* nestedPositions(nested: Nested): Generator<Position> {
  if (typeof nested[0] === "number") yield nested as Position;
  else for (const part of nested as readonly Nested[]) yield* nestedPositions(part);
}

/** The same geometry with other positions. */
export function mapPositions(geometry: Geometry, change: (position: Position) => Position): Geometry {
  if (geometry.type === "GeometryCollection")
    return { type: geometry.type, geometries: geometry.geometries.map((part) => mapPositions(part, change)) };
  return { type: geometry.type, coordinates: mapNested(geometry.coordinates, change) } as Geometry;
}

function mapNested(nested: Nested, change: (position: Position) => Position): Nested {
  if (typeof nested[0] === "number") return change(nested as Position);
  return (nested as readonly Nested[]).map((part) => mapNested(part, change));
}

/** The box that holds a geometry; undefined for an empty one. */
export function bboxOf(geometry: Geometry): BBox | undefined {
  const box: Growing = [Infinity, Infinity, -Infinity, -Infinity];
  growGeometry(box, geometry);
  return box[0] <= box[2] && box[1] <= box[3] ? box : undefined;
}

type Growing = [number, number, number, number];

function growGeometry(box: Growing, geometry: Geometry): void {
  if (geometry.type === "GeometryCollection") for (const part of geometry.geometries) growGeometry(box, part);
  else grow(box, geometry.coordinates);
}

/** Loops, and no generator: every feature that is read or written comes through here. */
function grow(box: Growing, nested: Nested): void {
  if (typeof nested[0] !== "number") {
    for (const part of nested as readonly Nested[]) grow(box, part);
    return;
  }
  const [x, y] = nested as readonly [number, number];
  if (x < box[0]) box[0] = x;
  if (y < box[1]) box[1] = y;
  if (x > box[2]) box[2] = x;
  if (y > box[3]) box[3] = y;
}

/** A box as a polygon, counterclockwise. */
export function boxGeometry([west, south, east, north]: BBox): Polygon {
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return { type: "Polygon", coordinates: [ring] };
}

/** The box that holds both. */
export function boxAround(a: BBox | undefined, b: BBox | undefined): BBox | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

/** Whether two boxes have a point in common. */
export function boxesMeet(a: BBox, b: BBox): boolean {
  return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
}

/** Whether the first position has a height, as all of a geometry have or none. */
export function hasHeights(geometry: Geometry): boolean {
  const { value } = positionsOf(geometry).next();
  return value !== undefined && value.length > 2;
}

/** Twice the area of a ring, positive where it runs counterclockwise. */
export function ringArea(ring: readonly Position[]): number {
  const [x0 = 0, y0 = 0] = ring[0] ?? [];
  let area = 0;
  for (let i = 1; i < ring.length; i++) {
    const [ax, ay] = ring[i - 1]!;
    const [bx, by] = ring[i]!;
    area += (ax! - x0) * (by! - y0) - (bx! - x0) * (ay! - y0);
  }
  return area;
}

/** Outer rings counterclockwise and holes clockwise, as RFC 7946 (3.1.6) wants them. */
export function wound(geometry: Geometry): Geometry {
  const polygon = (rings: readonly (readonly Position[])[]) =>
    rings.map((ring, i) => (ringArea(ring) < 0 === (i === 0) ? [...ring].reverse() : ring));
  switch (geometry.type) {
    case "Polygon":
      return { type: "Polygon", coordinates: polygon(geometry.coordinates) };
    case "MultiPolygon":
      return { type: "MultiPolygon", coordinates: geometry.coordinates.map(polygon) };
    case "GeometryCollection":
      return { type: "GeometryCollection", geometries: geometry.geometries.map(wound) };
    default:
      return geometry;
  }
}
