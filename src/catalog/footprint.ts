import type { Geometry } from "../core/stac.ts";
import { GyreError } from "../errors.ts";

/** West, south, east, north in degrees; east is greater than west and may lie beyond 180. */
export type Box = readonly [number, number, number, number];

type Ring = readonly (readonly [number, number])[];

/** A geometry as PostgreSQL's core types take it: longitudes without a jump, in text. */
export interface Footprint {
  readonly box: Box;
  /** Outer rings, lines (there and back) and points; undefined: the box is the geometry. */
  readonly parts?: readonly string[];
  readonly holes: readonly string[];
  readonly heights?: readonly [number, number];
}

const POSITIONS = 100_000;

/**
 * Where a geometry lies. A `bbox` whose west is greater than its east says that it crosses the antimeridian, whether it
 * was cut there (RFC 7946, 3.1.9) or not.
 */
export function footprintOf(geometry: Geometry, bbox?: readonly number[]): Footprint {
  const found = new Collected(crossingWest(bbox));
  found.add(geometry, "/geometry", 0);
  return found.finish(bbox);
}

/** The box in the form that core `box` reads. */
export function boxText([west, south, east, north]: Box): string {
  return `(${east},${north}),(${west},${south})`;
}

/** A box with its west in -180..180, at most once around the world. */
export function unwrapped(west: number, south: number, east: number, north: number): Box {
  const width = east < west ? east - west + 360 : east - west;
  if (width >= 360) return [-180, south, 180, north];
  const start = west - shiftOf(west);
  return [start, south, start + width, north];
}

/** What `west` is moved by so that it lies in -180..180. */
function shiftOf(west: number): number {
  return west >= -180 && west <= 180 ? 0 : Math.floor((west + 180) / 360) * 360;
}

function crossingWest(bbox: readonly number[] | undefined): number | undefined {
  if (bbox === undefined) return undefined;
  const west = bbox[0] as number;
  const east = bbox[bbox.length / 2] as number;
  return west > east ? west : undefined;
}

/** Parts of a geometry as they are found, with their limits. */
class Collected {
  readonly #crossing: number | undefined;
  readonly #outer: Ring[] = [];
  readonly #holes: Ring[] = [];
  #count = 0;
  #west = Infinity;
  #south = Infinity;
  #east = -Infinity;
  #north = -Infinity;
  #low = Infinity;
  #high = -Infinity;

  constructor(crossing: number | undefined) {
    this.#crossing = crossing;
  }

  add(geometry: unknown, at: string, depth: number): void {
    if (depth > 4) throw wrong(at, "geometry collections are nested too deeply");
    const { type, coordinates, geometries } = (geometry ?? {}) as { [member: string]: unknown };
    const each = (list: unknown, then: (entry: unknown, at: string) => void): void => {
      arrayOf(list, at).forEach((entry, i) => {
        then(entry, `${at}/coordinates/${i}`);
      });
    };
    if (type === "Point") this.#part([coordinates], at);
    else if (type === "MultiPoint") each(coordinates, (point, where) => this.#part([point], where));
    else if (type === "LineString") this.#part(coordinates, at);
    else if (type === "MultiLineString") each(coordinates, (line, where) => this.#part(line, where));
    else if (type === "Polygon") this.#polygon(coordinates, at);
    else if (type === "MultiPolygon") each(coordinates, (polygon, where) => this.#polygon(polygon, where));
    else if (type === "GeometryCollection") {
      arrayOf(geometries, at).forEach((member, i) => {
        this.add(member, `${at}/geometries/${i}`, depth + 1);
      });
    } else throw wrong(`${at}/type`, "no GeoJSON geometry");
  }

  finish(bbox: readonly number[] | undefined): Footprint {
    if (this.#outer.length === 0) throw wrong("/geometry", "a geometry without positions");
    const box = unwrapped(this.#west, this.#south, this.#east, this.#north);
    const shift = box[0] - this.#west;
    const isAround = this.#east - this.#west >= 360;
    const text = (ring: Ring): string => `(${ring.map(([x, y]) => `(${isAround ? x : x + shift},${y})`).join()})`;
    const heights = bbox?.length === 6 ? [bbox[2] as number, bbox[5] as number] : [this.#low, this.#high];
    const isBox = this.#holes.length === 0 && this.#outer.length === 1 && this.#isRectangle(this.#outer[0] as Ring);
    return {
      box,
      ...(isBox ? {} : { parts: this.#outer.map(text) }),
      holes: this.#holes.map(text),
      ...((heights[0] as number) <= (heights[1] as number) ? { heights: heights as [number, number] } : {}),
    };
  }

  #polygon(rings: unknown, at: string): void {
    arrayOf(rings, at).forEach((ring, i) => {
      if (i === 0) this.#part(ring, at);
      else this.#holes.push(this.#positions(ring, at));
    });
  }

  /** A ring's last position is its first: core polygons close themselves. A line is a polygon without an inside. */
  #part(list: unknown, at: string): void {
    const positions = this.#positions(list, at);
    const [first, last] = [positions[0], positions.at(-1)];
    const isRing = positions.length > 3 && first?.[0] === last?.[0] && first?.[1] === last?.[1];
    if (isRing) this.#outer.push(positions.slice(0, -1));
    else if (positions.length < 3) this.#outer.push(positions);
    else this.#outer.push([...positions, ...positions.slice(1, -1).reverse()]);
  }

  #positions(list: unknown, at: string): [number, number][] {
    const positions = arrayOf(list, at);
    this.#count += positions.length;
    if (positions.length === 0) throw wrong(at, "no positions");
    if (this.#count > POSITIONS) throw wrong(at, `more than ${POSITIONS} positions`);
    return positions.map((position) => {
      const [x, y, z] = arrayOf(position, at);
      if (typeof x !== "number" || typeof y !== "number" || !(Math.abs(x) <= 720 && Math.abs(y) <= 90)) {
        throw wrong(at, "a position is no longitude and latitude in degrees");
      }
      const lon = this.#crossing !== undefined && x < this.#crossing ? x + 360 : x;
      this.#west = Math.min(this.#west, lon);
      this.#east = Math.max(this.#east, lon);
      this.#south = Math.min(this.#south, y);
      this.#north = Math.max(this.#north, y);
      if (typeof z === "number" && Number.isFinite(z)) {
        this.#low = Math.min(this.#low, z);
        this.#high = Math.max(this.#high, z);
      }
      return [lon, y];
    });
  }

  /** Every edge is an edge of the box, or all is one point. */
  #isRectangle(ring: Ring): boolean {
    if (ring.length === 1) return true;
    if (ring.length !== 4) return false;
    return ring.every(([x, y], i) => {
      const [nextX, nextY] = ring[(i + 1) % 4] as readonly [number, number];
      const isCorner = (x === this.#west || x === this.#east) && (y === this.#south || y === this.#north);
      return isCorner && (x === nextX) !== (y === nextY);
    });
  }
}

function arrayOf(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(at, "no array of coordinates");
  return value;
}

function wrong(pointer: string, detail: string): GyreError {
  return new GyreError("Invalid", `${pointer}: ${detail}`, { faults: [{ pointer, detail }] });
}
