import { type Fault, GyreError } from "../../errors.ts";

/** Longitude and latitude; heights are left away. */
export type Position = readonly [number, number];
/** Open: its last position leads to its first. */
export type Ring = readonly Position[];
/** An outer ring and its holes. */
export type Rings = readonly Ring[];

export interface RingLimits {
  /** Positions of all rings together. */
  readonly vertices: number;
}

/** A country at 1:10m has some 70,000 at most. */
export const DEFAULT_LIMITS: RingLimits = { vertices: 2_000_000 };

const DEEPEST = 4;
const MOST_LONGITUDE = 540;
/** By so much rounding of another CRS may lead beyond a pole, in degrees. */
const SLACK = 1e-6;

/**
 * The polygons of a GeoJSON geometry, feature or collection of these; none where it has only points and lines. Throws
 * Invalid with a pointer for what is no such thing.
 */
export function polygonsOf(value: unknown, limits: RingLimits = DEFAULT_LIMITS): Rings[] {
  return [...new Reader(limits).polygons(value, "", 0)];
}

/** One fault of a polygon that was sent. */
export function invalid(pointer: string, detail: string): GyreError {
  const faults: readonly Fault[] = [{ pointer, detail }];
  return new GyreError("Invalid", pointer === "" ? detail : `${pointer}: ${detail}`, { faults });
}

class Reader {
  readonly #limits: RingLimits;
  #vertices = 0;

  constructor(limits: RingLimits) {
    this.#limits = limits;
  }

  *polygons(value: unknown, at: string, depth: number): Generator<Rings> {
    if (depth > DEEPEST) throw invalid(at, "collections are nested too deeply");
    if (typeof value !== "object" || value === null) throw invalid(at, "no GeoJSON object");
    const { type, coordinates, geometry, geometries, features } = value as Readonly<Record<string, unknown>>;
    if (type === "Feature") {
      if (geometry !== null) yield* this.polygons(geometry, `${at}/geometry`, depth + 1);
    } else if (type === "FeatureCollection") yield* this.#each(features, `${at}/features`, depth);
    else if (type === "GeometryCollection") yield* this.#each(geometries, `${at}/geometries`, depth);
    else if (type === "Polygon") yield this.#polygon(coordinates, `${at}/coordinates`);
    else if (type === "MultiPolygon") {
      for (const [i, rings] of listOf(coordinates, `${at}/coordinates`).entries())
        yield this.#polygon(rings, `${at}/coordinates/${i}`);
    } else if (!/^(Multi)?(Point|LineString)$/.test(String(type))) throw invalid(`${at}/type`, "no GeoJSON type");
  }

  *#each(members: unknown, at: string, depth: number): Generator<Rings> {
    for (const [i, member] of listOf(members, at).entries()) yield* this.polygons(member, `${at}/${i}`, depth + 1);
  }

  #polygon(rings: unknown, at: string): Rings {
    return listOf(rings, at).map((ring, i) => this.#ring(ring, `${at}/${i}`));
  }

  #ring(list: unknown, at: string): Ring {
    const positions = listOf(list, at);
    this.#vertices += positions.length;
    if (this.#vertices > this.#limits.vertices) {
      throw new GyreError("TooLarge", `a boundary of more than ${this.#limits.vertices} vertices`);
    }
    const ring = positions.map((position, i) => positionOf(position, at, i));
    return isClosed(ring) ? ring.slice(0, -1) : ring;
  }
}

function positionOf(value: unknown, at: string, i: number): Position {
  const [longitude, latitude]: unknown[] = Array.isArray(value) ? value : [];
  if (typeof longitude !== "number" || typeof latitude !== "number")
    throw invalid(`${at}/${i}`, "no position: an array of longitude and latitude, which are numbers");
  if (!(Math.abs(longitude) <= MOST_LONGITUDE && Math.abs(latitude) <= 90 + SLACK))
    throw invalid(`${at}/${i}`, `${longitude}, ${latitude} are no longitude and latitude in degrees`);
  return [longitude, Math.max(-90, Math.min(90, latitude))];
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(at, "no array");
  return value;
}

function isClosed(ring: Ring): boolean {
  const [first, last] = [ring[0], ring.at(-1)];
  return ring.length > 1 && first?.[0] === last?.[0] && first?.[1] === last?.[1];
}
