import { type BBox, bboxOf, type Position, ringArea } from "../../core/geometry.ts";
import type { Geometry } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";

/** Kinds of shapes by the last digit of their type; tens tell of heights (1) and measures (2) (ESRI, 1998, table 1). */
const [POINT, LINE, POLYGON, MULTIPOINT] = [1, 3, 5, 8];
const MULTIPATCH = 31;
/** ESRI's number for a measure, and here a height, that is not there. */
const NO_DATA = -1e38;
/** Outer rings and holes of one polygon that are compared with each other. */
const MOST_PAIRS = 20_000_000;

type Ring = readonly Position[];

/** One record of a .shp without its header (ESRI Shapefile Technical Description, 1998); null for a null shape. */
export function readShape(bytes: Uint8Array): Geometry | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 4) throw broken("a shape is cut off");
  const code = view.getInt32(0, true);
  if (code === 0) return null;
  if (code === MULTIPATCH) throw new GyreError("Unsupported", "a shape is a MultiPatch", { subject: "MultiPatch" });
  const kind = code % 10;
  if (code < 0 || code > 28 || ![POINT, LINE, POLYGON, MULTIPOINT].includes(kind)) throw broken(`shape type ${code}`);
  const hasZ = Math.floor(code / 10) === 1;
  if (kind === POINT) return pointOf(view, hasZ);
  if (kind === MULTIPOINT) return { type: "MultiPoint", coordinates: positions(view, 40, countAt(view, 36, 16), hasZ) };
  const lines = linesOf(view, hasZ);
  return kind === LINE ? lineOf(lines) : polygonOf(lines);
}

function pointOf(view: DataView, hasZ: boolean): Geometry {
  need(view, hasZ ? 28 : 20);
  const [x, y] = [finite(view.getFloat64(4, true)), finite(view.getFloat64(12, true))];
  return { type: "Point", coordinates: hasZ ? [x, y, height(view.getFloat64(20, true))] : [x, y] };
}

function linesOf(view: DataView, hasZ: boolean): Ring[] {
  const parts = countAt(view, 36, 4);
  const points = countAt(view, 40, 16);
  const at = 44 + 4 * parts;
  const all = positions(view, at, points, hasZ);
  const starts = Array.from({ length: parts }, (_, i) => view.getInt32(44 + 4 * i, true));
  return starts.map((start, i) => {
    const end = starts[i + 1] ?? points;
    if (start < 0 || end < start || end > points) throw broken("a part of a shape has no place among its points");
    return all.slice(start, end);
  });
}

/** Heights of all points follow the points, behind their least and greatest. */
function positions(view: DataView, at: number, count: number, hasZ: boolean): Position[] {
  const heights = at + 16 * count + 16;
  need(view, hasZ ? heights + 8 * count : at + 16 * count);
  return Array.from({ length: count }, (_, i) => {
    const x = finite(view.getFloat64(at + 16 * i, true));
    const y = finite(view.getFloat64(at + 16 * i + 8, true));
    return hasZ ? [x, y, height(view.getFloat64(heights + 8 * i, true))] : [x, y];
  });
}

function lineOf(lines: readonly Ring[]): Geometry {
  const [first = []] = lines;
  return lines.length > 1
    ? { type: "MultiLineString", coordinates: lines }
    : { type: "LineString", coordinates: first };
}

/** Outer rings run clockwise, holes the other way (ESRI, 1998, Polygon); a hole lies in the smallest ring around it. */
function polygonOf(rings: readonly Ring[]): Geometry {
  const drawn = rings.filter((ring) => ring.length > 0).map((ring) => new Drawn(closed(ring)));
  const outer = drawn.filter(({ area }) => area <= 0);
  const inner = drawn.filter(({ area }) => area > 0);
  if (outer.length * inner.length > MOST_PAIRS)
    throw broken(`a polygon of ${outer.length} parts, ${inner.length} holes`);
  for (const hole of inner) {
    const around = outer.filter((ring) => ring.holds(hole)).sort((a, b) => b.area - a.area)[0];
    // One that lies in none is a polygon that was drawn the wrong way round.
    if (around === undefined) outer.push(hole);
    else around.holes.push(hole.ring);
  }
  const polygons = outer.map(({ ring, holes }) => [ring, ...holes]);
  const [first = []] = polygons;
  return polygons.length > 1
    ? { type: "MultiPolygon", coordinates: polygons }
    : { type: "Polygon", coordinates: first };
}

function closed(ring: Ring): Ring {
  const [first, last] = [ring[0]!, ring.at(-1)!];
  return first[0] === last[0] && first[1] === last[1] ? ring : [...ring, first];
}

class Drawn {
  readonly ring: Ring;
  /** Twice what it encloses; below zero where it runs clockwise. */
  readonly area: number;
  readonly holes: Ring[] = [];
  readonly #box: BBox;
  #points: ReadonlySet<string> | undefined;

  constructor(ring: Ring) {
    this.ring = ring;
    this.area = ringArea(ring);
    this.#box = bboxOf({ type: "LineString", coordinates: ring })!;
  }

  /** Whether a ring that does not cross this one lies in it: its first point that is not on it tells. */
  holds(hole: Drawn): boolean {
    const [west, south, east, north] = this.#box;
    const [holeWest, holeSouth, holeEast, holeNorth] = hole.#box;
    if (holeWest < west || holeSouth < south || holeEast > east || holeNorth > north) return false;
    this.#points ??= new Set(this.ring.map(([x, y]) => `${x} ${y}`));
    const tell = hole.ring.find(([x, y]) => !this.#points?.has(`${x} ${y}`));
    return tell === undefined || isWithin(tell, this.ring);
  }
}

function isWithin([x, y]: Position, ring: Ring): boolean {
  let inside = false;
  for (let i = 1; i < ring.length; i++) {
    const [ax, ay] = ring[i - 1]! as readonly [number, number];
    const [bx, by] = ring[i]! as readonly [number, number];
    if (ay > y! !== by > y! && x! < ax + ((y! - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  }
  return inside;
}

/** A count, believed as far as its members are there. */
function countAt(view: DataView, at: number, size: number): number {
  need(view, at + 4);
  const count = view.getInt32(at, true);
  if (count < 0 || count * size > view.byteLength) throw broken(`a shape of ${count} parts or points`);
  return count;
}

function need(view: DataView, bytes: number): void {
  if (view.byteLength < bytes) throw broken("a shape is cut off");
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw broken("a position that is not finite");
  return value;
}

function height(value: number): number {
  return Number.isFinite(value) && value > NO_DATA ? value : 0;
}

function broken(reason: string): GyreError {
  return new GyreError("BadSource", reason);
}
