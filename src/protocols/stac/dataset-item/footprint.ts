import { loadGeos } from "../../../core/geos.ts";
import type { Geometry } from "../../../core/stac.ts";

/** Longitude and latitude in degrees. Longitudes of a line run on across the antimeridian, beyond 180. */
export type Position = readonly [longitude: number, latitude: number];

/** A geometry with the box that fits it. */
export interface Footprint {
  readonly geometry: Geometry;
  /** West, south, east, north; west > east crosses the antimeridian (RFC 7946, 5.2). */
  readonly bbox: readonly [number, number, number, number];
}

/** East of a box lies `span` degrees from its west. */
export interface Box {
  readonly west: number;
  readonly span: number;
  readonly south: number;
  readonly north: number;
}

/** Places in no order: as many latitudes as longitudes. */
export interface Places {
  readonly longitudes: Float64Array;
  readonly latitudes: Float64Array;
}

/** A line round a grid, and the places of the grid or some of them. */
export interface Outline {
  readonly ring: readonly Position[];
  readonly inside: Places;
}

/** Digits behind the point: ten centimetres on the ground, and the noise of single precision is gone. */
const DIGITS = 6;
/** A grid that leaves less open than this goes all round. */
const ROUND = 1e-3;
/** Points of a ring that an item shows. */
const MOST_CORNERS = 128;

/** A footprint along meridians and parallels, cut at the antimeridian (RFC 7946, 3.1.9). */
export function footprintOfBox({ west, span, south, north }: Box): Footprint {
  const [s, n] = [rounded(Math.max(-90, south)), rounded(Math.min(90, north))];
  if (span >= 360 - ROUND) return { bbox: [-180, s, 180, n], geometry: boxGeometry([[-180, 180]], s, n) };
  const w = rounded(normalized(west));
  const e = rounded(w + span);
  if (e <= 180) return { bbox: [w, s, e, n], geometry: boxGeometry([[w, e]], s, n) };
  const spans: [number, number][] = [
    [w, 180],
    [-180, rounded(e - 360)],
  ];
  return { bbox: [w, s, rounded(e - 360), n], geometry: boxGeometry(spans, s, n) };
}

function boxGeometry(spans: readonly (readonly [number, number])[], south: number, north: number): Geometry {
  const [first] = spans as [readonly [number, number]];
  const [w, e] = first;
  if (south === north) {
    const lines = spans.map(([from, to]) => [
      [from, south],
      [to, south],
    ]);
    if (spans.length > 1) return { type: "MultiLineString", coordinates: lines };
    return w === e ? { type: "Point", coordinates: [w, south] } : { type: "LineString", coordinates: lines[0]! };
  }
  if (w === e && spans.length === 1)
    return {
      type: "LineString",
      coordinates: [
        [w, south],
        [w, north],
      ],
    };
  const rings = spans.map(([from, to]) => [
    [
      [from, south],
      [to, south],
      [to, north],
      [from, north],
      [from, south],
    ],
  ]);
  return rings.length === 1
    ? { type: "Polygon", coordinates: rings[0]! }
    : { type: "MultiPolygon", coordinates: rings };
}

/** The smallest box round places; undefined where none is on Earth. */
export function boxOfPlaces({ longitudes, latitudes }: Places): Box | undefined {
  const isThere = (_: number, i: number): boolean => isPlace([longitudes[i]!, latitudes[i]!]);
  const around = longitudes.filter(isThere).map(normalized).sort();
  if (around.length === 0) return undefined;
  // The widest stretch without any, which the box leaves out.
  let gap = around[0]! + 360 - around.at(-1)!;
  let west = around[0]!;
  for (let i = 1; i < around.length; i++) {
    const between = around[i]! - around[i - 1]!;
    if (between > gap) [gap, west] = [between, around[i]!];
  }
  const [south, north] = range(latitudes.filter(isThere));
  // So many places all round the Earth leave no more open than twice their mean distance.
  const isRound = around.length > 8 && gap <= 2 * Math.sqrt(41_253 / around.length);
  return isRound ? { west: -180, span: 360, south, north } : { west, span: 360 - gap, south, north };
}

/**
 * The area within a line. One that goes round a pole contains it; one that is no simple line, or of which a part lies on
 * no place of Earth, gives way to the smallest box round everything.
 */
export async function footprintOfOutline({ ring, inside }: Outline): Promise<Footprint | undefined> {
  const box = boxOfPlaces(inside);
  if (box === undefined) return undefined;
  if (ring.length < 4 || !ring.every(isPlace)) return footprintOfBox(box);
  const line = unwrapped(ring);
  const turn = line.at(-1)![0] + east(line.at(-1)!, line[0]!) - line[0]![0];
  const around = Math.abs(turn) > 180 ? polar(line, box) : line;
  if (around === line && box.span >= 360 - ROUND) return footprintOfBox(box);
  const parts = cut(around);
  const footprint = ofParts(parts);
  if (footprint === undefined || (await loadGeos()).fault(footprint.geometry) !== undefined) return footprintOfBox(box);
  return footprint;
}

/** Few enough points of a line, first and last among them. */
export function thinnedLine<T>(line: readonly T[], most = MOST_CORNERS / 4): readonly T[] {
  if (line.length <= most) return line;
  return Array.from({ length: most }, (_, i) => line[Math.round((i * (line.length - 1)) / (most - 1))]!);
}

/** A line once round the Earth, closed along the pole that it goes round. */
function polar(line: readonly Position[], { south, north }: Box): readonly Position[] {
  const [lowest, highest] = range(line.map(([, latitude]) => latitude));
  const pole = north - highest >= lowest - south ? 90 : -90;
  const eastward = line[0]![0] <= line.at(-1)![0] ? line : [...line].reverse();
  // The line is cut where it meets the antimeridian, so that it runs from -180 to 180.
  const turned = eastward.map(([longitude, latitude]): Position => [normalized(longitude), latitude]);
  turned.sort(([a], [b]) => a - b);
  const [first, last] = [turned[0]!, turned.at(-1)!];
  const share = (180 - last[0]) / (first[0] + 360 - last[0] || 1);
  const seam = last[1] + (first[1] - last[1]) * share;
  return [[-180, seam], ...turned.filter(([longitude]) => longitude > -180), [180, seam], [180, pole], [-180, pole]];
}

/** Longitudes that follow each other without a jump. */
function unwrapped(ring: readonly Position[]): readonly Position[] {
  const line: Position[] = [];
  for (const position of ring) {
    const before = line.at(-1);
    line.push(before === undefined ? position : [before[0] + east(before, position), position[1]]);
  }
  return line;
}

/** Degrees eastward from one position to another, the shorter way. */
function east([from]: Position, [to]: Position): number {
  return normalized(to - from);
}

/** The parts of a ring on either side of the antimeridian, each within -180 to 180. */
function cut(ring: readonly Position[]): readonly (readonly Position[])[] {
  const [west, east] = range(ring.map(([longitude]) => longitude));
  const parts: Position[][] = [];
  const first = Math.floor((west + 180) / 360);
  for (let turn = first; turn * 360 - 180 < east && turn < first + 3; turn++) {
    const within = clipped(clipped(ring, turn * 360 - 180, 1), turn * 360 + 180, -1);
    const part = within.map(([lon, lat]): Position => [rounded(lon - turn * 360), rounded(lat)]);
    const distinct = part.filter(([lon, lat], i) => lon !== part.at(i - 1)![0] || lat !== part.at(i - 1)![1]);
    if (distinct.length >= 3) parts.push(distinct);
  }
  return parts;
}

/** What of a ring lies on one side of a meridian (Sutherland and Hodgman). */
function clipped(ring: readonly Position[], meridian: number, side: 1 | -1): readonly Position[] {
  const out: Position[] = [];
  ring.forEach((to, i) => {
    const from = ring.at(i - 1)!;
    const [a, b] = [(from[0] - meridian) * side, (to[0] - meridian) * side];
    if (a * b < 0) out.push([meridian, from[1] + ((to[1] - from[1]) * a) / (a - b)]);
    if (b >= 0) out.push(to);
  });
  return out;
}

function ofParts(parts: readonly (readonly Position[])[]): Footprint | undefined {
  if (parts.length === 0) return undefined;
  const polygons = parts.map((part) => [counterclockwise([...part, part[0]!])]);
  const latitudes = parts.flat().map(([, latitude]) => latitude);
  const [south, north] = range(latitudes);
  const ranges = parts.map((part) => range(part.map(([longitude]) => longitude)));
  const [first, last] = [ranges[0]!, ranges.at(-1)!];
  return {
    bbox: [first[0], south, last[1], north],
    geometry:
      polygons.length === 1
        ? { type: "Polygon", coordinates: polygons[0]! }
        : { type: "MultiPolygon", coordinates: polygons },
  };
}

/** As RFC 7946, 3.1.6 wants outer rings. */
function counterclockwise(ring: readonly Position[]): readonly Position[] {
  let area = 0;
  for (let i = 1; i < ring.length; i++) area += (ring[i]![0] - ring[i - 1]![0]) * (ring[i]![1] + ring[i - 1]![1]);
  return area > 0 ? [...ring].reverse() : ring;
}

function isPlace([longitude, latitude]: Position): boolean {
  return Number.isFinite(longitude) && Math.abs(latitude) <= 90 + ROUND;
}

/** From -180, included, to 180. */
export function normalized(longitude: number): number {
  if (longitude >= -180 && longitude < 180) return longitude;
  return ((((longitude + 180) % 360) + 360) % 360) - 180;
}

/** Least and most of numbers that are there. */
export function range(values: Iterable<number>): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

function rounded(value: number): number {
  // Without the sign of a zero.
  return Number(value.toFixed(DIGITS)) + 0;
}
