import type { Builder } from "flatbuffers";
import { hasHeights, type Position, partsOf } from "../../core/geometry.ts";
import type { Geometry } from "../../core/stac.ts";
import { WKB_CODES } from "../../core/wkb.ts";
import { GyreError } from "../../errors.ts";
import type { FlatTable } from "./table.ts";

/** Slots of `Geometry` (feature.fbs, version 3). */
const [ENDS, XY, Z, TYPE, PARTS] = [0, 1, 2, 6, 7];
const SLOTS = 8;
const MOST_DEPTH = 16;

/** Kinds of geometry: 0 is told by each feature, 1 to 7 are as in WKB, others are curves and surfaces. */
export const GEOMETRY_NAMES: readonly string[] = [
  "Unknown",
  ...Object.keys(WKB_CODES),
  ...["CircularString", "CompoundCurve", "CurvePolygon", "MultiCurve", "MultiSurface", "Curve", "Surface"],
  ...["PolyhedralSurface", "TIN", "Triangle"],
];

/** A geometry of a feature; `kind` is the header's. */
export function readGeometry(table: FlatTable, kind: number, depth = 0): Geometry {
  if (depth > MOST_DEPTH) throw broken(`geometries ${depth} deep`);
  const type = GEOMETRY_NAMES[kind === 0 ? table.uint8(TYPE) : kind];
  switch (type) {
    case "Point":
      return { type, coordinates: positions(table)[0] ?? [] };
    case "LineString":
    case "MultiPoint":
      return { type, coordinates: positions(table) };
    case "Polygon":
    case "MultiLineString":
      return { type, coordinates: lines(table) };
    case "MultiPolygon": {
      const parts = table.tables(PARTS) ?? [];
      return { type, coordinates: parts.length === 0 ? [] : parts.map(lines) };
    }
    case "GeometryCollection":
      return { type, geometries: (table.tables(PARTS) ?? []).map((part) => readGeometry(part, 0, depth + 1)) };
    default:
      throw new GyreError("Unsupported", `a geometry is a ${type ?? "thing of no known kind"}`, {
        subject: String(type),
      });
  }
}

function positions(table: FlatTable): Position[] {
  const xy = table.doubles(XY) ?? [];
  const z = table.doubles(Z);
  const count = Math.floor(xy.length / 2);
  if (z !== undefined && z.length < count) throw broken("fewer heights than positions");
  return Array.from({ length: count }, (_, i) => {
    const [x, y] = [xy[2 * i]!, xy[2 * i + 1]!];
    if (!Number.isFinite(x) || !Number.isFinite(y)) throw broken("a position that is not finite");
    return z === undefined ? [x, y] : [x, y, z[i]!];
  });
}

/** Ends of rings and lines count positions; without any there is one. */
function lines(table: FlatTable): Position[][] {
  const all = positions(table);
  const ends = table.uint32s(ENDS) ?? [];
  if (ends.length === 0) return all.length === 0 ? [] : [all];
  return ends.map((end, i) => {
    const start = ends[i - 1] ?? 0;
    if (end < start || end > all.length) throw broken("a ring or line has no place among the positions");
    return all.slice(start, end);
  });
}

/** Puts a geometry into a message, with its kind. */
export function buildGeometry(builder: Builder, geometry: Geometry): number {
  const isNested = geometry.type === "MultiPolygon" || geometry.type === "GeometryCollection";
  const parts = isNested ? partsOf(geometry).map((part) => buildGeometry(builder, part)) : [];
  const rings = ringsOf(geometry);
  const flat = rings.flat();
  const heights = !isNested && hasHeights(geometry);
  const vectors = {
    parts: isNested ? offsets(builder, parts) : 0,
    ends: rings.length > 1 ? ends(builder, rings) : 0,
    xy: isNested
      ? 0
      : doubles(
          builder,
          flat.flatMap(([x, y]) => [x!, y!]),
        ),
    z: heights
      ? doubles(
          builder,
          flat.map((position) => position[2] ?? Number.NaN),
        )
      : 0,
  };
  builder.startObject(SLOTS);
  builder.addFieldOffset(ENDS, vectors.ends, 0);
  builder.addFieldOffset(XY, vectors.xy, 0);
  builder.addFieldOffset(Z, vectors.z, 0);
  builder.addFieldInt8(TYPE, WKB_CODES[geometry.type], 0);
  builder.addFieldOffset(PARTS, vectors.parts, 0);
  return builder.endObject();
}

function ringsOf(geometry: Geometry): readonly (readonly Position[])[] {
  switch (geometry.type) {
    case "Point":
      return geometry.coordinates.length === 0 ? [] : [[geometry.coordinates]];
    case "MultiPoint":
    case "LineString":
      return [geometry.coordinates];
    case "Polygon":
    case "MultiLineString":
      return geometry.coordinates;
    default:
      return [];
  }
}

/** Vectors are written from their end. */
export function doubles(builder: Builder, values: readonly number[]): number {
  builder.startVector(8, values.length, 8);
  for (let i = values.length - 1; i >= 0; i--) builder.addFloat64(values[i]!);
  return builder.endVector();
}

export function offsets(builder: Builder, values: readonly number[]): number {
  builder.startVector(4, values.length, 4);
  for (let i = values.length - 1; i >= 0; i--) builder.addOffset(values[i]!);
  return builder.endVector();
}

function ends(builder: Builder, rings: readonly (readonly Position[])[]): number {
  let end = 0;
  const counted = rings.map((ring) => (end += ring.length));
  builder.startVector(4, counted.length, 4);
  for (let i = counted.length - 1; i >= 0; i--) builder.addInt32(counted[i]!);
  return builder.endVector();
}

function broken(reason: string): GyreError {
  return new GyreError("BadSource", reason);
}
