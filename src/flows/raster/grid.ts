import { type Block, type Dataset, type IoCall, product, type Variable } from "../../core/array.ts";
import { textAttr } from "../../core/attrs.ts";
import { axisOf, referencesOf, resolveName } from "../../core/axes.ts";
import { type GeoTransform, isAligned } from "../../core/crs/geotransform.ts";
import { type Crs, crsFromCf, crsFromEpsg, isLonLat, LONLAT } from "../../core/crs.ts";
import { isNumeric } from "../../core/dtype.ts";
import { type CellAxis, cellAxis, regularAxis } from "./axis.ts";

/** Where the cells of a variable lie. */
export interface RasterGrid {
  readonly crs: Crs;
  readonly width: number;
  readonly height: number;
  /** Positions of the dimensions of columns and rows in the variable. */
  readonly xDim: number;
  readonly yDim: number;
  /** Columns and rows run along the axes of the CRS; undefined for an image that lies askew. */
  readonly axes: { readonly x: CellAxis; readonly y: CellAxis } | undefined;
  /** Of cells of one size. */
  readonly transform: GeoTransform | undefined;
  /** Coordinate variables and the grid mapping, as far as there are such. */
  readonly names: { readonly x?: string; readonly y?: string; readonly mapping?: string };
  /** Columns go once around the Earth. */
  readonly isRound: boolean;
}

/** Reads coordinates. */
export type ReadAll = (variable: Variable, call?: IoCall) => Promise<Block>;

const LONGEST_AXIS = 1 << 24;
const POLES = [-90, 90] as const;
const X_NAME = /^projection_x_coordinate$/;
const Y_NAME = /^projection_y_coordinate$/;

/** Undefined for a variable without columns and rows on Earth, of which curvilinear grids are none. */
export async function gridOf(
  dataset: Dataset,
  variable: Variable,
  read: ReadAll,
  call?: IoCall,
): Promise<RasterGrid | undefined> {
  if (!isNumeric(variable.spec.dtype) || variable.spec.dims.length < 2) return undefined;
  const mapping = mappingOf(dataset, variable);
  const crs = mapping === undefined ? undefined : crsOf(mapping);
  return (
    (mapping && crs && imageGrid(dataset, variable, mapping, crs)) ??
    axesGrid(dataset, variable, mapping, crs, read, call)
  );
}

/** CF 5.6: `grid_mapping` names one variable, or several with their coordinates behind colons. */
function mappingOf(dataset: Dataset, variable: Variable): Variable | undefined {
  const name = textAttr(variable.spec.attrs, "grid_mapping")?.trim().split(/[\s:]/)[0];
  const path = name === undefined ? undefined : resolveName(dataset, variable.name, name);
  return path === undefined ? undefined : dataset.variables.get(path);
}

function crsOf(mapping: Variable): Crs | undefined {
  const found = crsFromCf(mapping.spec.attrs);
  return found?.epsg === undefined ? found : (crsFromEpsg(found.epsg) ?? found);
}

/** A GeoTIFF says it by its transform; other writers leave the attribute when they cut a file. */
function imageGrid(dataset: Dataset, variable: Variable, mapping: Variable, crs: Crs): RasterGrid | undefined {
  if (dataset.format !== "geotiff") return undefined;
  const numbers = textAttr(mapping.spec.attrs, "GeoTransform")?.trim().split(/\s+/).map(Number) ?? [];
  if (numbers.length !== 6 || !numbers.every(Number.isFinite)) return undefined;
  const { dims, shape } = variable.spec;
  const at = (name: string): number => dims.findIndex((dim) => dim === name || dim.startsWith(`${name}_`));
  const [xDim, yDim] = [at("x"), at("y")];
  if (xDim < 0 || yDim < 0) return undefined;
  const transform = numbers as unknown as GeoTransform;
  const [left, perColumn, , top, , perRow] = transform;
  const [width, height] = [shape[xDim]!, shape[yDim]!];
  if (Math.max(width, height) > LONGEST_AXIS || perColumn * perRow === transform[2] * transform[4]) return undefined;
  const axes = isAligned(transform)
    ? { x: regularAxis(left, perColumn, width), y: regularAxis(top, perRow, height) }
    : undefined;
  const named = (name: string): string | undefined => (dataset.variables.has(name) ? name : undefined);
  const [x, y] = [named(dims[xDim]!), named(dims[yDim]!)];
  const names = { ...(x === undefined ? {} : { x }), ...(y === undefined ? {} : { y }), mapping: mapping.name };
  const isRound = axes !== undefined && isLonLat(crs) && goesRound(axes.x);
  return { crs, width, height, xDim, yDim, axes, transform, names, isRound };
}

/** Coordinates of one dimension each: longitude and latitude, or those of a projection. */
async function axesGrid(
  dataset: Dataset,
  variable: Variable,
  mapping: Variable | undefined,
  crs: Crs | undefined,
  read: ReadAll,
  call?: IoCall,
): Promise<RasterGrid | undefined> {
  const candidates = coordinatesOf(dataset, variable);
  const isDegrees = crs === undefined || isLonLat(crs);
  const x = candidates.find(isDegrees ? (v) => axisOf(v) === "longitude" : isProjected(X_NAME, "X", "x"));
  const y = candidates.find(isDegrees ? (v) => axisOf(v) === "latitude" : isProjected(Y_NAME, "Y", "y"));
  if (x === undefined || y === undefined) return undefined;
  const { dims, shape } = variable.spec;
  const xDim = dims.indexOf(x.spec.dims[0]!);
  const yDim = dims.indexOf(y.spec.dims[0]!);
  if (xDim < 0 || yDim < 0 || xDim === yDim) return undefined;
  if (Math.max(shape[xDim]!, shape[yDim]!) > LONGEST_AXIS || product(shape) === 0) return undefined;
  const [xs, ys] = [await numbersOf(x, read, call), await numbersOf(y, read, call)];
  if (xs.length !== shape[xDim] || ys.length !== shape[yDim]) return undefined;
  const stepOf = (values: Float64Array): number => (values.length < 2 ? Number.NaN : Math.abs(values[1]! - values[0]!));
  const [across, down] = [stepOf(xs), stepOf(ys)];
  const xAxis = cellAxis(isDegrees ? unwrapped(xs) : xs, { width: across || down || 1 });
  const yAxis = cellAxis(ys, { width: down || across || 1, ...(isDegrees ? { limits: POLES } : {}) });
  if (xAxis === undefined || yAxis === undefined) return undefined;
  return {
    crs: crs ?? LONLAT,
    width: xs.length,
    height: ys.length,
    xDim,
    yDim,
    axes: { x: xAxis, y: yAxis },
    transform: transformOf(xAxis, yAxis),
    names: { x: x.name, y: y.name, ...(mapping === undefined ? {} : { mapping: mapping.name }) },
    isRound: isDegrees && goesRound(xAxis),
  };
}

async function numbersOf(variable: Variable, read: ReadAll, call?: IoCall): Promise<Float64Array> {
  const { data } = await read(variable, call);
  return Float64Array.from(data as Float64Array | BigInt64Array, Number);
}

/** Longitudes that jump back by a turn somewhere go on instead. */
function unwrapped(values: Float64Array): Float64Array {
  const isUp = values.length < 2 || countUp(values) * 2 >= values.length - 1;
  let turns = 0;
  return values.map((value, i) => {
    const step = i === 0 ? 0 : value - values[i - 1]!;
    if (isUp ? step < -180 : step > 180) turns += isUp ? 360 : -360;
    return value + turns;
  });
}

function countUp(values: Float64Array): number {
  let count = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[i - 1]!) count++;
  return count;
}

/** The geotransform of two regular axes. */
export function transformOf(x: CellAxis, y: CellAxis): GeoTransform | undefined {
  if (x.regular === undefined || y.regular === undefined) return undefined;
  return [x.regular.first, x.regular.step, 0, y.regular.first, 0, y.regular.step];
}

function goesRound({ edges, centres }: CellAxis): boolean {
  const span = Math.abs(edges.at(-1)! - edges[0]!);
  return Math.abs(span - 360) < 1e-3 * (span / centres.length);
}

/** Coordinates along one dimension that the variable or its dimensions name. */
function coordinatesOf(dataset: Dataset, variable: Variable): Variable[] {
  const named = referencesOf(dataset, variable).flatMap((name) => dataset.variables.get(name) ?? []);
  return named.filter(({ spec }) => spec.dims.length === 1 && isNumeric(spec.dtype));
}

function isProjected(standardName: RegExp, letter: string, name: string): (variable: Variable) => boolean {
  return ({ name: path, spec }) =>
    standardName.test(textAttr(spec.attrs, "standard_name") ?? "") ||
    textAttr(spec.attrs, "axis") === letter ||
    path.slice(path.lastIndexOf("/") + 1) === name;
}
