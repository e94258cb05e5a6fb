import type { IoCall } from "../../core/array.ts";
import { isLonLat, LONLAT, transform } from "../../core/crs.ts";
import { GyreError } from "../../errors.ts";
import type { Feature, Layer, VectorFile } from "../../vector/feature.ts";
import { moved } from "../../vector/reprojected.ts";
import { DEFAULT_LIMITS, polygonsOf, type RingLimits, type Rings } from "./rings.ts";

export interface FeaturePolygons {
  readonly feature: Feature;
  /** Degrees of WGS 84; empty where it has none. */
  readonly polygons: readonly Rings[];
}

/** The layer of that name, or the only one. Throws BadRequest with the names of all. */
export function layerOf({ layers }: VectorFile, name: string | undefined): Layer {
  const [first, ...others] = name === undefined ? layers : layers.filter((layer) => layer.name === name);
  if (first !== undefined && others.length === 0) return first;
  const allowed = layers.map((layer) => layer.name);
  const what = name === undefined ? `one of its ${layers.length} layers is to be named` : `it has no layer ${name}`;
  throw new GyreError("BadRequest", what, { allowed });
}

/** Whether longitudes come out of a projection: those at a pole are by chance then. */
export function isProjected({ crs }: Layer): boolean {
  return crs !== undefined && !isLonLat(crs);
}

/** Polygons of all features of a layer; one that names no CRS is taken to be in degrees. */
export async function* layerPolygons(
  layer: Layer,
  call: IoCall,
  limits: RingLimits = DEFAULT_LIMITS,
): AsyncGenerator<FeaturePolygons> {
  const forward = layer.crs === undefined ? undefined : transform(layer.crs, LONLAT);
  for await (const feature of layer.features(call)) {
    const { geometry } = feature;
    const inDegrees = geometry && forward ? moved(geometry, forward, layer.name) : geometry;
    yield { feature, polygons: inDegrees === null ? [] : polygonsOf(inDegrees, limits) };
  }
}
