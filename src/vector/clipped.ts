import { type Crs, isLonLat, LONLAT, transform } from "../core/crs.ts";
import {
  type BBox,
  bboxOf,
  boxGeometry,
  gathered,
  mapPositions,
  type Position,
  simpleParts,
} from "../core/geometry.ts";
import type { Geos, PreparedShape, Shape } from "../core/geos.ts";
import type { Geometry } from "../core/stac.ts";
import { GyreError, isGyreError } from "../errors.ts";
import type { Feature, Layer } from "./feature.ts";
import { boxIn, moved } from "./reprojected.ts";

export interface ClipOptions {
  /** `whole`: features that meet the boundary, as they are; `clip`: only what of them lies inside. */
  readonly how: "whole" | "clip";
  readonly geos: Geos;
}

/** An edge of the boundary, in degrees, is straight there: elsewhere it is bent so finely. */
const LONGEST_EDGE = 0.1;
const MOST_POSITIONS = 5_000_000;

/**
 * The features of a layer within a boundary (polygons in degrees of WGS 84). The boundary is moved to the layer's CRS,
 * with positions added along its edges, and not every feature to its. A feature wholly inside comes as it is. Of one that
 * is cut only parts of its own kind stay, as with ogr2ogr -clipsrc: a line of which a point touches the boundary is gone.
 * Features that are no valid geometry are mended where they have to be cut.
 */
export function clipped(layer: Layer, boundary: Geometry, { how, geos }: ClipOptions): Layer {
  const local = boundaryOf(layer, boundary, geos);
  const box = bboxOf(local);
  return {
    name: layer.name,
    crs: layer.crs,
    fields: layer.fields,
    async *features({ bbox, ...call } = {}) {
      const asked = box === undefined ? undefined : inBoth(box, bbox);
      if (asked === undefined) return;
      using shape = geos.shape(local);
      if (shape === undefined) throw new GyreError("Invalid", "the boundary is no geometry");
      using prepared = geos.prepare(shape);
      for await (const feature of layer.features({ ...call, bbox: asked })) {
        const within = insideOf(feature, how, geos, shape, prepared);
        if (within !== undefined) yield within;
      }
    },
  };
}

function insideOf(
  feature: Feature,
  how: ClipOptions["how"],
  geos: Geos,
  boundary: Shape,
  prepared: PreparedShape,
): Feature | undefined {
  if (feature.geometry === null) return undefined;
  using shape = geos.shape(feature.geometry);
  if (shape === undefined || !prepared.intersects(shape)) return undefined;
  if (how === "whole" || prepared.covers(shape)) return feature;
  const parts = geos.intersection(shape, boundary);
  const geometry = parts && ofItsKind(parts, feature.geometry);
  return geometry && { ...feature, geometry };
}

/** Parts of as many dimensions as the geometry had; a multi-geometry stays one. */
function ofItsKind(cut: Geometry, whole: Geometry): Geometry | undefined {
  if (whole.type === "GeometryCollection")
    return cut.type === whole.type ? cut : { type: whole.type, geometries: [cut] };
  const kind = whole.type.replace("Multi", "");
  const parts = [...simpleParts(cut)].filter((part) => part.type === kind);
  const geometry = gathered(parts);
  if (geometry === undefined || geometry.type.startsWith("Multi") || kind === whole.type) return geometry;
  return { type: whole.type, coordinates: [(geometry as { coordinates: unknown }).coordinates] } as Geometry;
}

function inBoth(a: BBox, b: BBox | undefined): BBox | undefined {
  if (b === undefined) return a;
  const box: BBox = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  return box[0] <= box[2] && box[1] <= box[3] ? box : undefined;
}

/** The boundary in the layer's CRS. Where that does not reach all of it, what lies about the layer is enough. */
function boundaryOf({ crs = LONLAT, bbox }: Layer, boundary: Geometry, geos: Geos): Geometry {
  try {
    const local = boundaryIn(crs, boundary);
    return isLonLat(crs) && bbox !== undefined ? wherever(bbox, local, geos) : local;
  } catch (error) {
    const about = bbox && isGyreError(error, "Unsupported") ? boxIn(bbox, crs, LONLAT) : undefined;
    if (about === undefined) throw error;
    using whole = geos.shape(boundary);
    using box = geos.shape(boxGeometry(about));
    const near = whole && box && geos.intersection(whole, box);
    return near === undefined ? { type: "GeometryCollection", geometries: [] } : boundaryIn(crs, near);
  }
}

/** A layer may count longitudes from 0 to 360: then the boundary lies there as well. */
function wherever(bbox: BBox, boundary: Geometry, geos: Geos): Geometry {
  const turned = [-360, 360].map((turn) => mapPositions(boundary, ([x, ...rest]) => [x! + turn, ...rest]));
  const meeting = turned.filter((copy) => {
    const [west, , east] = bboxOf(copy) ?? [0, 0, 0, 0];
    return west < bbox[2] && bbox[0] < east;
  });
  if (meeting.length === 0) return boundary;
  // Parts that were cut at the antimeridian lie side by side again.
  using all = geos.shape({ type: "GeometryCollection", geometries: [boundary, ...meeting] });
  return (all && geos.union(all)) ?? boundary;
}

/** A boundary of degrees of WGS 84 in another CRS, with positions added where its edges are long. */
export function boundaryIn(crs: Crs, boundary: Geometry): Geometry {
  if (crs.proj === LONLAT.proj) return boundary;
  const forward = transform(LONLAT, crs);
  return moved(isLonLat(crs) ? boundary : densified(boundary), forward, "the boundary");
}

function densified(geometry: Geometry): Geometry {
  if (geometry.type === "GeometryCollection")
    return { type: geometry.type, geometries: geometry.geometries.map(densified) };
  const lines = (nested: readonly unknown[]): readonly unknown[] => {
    const isLine = Array.isArray(nested[0]) && typeof nested[0][0] === "number";
    return isLine ? denseLine(nested as readonly Position[]) : (nested as readonly (readonly unknown[])[]).map(lines);
  };
  const isPoints = geometry.type === "Point" || geometry.type === "MultiPoint";
  return isPoints ? geometry : ({ type: geometry.type, coordinates: lines(geometry.coordinates) } as Geometry);
}

function denseLine(line: readonly Position[]): Position[] {
  const dense: Position[] = [];
  line.forEach((to, i) => {
    const from = line[i - 1] ?? to;
    const steps = Math.ceil(Math.hypot(to[0]! - from[0]!, to[1]! - from[1]!) / LONGEST_EDGE);
    if (dense.length + steps > MOST_POSITIONS) throw new GyreError("TooLarge", "the boundary has too long edges");
    for (let step = 1; step < steps; step++)
      dense.push(from.map((value, k) => value + ((to[k] ?? value) - value) * (step / steps)));
    dense.push(to);
  });
  return dense;
}
