import type { IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import type { LongEdges, UnwrapOptions } from "./antimeridian.ts";
import { areaInThread } from "./area-thread.ts";
import type { Boundary } from "./boundary.ts";
import { BOUNDARY_NAME } from "./names.ts";
import { invalid, polygonsOf, type RingLimits, type Rings } from "./rings.ts";
import { readPolygonWkt } from "./wkt.ts";

export interface AdHocLimits extends RingLimits {
  /** Milliseconds that repairs may take. */
  readonly ms: number;
}

export interface AdHocOptions {
  /** Default: `adhoc-` and the first 12 digits of the digest. */
  readonly name?: string;
  /** For people; default the name. */
  readonly nameLong?: string;
  readonly limits?: Partial<AdHocLimits>;
}

/** A boundary that came with a job. */
export interface AdHoc {
  readonly boundary: Boundary;
  /** What was mended, as people may read it. */
  readonly repairs: readonly string[];
}

/** A country at 1:10m has some 70,000 vertices, and takes a second at most. */
export const LIMITS: AdHocLimits = { vertices: 200_000, ms: 5_000 };
export const MOST_TEXT_BYTES = 16 * 1024 * 1024;

/**
 * A boundary out of GeoJSON (a value or text: geometry, feature or collection) or Well-Known Text, in degrees of WGS 84.
 * The same area has the same digest in every form. Throws Invalid, with pointers where it is GeoJSON.
 */
export async function adHocBoundary(
  input: string | object,
  options: AdHocOptions = {},
  call: IoCall = {},
): Promise<AdHoc> {
  const value = typeof input === "string" ? parsed(input) : input;
  const polygons = polygonsOf(value, { ...LIMITS, ...options.limits });
  return adHocOf(polygons, { longEdges: longEdgesOf(value) }, options, call);
}

/** The boundary of polygons in degrees. */
export async function adHocOf(
  polygons: readonly Rings[],
  edges: UnwrapOptions,
  { name, nameLong, limits }: AdHocOptions,
  call: IoCall,
): Promise<AdHoc> {
  if (name !== undefined && !BOUNDARY_NAME.test(name))
    throw new GyreError("Invalid", `${JSON.stringify(name.slice(0, 200))} is no name: 1 to 100 of a-z 0-9 _ -`);
  if (polygons.length === 0) throw invalid("", "there is no polygon in it");
  const { geometry, bbox, digest, repairs } = await areaInThread(
    { polygons, options: edges },
    { ...call, mostMs: limits?.ms ?? LIMITS.ms },
  );
  const called = name ?? `adhoc-${digest.slice("sha256:".length, "sha256:".length + 12)}`;
  return { boundary: { name: called, nameLong: nameLong ?? called, adminLevel: 0, geometry, bbox, digest }, repairs };
}

function parsed(text: string): object {
  if (text.length > MOST_TEXT_BYTES)
    throw new GyreError("TooLarge", `a boundary of more than ${MOST_TEXT_BYTES} bytes`);
  if (!text.trimStart().startsWith("{")) return readPolygonWkt(text);
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    throw invalid("", `no JSON: ${(error as Error).message}`);
  }
}

/** A box whose west is greater than its east says that long edges lead across the antimeridian (RFC 7946, 5.2). */
function longEdgesOf(value: object): LongEdges {
  const { bbox, geometry } = value as { bbox?: unknown; geometry?: { bbox?: unknown } };
  const box = bbox ?? geometry?.bbox;
  if (!Array.isArray(box) || (box.length !== 4 && box.length !== 6)) return "refused";
  const [west, east] = [box[0], box[box.length / 2]];
  if (typeof west !== "number" || typeof east !== "number") return "refused";
  return west > east ? "short-way" : "as-written";
}
