import { endianness } from "node:os";
import type { Attr, Attrs, Variable } from "../../core/array.ts";
import { formatGeoTransform, isAligned } from "../../core/crs/geotransform.ts";
import { cfGridMapping, isLonLat, lengthUnit } from "../../core/crs.ts";
import { asBytes } from "../../core/dtype.ts";
import type { ControlPoint, Georeference } from "./georeference.ts";

/** Larger axes would be computed for nothing: no image of that size is read by its coordinates. */
const LONGEST_AXIS = 1 << 22;

interface Size {
  readonly width: number;
  readonly height: number;
}

interface GridNames {
  readonly x: string;
  readonly y: string;
  readonly mapping: string;
}

/**
 * Coordinates of pixel middles, where rows and columns run along x and y; and the grid mapping variable, which says
 * the same for every transform in GDAL's `GeoTransform`.
 */
export function gridVariables(reference: Georeference, names: GridNames, { width, height }: Size): Variable[] {
  const { transform, points } = reference;
  const attrs = mappingAttrs(reference);
  const variables: Variable[] = [];
  if (attrs.size > 0)
    variables.push(computedVariable(names.mapping, [], [], "int64", attrs, () => new BigInt64Array(1)));
  if (transform === undefined || points.length > 0 || !isAligned(transform)) return variables;
  if (width > LONGEST_AXIS || height > LONGEST_AXIS) return variables;
  const [left, perColumn, , top, , perRow] = transform;
  const axis = (name: string, of: "x" | "y", first: number, step: number, count: number): Variable =>
    computedVariable(name, [name], [count], "float64", axisAttrs(reference, of), () => middles(first, step, count));
  return [axis(names.x, "x", left, perColumn, width), axis(names.y, "y", top, perRow, height), ...variables];
}

function middles(first: number, step: number, count: number): Float64Array {
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = first + (i + 0.5) * step;
  return values;
}

function mappingAttrs({ crs, transform, points }: Georeference): Map<string, Attr> {
  const attrs = crs === undefined ? new Map<string, Attr>() : cfGridMapping(crs);
  if (crs !== undefined) attrs.set("spatial_ref", text(crs.wkt));
  if (transform !== undefined) attrs.set("GeoTransform", text(formatGeoTransform(transform)));
  if (points.length > 0) attrs.set("gcps", text(pointsAsGeoJson(points)));
  return attrs;
}

/** Ground control points as rioxarray keeps them. */
function pointsAsGeoJson(points: readonly ControlPoint[]): string {
  const features = points.map(({ column, row, x, y, z }, i) => ({
    type: "Feature",
    properties: { id: String(i + 1), info: "", row, col: column },
    geometry: { type: "Point", coordinates: [x, y, z] },
  }));
  return JSON.stringify({ type: "FeatureCollection", features });
}

function axisAttrs({ crs }: Georeference, axis: "x" | "y"): Attrs {
  const attrs = new Map<string, Attr>([["axis", text(axis.toUpperCase())]]);
  if (crs === undefined) return attrs;
  if (isLonLat(crs)) {
    const [name, units] = axis === "x" ? ["longitude", "degrees_east"] : ["latitude", "degrees_north"];
    return attrs.set("standard_name", text(name!)).set("long_name", text(name!)).set("units", text(units!));
  }
  attrs.set("standard_name", text(`projection_${axis}_coordinate`));
  attrs.set("long_name", text(`${axis} coordinate of projection`));
  const unit = lengthUnit(crs);
  return unit === undefined ? attrs : attrs.set("units", text(unit.name === "metre" ? "m" : unit.name));
}

export function text(value: string): Attr {
  return { dtype: "string", value };
}

/** A small variable whose one chunk is computed when it is asked for. */
export function computedVariable(
  name: string,
  dims: readonly string[],
  shape: readonly number[],
  dtype: "float64" | "int64",
  attrs: Attrs,
  compute: () => Float64Array | BigInt64Array,
): Variable {
  const codecs = [{ name: "bytes", configuration: { endian: endianness() === "LE" ? "little" : "big" } }];
  return {
    name,
    spec: { dtype, dims, shape, chunks: shape, codecs, fill: null, attrs },
    async locate(chunk) {
      const isWhole = chunk.length === shape.length && chunk.every((c) => c === 0);
      return isWhole ? { inline: asBytes(compute()) } : undefined;
    },
  };
}
