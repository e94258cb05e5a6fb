import { cutAtAntimeridian } from "../../core/antimeridian.ts";
import { type Polygon, simpleParts } from "../../core/geometry.ts";
import { type Geos, loadGeos } from "../../core/geos.ts";
import type { Geometry } from "../../core/stac.ts";
import { narrowestBox, type UnwrapOptions, unwrapped } from "./antimeridian.ts";
import type { Boundary, MultiPolygon } from "./boundary.ts";
import { canonical, digestOf, snappedRing } from "./canonical.ts";
import { invalid, type Rings } from "./rings.ts";

/** Where a boundary is, in its one form. */
export interface Area extends Pick<Boundary, "geometry" | "bbox" | "digest"> {
  /** What was mended, as people may read it: the first of many. */
  readonly repairs: readonly string[];
}

/** Repairs round to the grid again, and that may break them again. */
const ROUNDS = 4;
const MOST_TOLD = 20;

/**
 * The area of polygons: cut at the antimeridian, rounded, made valid, in canonical order. Parts that overlap are one.
 * Throws Invalid where nothing is left.
 */
export async function areaOf(polygons: readonly Rings[], options: UnwrapOptions): Promise<Area> {
  const geos = await loadGeos();
  const repairs = new Set<string>();
  const parts = polygons
    .flatMap((rings) => validParts(unwrapped(rings, options), geos, repairs))
    .map((part) => cutAtAntimeridian(part, geos));
  const geometry = canonical(validWhole(parts, geos, repairs));
  return { geometry, bbox: narrowestBox(geometry), digest: digestOf(geometry), repairs: [...repairs] };
}

/** Polygons of a geometry on the grid; those that have no area there are left away. */
function snappedPolygons(geometry: Geometry): Polygon[] {
  const found: Polygon[] = [];
  for (const part of simpleParts(geometry)) {
    if (!isPolygon(part)) continue;
    const [outer, ...holes] = part.coordinates.map(snappedRing);
    const kept = holes.filter((hole) => hole !== undefined);
    if (outer !== undefined) found.push({ type: "Polygon", coordinates: [outer, ...kept] });
  }
  return found;
}

function validParts(rings: Rings, geos: Geos, repairs: Set<string>): Polygon[] {
  const [polygon] = snappedPolygons({ type: "Polygon", coordinates: rings });
  const repaired = polygon && geos.repair(polygon, "structure");
  if (repaired?.fault !== undefined) tell(repairs, repaired.fault);
  return repaired === undefined ? [] : [...simpleParts(repaired.geometry)].filter(isPolygon);
}

/** The union of valid parts, on the grid. */
function validWhole(parts: readonly Geometry[], geos: Geos, repairs: Set<string>): MultiPolygon {
  let polygons = parts.flatMap(snappedPolygons);
  for (let round = 0; round < ROUNDS; round++) {
    if (polygons.length === 0) throw invalid("", "nothing is left of it: no polygon has an area");
    const whole: MultiPolygon = { type: "MultiPolygon", coordinates: polygons.map(({ coordinates }) => coordinates) };
    const fault = geos.fault(whole);
    if (fault === undefined) return whole;
    if (round === 0) tell(repairs, fault);
    polygons = united(polygons, geos);
  }
  throw invalid("", "its rings cannot be repaired");
}

/** Polygons that may overlap or touch as one. Rounding may have broken single ones: these are repaired before. */
function united(polygons: readonly Polygon[], geos: Geos): Polygon[] {
  const geometries = polygons.flatMap((polygon) => geos.repair(polygon, "structure")?.geometry ?? []);
  using shape = geos.shape({ type: "GeometryCollection", geometries });
  const union = shape && geos.union(shape);
  return union === undefined ? [] : snappedPolygons(union);
}

function tell(repairs: Set<string>, fault: string): void {
  if (repairs.size < MOST_TOLD) repairs.add(fault);
}

function isPolygon(geometry: Geometry): geometry is Polygon {
  return geometry.type === "Polygon";
}
