import { loadGeos } from "../../core/geos.ts";
import type { Geometry } from "../../core/stac.ts";
import { type Fault, isGyreError } from "../../errors.ts";
import { boxesOf, checkGeometry, horizontal } from "../cql2/geometry.ts";
import { Budget } from "../cql2/limits.ts";
import { invalid, isObject } from "../json.ts";

/** Degrees by which a box may differ from its geometry: what rounding leaves. */
const TOLERANCE = 0.001;

/** What is wrong with a `geometry` and its `bbox` (RFC 7946; STAC Item, geometry and bbox). */
export async function geometryFaults(item: Readonly<Record<string, unknown>>): Promise<readonly Fault[]> {
  const { geometry, bbox } = item;
  if (geometry === null)
    return bbox === undefined ? [] : [{ pointer: "/bbox", detail: "an item without geometry has none" }];
  if (!isObject(geometry)) return [{ pointer: "/geometry", detail: "must be GeoJSON or null" }];
  const faults: Fault[] = [...bboxFaults(bbox)];
  const checked = checkedGeometry(geometry);
  if ("fault" in checked) return [...faults, checked.fault];
  if (faults.length === 0) faults.push(...agreementFaults(checked.geometry, bbox as readonly number[]));
  const reason = isBox(checked.geometry) ? undefined : (await loadGeos()).fault(checked.geometry);
  return reason === undefined ? faults : [...faults, { pointer: "/geometry", detail: reason }];
}

function checkedGeometry(value: object): { readonly geometry: Geometry } | { readonly fault: Fault } {
  const refuse = (pointer: string, detail: string) => invalid([{ pointer: `/geometry${pointer}`, detail }]);
  const budget = new Budget((reason) => refuse("", reason));
  try {
    return { geometry: checkGeometry(value, budget, refuse) };
  } catch (error) {
    const fault = isGyreError(error, "Invalid") ? error.details.faults?.[0] : undefined;
    if (fault === undefined) throw error;
    return { fault };
  }
}

function* bboxFaults(bbox: unknown): Generator<Fault> {
  const pointer = "/bbox";
  if (bbox === undefined) return yield { pointer, detail: "is missing: an item with a geometry has one" };
  if (!Array.isArray(bbox) || (bbox.length !== 4 && bbox.length !== 6) || !bbox.every(Number.isFinite))
    return yield { pointer, detail: "must be four or six numbers" };
  const [west, south, east, north] = horizontal(bbox as number[]);
  if (Math.abs(west) > 180 || Math.abs(east) > 180) yield { pointer, detail: "has a longitude outside -180 to 180" };
  if (Math.abs(south) > 90 || Math.abs(north) > 90) yield { pointer, detail: "has a latitude outside -90 to 90" };
  if (south > north) yield { pointer, detail: "has its southern edge north of its northern" };
  if (bbox.length === 6 && bbox[2] > bbox[5]) yield { pointer, detail: "has its lower height above its upper" };
}

/** A polygon that is a box with an inside, as those of most items: nothing can be wrong with it. */
function isBox(geometry: Geometry): boolean {
  const [ring = [], ...holes] = geometry.type === "Polygon" ? geometry.coordinates : [];
  if (ring.length !== 5 || holes.length > 0) return false;
  const [[x0, y0], [x1, y1], [x2, y2], [x3, y3], [x4, y4]] = ring as [Position, Position, Position, Position, Position];
  const isClosed = x0 === x4 && y0 === y4;
  const isAlong = x0 === x1 ? y1 === y2 && x2 === x3 && y3 === y0 : y0 === y1 && x1 === x2 && y2 === y3 && x3 === x0;
  return isClosed && isAlong && x0 !== x2 && y0 !== y2;
}

type Position = readonly [number, number];

/** West > east: the box crosses the antimeridian, at which the geometry has to be cut (RFC 7946, 3.1.9 and 5.2). */
function* agreementFaults(geometry: Geometry, bbox: readonly number[]): Generator<Fault> {
  const [west, south, east, north] = horizontal(bbox);
  const isCrossing = west > east;
  const parts = boxesOf(geometry, Infinity);
  if (isCrossing && parts.some(([w, , e]) => w < west - TOLERANCE && e > east + TOLERANCE))
    yield { pointer: "/geometry", detail: "its box crosses the antimeridian, and it is not cut there" };
  const shifted = (lon: number): number => (isCrossing && lon < west - TOLERANCE ? lon + 360 : lon);
  const bounds = {
    western: [Math.min(...parts.map(([w]) => shifted(w))), west],
    southern: [Math.min(...parts.map(([, s]) => s)), south],
    eastern: [Math.max(...parts.map(([w, , e]) => (shifted(w) > w ? e + 360 : e))), isCrossing ? east + 360 : east],
    northern: [Math.max(...parts.map(([, , , n]) => n)), north],
  };
  for (const [edge, [found = 0, said = 0]] of Object.entries(bounds)) {
    if (Math.abs(found - said) > TOLERANCE)
      yield { pointer: "/bbox", detail: `its ${edge} edge is ${said}, that of the geometry ${found}` };
  }
}
