import type { ArraySpec, Attr, Attrs, Dataset } from "../../core/array.ts";
import { formatGeoTransform } from "../../core/crs/geotransform.ts";
import { type Crs, cfGridMapping, isLonLat, lengthUnit } from "../../core/crs.ts";
import { inMemory, type SourceVariable } from "../../write/source.ts";
import type { CellAxis } from "./axis.ts";
import type { Clipped } from "./clip.ts";
import { isAcrossSeam, isWarped, windowAxes, windowTransform } from "./window-grid.ts";

/** Values as they are. */
export const PLAIN = [{ name: "bytes", configuration: { endian: "little" } }];

/** Coordinates and grid mapping of a window, as far as they are others than the source's. */
export function gridCoordinates(dataset: Dataset, clipped: Clipped): SourceVariable[] {
  const { source, values, xDim, yDim } = clipped;
  const { names, crs } = values.grid;
  const axes = windowAxes(clipped);
  const found: SourceVariable[] = [];
  const warped = isWarped(clipped);
  if (axes !== undefined && (warped || isAcrossSeam(clipped))) {
    const xAttrs = warped ? axisAttrs(crs, "x") : own(dataset, names.x);
    found.push(coordinate(nameOf(names.x, source.spec.dims[xDim]!), source.spec.dims[xDim]!, axes.x, xAttrs));
    if (warped) {
      const name = nameOf(names.y, source.spec.dims[yDim]!);
      found.push(coordinate(name, source.spec.dims[yDim]!, axes.y, axisAttrs(crs, "y")));
    }
  }
  const mapping = names.mapping === undefined ? undefined : dataset.variables.get(names.mapping);
  if (warped || mapping?.spec.attrs.has("GeoTransform")) {
    const attrs = new Map(warped ? cfGridMapping(crs) : mapping!.spec.attrs);
    if (warped) attrs.set("spatial_ref", text(crs.wkt));
    const transform = windowTransform(clipped);
    if (transform !== undefined) attrs.set("GeoTransform", text(formatGeoTransform(transform)));
    const spec: ArraySpec = { dtype: "int32", dims: [], shape: [], chunks: [], codecs: PLAIN, fill: null, attrs };
    found.push(inMemory(mappingName(clipped), spec, new Int32Array(1)));
  }
  return found;
}

/** Of the variable that says the CRS; in another CRS there always is one. */
export function mappingName({ values, source }: Clipped): string {
  const folder = source.name.slice(0, source.name.lastIndexOf("/") + 1);
  return values.grid.names.mapping ?? `${folder}spatial_ref`;
}

function nameOf(variable: string | undefined, dim: string): string {
  return variable ?? dim;
}

function own(dataset: Dataset, name: string | undefined): Attrs {
  const attrs = name === undefined ? undefined : dataset.variables.get(name)?.spec.attrs;
  return new Map(
    [...(attrs ?? [])].filter(([key]) => key !== "bounds" && key !== "valid_range" && key !== "_FillValue"),
  );
}

function coordinate(name: string, dim: string, { centres }: CellAxis, attrs: Attrs): SourceVariable {
  const shape = [centres.length];
  const spec: ArraySpec = { dtype: "float64", dims: [dim], shape, chunks: shape, codecs: PLAIN, fill: null, attrs };
  return inMemory(name, spec, centres);
}

function axisAttrs(crs: Crs, axis: "x" | "y"): Attrs {
  const attrs = new Map<string, Attr>([["axis", text(axis.toUpperCase())]]);
  if (isLonLat(crs)) {
    const [name, units] = axis === "x" ? ["longitude", "degrees_east"] : ["latitude", "degrees_north"];
    return attrs.set("standard_name", text(name!)).set("units", text(units!));
  }
  attrs.set("standard_name", text(`projection_${axis}_coordinate`));
  const unit = lengthUnit(crs);
  return unit === undefined ? attrs : attrs.set("units", text(unit.name === "metre" ? "m" : unit.name));
}

export function text(value: string): Attr {
  return { dtype: "string", value };
}
