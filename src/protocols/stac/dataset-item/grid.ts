import { type Dataset, product, type Variable } from "../../../core/array.ts";
import { textAttr } from "../../../core/attrs.ts";
import { type Axis, axisOf, referencesOf, resolveName, scopesOf } from "../../../core/axes.ts";
import type { GeoTransform } from "../../../core/crs/geotransform.ts";
import { type Crs, crsFromCf, crsFromEpsg, isLonLat, LONLAT } from "../../../core/crs.ts";
import { isFloat, isInteger } from "../../../core/dtype.ts";

/** Where the cells of a variable lie, by what says it. */
export type Grid = {
  /** The variable that lies on it. */
  readonly variable: Variable;
  /** That of `x` and `y`, or of the corners. */
  readonly crs?: Crs;
} & (
  | { readonly kind: "lonlat"; readonly longitude: Variable; readonly latitude: Variable }
  | {
      readonly kind: "projected";
      readonly x: Variable;
      readonly y: Variable;
      readonly crs: Crs;
      readonly mapping: Variable;
    }
  | {
      readonly kind: "raster";
      readonly transform: GeoTransform;
      readonly width: number;
      readonly height: number;
      readonly crs: Crs;
      readonly x: string;
      readonly y: string;
    }
  | { readonly kind: "points"; readonly points: readonly (readonly [x: number, y: number])[]; readonly crs: Crs }
);

interface LonLat {
  readonly longitude: Variable;
  readonly latitude: Variable;
}

const MOST_POINTS = 10_000;

/** The grids of the variables, the largest variable's first, and of each what says most exactly where it lies. */
export function* findGrids(dataset: Dataset, variables: readonly Variable[]): Generator<Grid> {
  const bySize = [...variables].sort((a, b) => product(b.spec.shape) - product(a.spec.shape));
  for (const variable of bySize) yield* gridsOf(dataset, variable);
}

function* gridsOf(dataset: Dataset, variable: Variable): Generator<Grid> {
  const mapping = mappingOf(dataset, variable);
  const crs = mapping === undefined ? undefined : crsOf(mapping);
  const inCrs = crs === undefined ? {} : { crs };
  const candidates = coordinatesOf(dataset, variable);
  const raster = mapping && crs && rasterOf(dataset, variable, mapping, crs);
  if (raster !== undefined) yield raster;
  const pair = lonLatOf(candidates);
  if (pair !== undefined) yield { kind: "lonlat", variable, ...pair, ...inCrs };
  const projected = mapping && crs && projectedOf(candidates, variable, mapping, crs);
  if (projected !== undefined) yield projected;
  const points = mapping && crs ? controlPoints(mapping) : [];
  if (points.length > 0 && crs !== undefined) yield { kind: "points", variable, points, crs };
  const place = placeOf(dataset, variable);
  if (place !== undefined) yield { kind: "lonlat", variable, ...place, ...inCrs };
}

function crsOf(mapping: Variable): Crs | undefined {
  const found = crsFromCf(mapping.spec.attrs);
  return found?.epsg === undefined ? found : (crsFromEpsg(found.epsg) ?? found);
}

/** CF 5.6: `grid_mapping` names one variable, or several with their coordinates behind colons. */
function mappingOf(dataset: Dataset, variable: Variable): Variable | undefined {
  const name = textAttr(variable.spec.attrs, "grid_mapping")?.trim().split(/[\s:]/)[0];
  const path = name === undefined ? undefined : resolveName(dataset, variable.name, name);
  return path === undefined ? undefined : dataset.variables.get(path);
}

/** Coordinates that the variable names, then others of its group whose dimensions it has. */
function coordinatesOf(dataset: Dataset, variable: Variable): Variable[] {
  const bounds = boundsNames(dataset);
  const isCoordinate = ({ name, spec }: Variable): boolean =>
    name !== variable.name && !bounds.has(name) && (isFloat(spec.dtype) || isInteger(spec.dtype));
  const named = referencesOf(dataset, variable).flatMap((name) => dataset.variables.get(name) ?? []);
  const scopes = new Set(scopesOf(variable.name));
  const around = [...dataset.variables.values()].filter(({ name, spec }) => {
    const scope = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    return scopes.has(scope) && spec.dims.length <= 2 && spec.dims.every((dim) => variable.spec.dims.includes(dim));
  });
  return [...new Set([...named, ...around])].filter(isCoordinate);
}

const bounded = new WeakMap<Dataset, ReadonlySet<string>>();

/** Variables that are the edges of others: they may look like coordinates themselves. */
export function boundsNames(dataset: Dataset): ReadonlySet<string> {
  const known = bounded.get(dataset);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (const { name, spec } of dataset.variables.values()) {
    for (const attribute of ["bounds", "climatology"]) {
      const text = textAttr(spec.attrs, attribute);
      const path = text === undefined ? undefined : resolveName(dataset, name, text);
      if (path !== undefined) names.add(path);
    }
  }
  bounded.set(dataset, names);
  return names;
}

/** Axes of their own first, then two-dimensional coordinates and places along one dimension. */
function lonLatOf(candidates: readonly Variable[]): LonLat | undefined {
  return (
    pairOf(candidates, (lon, lat) => rank(lon) === 1 && rank(lat) === 1 && lon.spec.dims[0] !== lat.spec.dims[0]) ??
    pairOf(candidates, (lon, lat) => rank(lon) > 0 && rank(lon) <= 2 && sameDims(lon, lat))
  );
}

/** One place, or a line along a meridian or a parallel, which only counts where the variable names it. */
function placeOf(dataset: Dataset, variable: Variable): LonLat | undefined {
  const named = (textAttr(variable.spec.attrs, "coordinates")?.split(/\s+/) ?? []).flatMap((name) => {
    const path = resolveName(dataset, variable.name, name);
    return path === undefined ? [] : (dataset.variables.get(path) ?? []);
  });
  const around = coordinatesOf(dataset, variable).filter((each) => rank(each) === 1 || named.includes(each));
  return pairOf(around, (lon, lat) => rank(lon) + rank(lat) <= 1);
}

function pairOf(candidates: readonly Variable[], fits: (lon: Variable, lat: Variable) => boolean): LonLat | undefined {
  const of = (kind: Axis): Variable[] => candidates.filter((v) => axisOf(v) === kind);
  const latitudes = of("latitude");
  for (const longitude of of("longitude")) {
    const latitude = latitudes.find((each) => fits(longitude, each));
    if (latitude !== undefined) return { longitude, latitude };
  }
  return undefined;
}

function rank({ spec }: Variable): number {
  return spec.dims.length;
}

function sameDims(a: Variable, b: Variable): boolean {
  return a.spec.dims.length === b.spec.dims.length && a.spec.dims.every((dim, i) => dim === b.spec.dims[i]);
}

const X_NAME = /^(?:projection_x_(?:angular_)?coordinate|grid_longitude)$/;
const Y_NAME = /^(?:projection_y_(?:angular_)?coordinate|grid_latitude)$/;

function projectedOf(
  candidates: readonly Variable[],
  variable: Variable,
  mapping: Variable,
  crs: Crs,
): Grid | undefined {
  const find = (standardName: RegExp, letter: string): Variable | undefined => {
    const axes = candidates.filter(({ spec }) => spec.dims.length === 1);
    const text = (v: Variable, name: string): string => textAttr(v.spec.attrs, name) ?? "";
    const name = letter.toLowerCase();
    return (
      axes.find((v) => standardName.test(text(v, "standard_name"))) ??
      axes.find((v) => text(v, "axis") === letter) ??
      axes.find((v) => v.name.slice(v.name.lastIndexOf("/") + 1) === name)
    );
  };
  const [x, y] = [find(X_NAME, "X"), find(Y_NAME, "Y")];
  return x === undefined || y === undefined || x === y
    ? undefined
    : { kind: "projected", variable, x, y, crs, mapping };
}

/** What GDAL writes to a grid mapping; of no use where the variable has other axes than the file it was made for. */
function rasterOf(dataset: Dataset, variable: Variable, mapping: Variable, crs: Crs): Grid | undefined {
  const numbers = textAttr(mapping.spec.attrs, "GeoTransform")?.trim().split(/\s+/).map(Number) ?? [];
  if (numbers.length !== 6 || !numbers.every(Number.isFinite)) return undefined;
  const { dims, shape } = variable.spec;
  const at = (name: string): number => dims.findIndex((dim) => dim === name || dim.startsWith(`${name}_`));
  const [x, y] = [at("x"), at("y")];
  // Other writers leave the attribute when they cut a file: only GeoTIFF, where it is made from the tags, is believed.
  if (dataset.format !== "geotiff" || x < 0 || y < 0) return undefined;
  const transform = numbers as unknown as GeoTransform;
  return { kind: "raster", variable, transform, width: shape[x]!, height: shape[y]!, crs, x: dims[x]!, y: dims[y]! };
}

/** Ground control points as GDAL and rioxarray keep them: GeoJSON in the CRS of the mapping. */
function controlPoints(mapping: Variable): readonly (readonly [number, number])[] {
  const text = textAttr(mapping.spec.attrs, "gcps");
  if (text === undefined) return [];
  try {
    const { features } = JSON.parse(text) as {
      features: readonly { geometry: { coordinates: readonly [number, number] } }[];
    };
    return features.slice(0, MOST_POINTS).map(({ geometry: { coordinates } }) => [coordinates[0], coordinates[1]]);
  } catch {
    return [];
  }
}

/** The CRS that the axes of a grid are in. */
export function axesCrs(grid: Grid): Crs {
  if (grid.kind !== "lonlat") return grid.crs;
  return grid.crs !== undefined && isLonLat(grid.crs) ? grid.crs : LONLAT;
}
