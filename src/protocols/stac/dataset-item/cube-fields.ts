import type { Dataset, Json, Variable } from "../../../core/array.ts";
import { scalarToJson, textAttr } from "../../../core/attrs.ts";
import { axisOf, dimensionPath } from "../../../core/axes.ts";
import type { CoordinateReader, Numbers } from "./coordinate-values.ts";
import { range } from "./footprint.ts";
import { axesCrs, type Grid } from "./grid.ts";
import { projectedRange } from "./grid-footprint.ts";
import { type Members, optional } from "./members.ts";
import type { Period } from "./period.ts";

/** More variables make documents that no catalogue wants. */
const MOST_VARIABLES = 300;
/** Dimensions whose coordinates are read for it. */
const MOST_DIMENSIONS = 64;
/** Characters of a CRS that each axis repeats. */
const LONGEST_WKT = 5000;
/** Values of a dimension that are written out. */
const MOST_VALUES = 50;

/** The members of STAC's datacube extension (2.3.0). */
export interface CubeFields {
  readonly "cube:dimensions": { readonly [name: string]: Members };
  readonly "cube:variables": { readonly [name: string]: Members };
}

export interface CubeParts {
  readonly grid: Grid | undefined;
  readonly period: Period | undefined;
  readonly data: readonly Variable[];
}

/** Describes the data variables with the dimensions that they have. */
export async function cubeFields(reader: CoordinateReader, parts: CubeParts): Promise<CubeFields> {
  const { dataset } = reader;
  const data = parts.data.slice(0, MOST_VARIABLES);
  const dimensions = new Map<string, Members>();
  for (const variable of data) {
    for (const [i, dim] of variable.spec.dims.entries()) {
      const path = dimensionPath(dataset, variable.name, dim);
      const size = variable.spec.shape[i]!;
      if (dimensions.has(path)) continue;
      dimensions.set(
        path,
        dimensions.size < MOST_DIMENSIONS ? await dimension(path, size, reader, parts) : count(size),
      );
    }
  }
  return {
    "cube:dimensions": Object.fromEntries(dimensions),
    "cube:variables": Object.fromEntries(data.map((variable) => [variable.name, described(dataset, variable)])),
  };
}

function described(dataset: Dataset, { name, spec }: Variable): Members {
  const { dims, shape, chunks, dtype, attrs, fill } = spec;
  return {
    dimensions: dims.map((dim) => dimensionPath(dataset, name, dim)),
    type: "data",
    ...optional("description", textAttr(attrs, "long_name") ?? textAttr(attrs, "standard_name")),
    ...optional("unit", textAttr(attrs, "units")),
    shape,
    chunks,
    ...optional("data_type", typeof dtype === "string" && dtype !== "bytes" && dtype !== "string" ? dtype : "other"),
    ...(typeof fill === "number" || typeof fill === "bigint" ? nodata(scalarToJson(fill)) : {}),
  };
}

/** STAC 1.1 writes what JSON has no numbers for as text; 64-bit integers that no double holds it cannot say. */
function nodata(value: Json): Members {
  if (typeof value === "number") return { nodata: value };
  const text = NODATA.get(String(value));
  return text === undefined ? {} : { nodata: text };
}

const NODATA: ReadonlyMap<string, string> = new Map([
  ["NaN", "nan"],
  ["Infinity", "inf"],
  ["-Infinity", "-inf"],
]);

async function dimension(path: string, size: number, reader: CoordinateReader, parts: CubeParts): Promise<Members> {
  const { grid, period } = parts;
  const coordinate = coordinateOf(path, reader.dataset, parts);
  const spatial = await horizontal(path, coordinate, grid, reader);
  if (spatial !== undefined) return spatial;
  if (coordinate === undefined) return count(size);
  const { attrs } = coordinate.spec;
  const said = {
    ...optional("description", textAttr(attrs, "long_name") ?? textAttr(attrs, "standard_name")),
    ...optional("unit", textAttr(attrs, "units")),
  };
  if (period !== undefined && coordinate === period.coordinate) {
    return {
      type: "temporal",
      ...optional("description", textAttr(attrs, "long_name")),
      extent: [period.start, period.end],
      calendar: period.calendar,
    };
  }
  const numbers = await reader.numbers(coordinate);
  const values = finite(numbers);
  if (values.length === 0) return count(size);
  const listed: Members = values.length === size && size <= MOST_VALUES ? { values } : {};
  const extent = range(values);
  if (axisOf(coordinate) === "vertical") return { type: "spatial", axis: "z", ...said, extent, ...listed };
  return { type: "other", ...said, extent, ...listed };
}

/** A dimension that has no coordinate: positions. */
function count(size: number): Members {
  return { type: "count", extent: [0, Math.max(0, size - 1)] };
}

/** The variable that counts along a dimension: of its own name, or what the grid or the period has. */
function coordinateOf(path: string, dataset: Dataset, { grid, period }: CubeParts): Variable | undefined {
  const own = dataset.variables.get(path);
  if (own !== undefined && own.spec.dims.length === 1) return own;
  const known =
    grid?.kind === "lonlat" ? [grid.longitude, grid.latitude] : grid?.kind === "projected" ? [grid.x, grid.y] : [];
  const candidates = period === undefined ? known : [...known, period.coordinate];
  return candidates.find(
    ({ name, spec }) => spec.dims.length === 1 && dimensionPath(dataset, name, spec.dims[0]!) === path,
  );
}

async function horizontal(
  path: string,
  coordinate: Variable | undefined,
  grid: Grid | undefined,
  reader: CoordinateReader,
): Promise<Members | undefined> {
  if (grid === undefined) return undefined;
  const crs = axesCrs(grid);
  const system = crs.epsg ?? (crs.wkt.length > LONGEST_WKT ? undefined : crs.wkt);
  const reference: Members = system === undefined ? {} : { reference_system: system };
  if (grid.kind === "raster" && (path === grid.x || path === grid.y)) {
    const [left, perColumn, perRow0, top, perColumn0, perRow] = grid.transform;
    if (perRow0 !== 0 || perColumn0 !== 0) return undefined;
    const [first, step, count] = path === grid.x ? [left, perColumn, grid.width] : [top, perRow, grid.height];
    const extent = range([first, first + step * count]);
    return { type: "spatial", axis: path === grid.x ? "x" : "y", extent, step, ...reference };
  }
  if (coordinate === undefined) return undefined;
  if (grid.kind === "projected" && (coordinate === grid.x || coordinate === grid.y)) {
    const extent = await projectedRange(coordinate, grid, reader);
    if (extent === undefined) return undefined;
    return { type: "spatial", axis: coordinate === grid.x ? "x" : "y", extent, ...reference };
  }
  const kind = axisOf(coordinate);
  if (grid.kind !== "lonlat" || (kind !== "longitude" && kind !== "latitude")) return undefined;
  const values = finite(await reader.numbers(coordinate));
  if (values.length === 0) return undefined;
  const axis = kind === "longitude" ? "x" : "y";
  return { type: "spatial", axis, extent: range(values), ...stepOf(values), ...reference };
}

/** The step of a regular axis, null where it has others; nothing is said of a single value. */
function stepOf(values: readonly number[]): Members {
  if (values.length < 2) return {};
  const step = (values.at(-1)! - values[0]!) / (values.length - 1);
  const isRegular = values.every((value, i) => Math.abs(value - values[0]! - i * step) <= Math.abs(step) * 1e-3);
  return { step: isRegular ? Number(step.toPrecision(7)) : null };
}

function finite(numbers: Numbers | undefined): number[] {
  return numbers === undefined ? [] : [...numbers.data].filter(Number.isFinite);
}
