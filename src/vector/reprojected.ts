import { cutAtAntimeridian } from "../core/antimeridian.ts";
import { type Crs, isLonLat, type Transform, transform } from "../core/crs.ts";
import { type BBox, bboxOf, mapPositions } from "../core/geometry.ts";
import { loadGeos } from "../core/geos.ts";
import type { Geometry } from "../core/stac.ts";
import { GyreError } from "../errors.ts";
import type { Feature, Layer } from "./feature.ts";
import { filtered } from "./fields.ts";

/** Edges of a box are looked at in so many places: what a straight edge becomes is curved. */
const EDGE_POINTS = 21;

/**
 * The features of a layer in another CRS. Positions are moved and none are added, as ogr2ogr does it: an edge between
 * two positions is straight in the new CRS. Longitudes and latitudes are cut at the antimeridian (RFC 7946, 3.1.9).
 * Throws Unsupported for a layer without a CRS, or with a position that the new one does not reach.
 */
export function reprojected(layer: Layer, crs: Crs): Layer {
  const from = layer.crs;
  if (from === undefined)
    throw new GyreError("Unsupported", `${layer.name} does not say its coordinate reference system`);
  if (from.proj === crs.proj && !isLonLat(crs)) return { ...without(layer), ...kept(layer), crs };
  const forward = transform(from, crs);
  const isMoved = from.proj !== crs.proj;
  const move = isMoved
    ? (geometry: Geometry) => moved(geometry, forward, layer.name)
    : (geometry: Geometry) => geometry;
  return {
    ...without(layer),
    crs,
    features(options = {}) {
      const { bbox, ...call } = options;
      const inner = bbox === undefined ? undefined : boxIn(bbox, crs, from);
      const source = layer.features(inner === undefined ? call : { ...call, bbox: inner });
      return filtered(through(source, move, crs, !isLonLat(from)), options);
    },
  };
}

async function* through(
  features: AsyncIterable<Feature>,
  move: (geometry: Geometry) => Geometry,
  crs: Crs,
  shortestEdges: boolean,
): AsyncGenerator<Feature> {
  const geos = isLonLat(crs) ? await loadGeos() : undefined;
  for await (const feature of features) {
    const geometry = feature.geometry && move(feature.geometry);
    yield { ...feature, geometry: geometry && geos ? cutAtAntimeridian(geometry, geos, { shortestEdges }) : geometry };
  }
}

/** What a layer is apart from its place. */
function without({ name, fields, count }: Layer): Pick<Layer, "name" | "fields" | "count"> {
  return { name, fields, ...(count === undefined ? {} : { count }) };
}

function kept(layer: Layer): Pick<Layer, "bbox" | "features"> {
  return { features: (options) => layer.features(options), ...(layer.bbox && { bbox: layer.bbox }) };
}

/** A geometry with its positions moved; heights stay. */
export function moved(geometry: Geometry, forward: Transform, name: string): Geometry {
  return mapPositions(geometry, ([x, y, ...rest]) => {
    const [u, v] = x === undefined ? [] : forward(x, y!);
    if (u === undefined) return [];
    if (!Number.isFinite(u) || !Number.isFinite(v))
      throw new GyreError(
        "Unsupported",
        `${name} has a position that its new coordinate reference system does not reach: ${x}, ${y}`,
      );
    return [u, v!, ...rest];
  });
}

/** The box in another CRS that holds all of a box; undefined where an edge of it is not on the map. */
export function boxIn([west, south, east, north]: BBox, from: Crs, to: Crs): BBox | undefined {
  const forward = transform(from, to);
  const points = Array.from({ length: EDGE_POINTS * EDGE_POINTS }, (_, i) => {
    const [across, up] = [(i % EDGE_POINTS) / (EDGE_POINTS - 1), Math.floor(i / EDGE_POINTS) / (EDGE_POINTS - 1)];
    return forward(west + (east - west) * across, south + (north - south) * up);
  });
  if (!points.flat().every(Number.isFinite)) return undefined;
  const box = bboxOf({ type: "MultiPoint", coordinates: points })!;
  // Half a step more: the farthest point lies between two of those looked at.
  const [padX, padY] = [(box[2] - box[0]) / EDGE_POINTS, (box[3] - box[1]) / EDGE_POINTS];
  return [box[0] - padX, box[1] - padY, box[2] + padX, box[3] + padY];
}
