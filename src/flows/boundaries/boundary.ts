import type { Call } from "../../core/principal.ts";
import type { Geometry } from "../../core/stac.ts";

/** Polygons in degrees of WGS 84, longitude first; rings valid and closed, cut at the antimeridian. */
export type MultiPolygon = Extract<Geometry, { readonly type: "MultiPolygon" }>;

/** A named area that packages are made for. */
export interface Boundary {
  /** Fit for a folder's name: `[a-z0-9_-]{1,100}`. */
  readonly name: string;
  readonly nameLong: string;
  readonly adminLevel: number;
  readonly geometry: MultiPolygon;
  /** West, south, east, north; west > east where it lies across the antimeridian. */
  readonly bbox: readonly [number, number, number, number];
  /** `sha256:...` of the canonical geometry: another geometry under the same name is another boundary. */
  readonly digest: string;
}

/** What lists show. */
export type BoundarySummary = Pick<Boundary, "name" | "nameLong">;

export interface Boundaries {
  /** Ordered by their long names. */
  list(call: Call): Promise<readonly BoundarySummary[]>;
  /** Long names that contain the text, whatever its case and accents. */
  byText(text: string, call: Call): Promise<readonly BoundarySummary[]>;
  /** Boundaries that cover a point, in degrees. */
  byPoint(longitude: number, latitude: number, call: Call): Promise<readonly BoundarySummary[]>;
  get(name: string, call: Call): Promise<Boundary | undefined>;
}
