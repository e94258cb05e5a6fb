import { positionsOf } from "./geometry.ts";
import type { Geometry } from "./stac.ts";

const NAMES = {
  POINT: "Point",
  LINESTRING: "LineString",
  POLYGON: "Polygon",
  MULTIPOINT: "MultiPoint",
  MULTILINESTRING: "MultiLineString",
  MULTIPOLYGON: "MultiPolygon",
  GEOMETRYCOLLECTION: "GeometryCollection",
} as const;

type WktName = keyof typeof NAMES;

/** GeoJSON's name of a Well-Known Text geometry, in any case. */
export function geometryType(word: string): (typeof NAMES)[WktName] | undefined {
  const upper = word.toUpperCase();
  return Object.hasOwn(NAMES, upper) ? NAMES[upper as WktName] : undefined;
}

/** How often the coordinates of a type are put in parentheses: a point once. */
export const WKT_LEVELS = {
  Point: 1,
  LineString: 1,
  MultiPoint: 2,
  Polygon: 2,
  MultiLineString: 2,
  MultiPolygon: 3,
} as const;

/** Well-Known Text of a geometry (OGC 06-103r4, 7), `Z` when it has heights. */
export function writeWkt(geometry: Geometry): string {
  const name = geometry.type.toUpperCase();
  if (positionsOf(geometry).next().done === true) return `${name} EMPTY`;
  if (geometry.type === "GeometryCollection") return `${name}(${geometry.geometries.map(writeWkt).join(", ")})`;
  const dimension = dimensionOf(geometry.coordinates);
  const tag = dimension === 2 ? "" : dimension === 3 ? " Z " : " ZM ";
  const body =
    geometry.type === "Point"
      ? `(${geometry.coordinates.join(" ")})`
      : geometry.type === "MultiPoint"
        ? `(${geometry.coordinates.map((position) => `(${position.join(" ")})`).join(", ")})`
        : writeNested(geometry.coordinates);
  return `${name}${tag}${body}`;
}

function writeNested(value: readonly unknown[]): string {
  const parts = value.map((part) => {
    const inner = part as readonly unknown[];
    return typeof inner[0] === "number" ? inner.join(" ") : writeNested(inner);
  });
  return `(${parts.join(", ")})`;
}

function dimensionOf(value: readonly unknown[]): number {
  return typeof value[0] === "number" ? value.length : dimensionOf(value[0] as readonly unknown[]);
}
