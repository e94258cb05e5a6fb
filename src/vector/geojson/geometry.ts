import type { Position } from "../../core/geometry.ts";
import type { Geometry } from "../../core/stac.ts";

const LEVELS: ReadonlyMap<unknown, number> = new Map([
  ["Point", 0],
  ["MultiPoint", 1],
  ["LineString", 1],
  ["MultiLineString", 2],
  ["Polygon", 2],
  ["MultiPolygon", 3],
]);

/** A geometry of GeoJSON (RFC 7946, 3.1), copied without what it should not have. Throws TypeError for what is none. */
export function geometryOfJson(value: unknown): Geometry | null {
  if (value === null || value === undefined) return null;
  const { type, coordinates, geometries } = value as Readonly<Record<string, unknown>>;
  if (type === "GeometryCollection") {
    const parts = listOf(geometries).map(geometryOfJson);
    return { type, geometries: parts.filter((part) => part !== null) };
  }
  const levels = LEVELS.get(type);
  if (levels === undefined) throw new TypeError(`${JSON.stringify(type)?.slice(0, 40)} is no type of a geometry`);
  return { type, coordinates: nested(coordinates, levels) } as Geometry;
}

function nested(value: unknown, levels: number): unknown {
  const list = listOf(value);
  return levels === 0 ? position(list) : list.map((part) => nested(part, levels - 1));
}

/** An empty point has no numbers; what follows the height means nothing (RFC 7946, 3.1.1). */
function position(list: readonly unknown[]): Position {
  if (list.length === 0) return [];
  const kept = list.slice(0, 3);
  if (kept.length < 2 || !kept.every(Number.isFinite)) throw new TypeError("a position is not of two or three numbers");
  return kept as number[];
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("a list of coordinates is none");
  return value;
}
