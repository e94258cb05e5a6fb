import type { Dataset, IoCall, Variable } from "../../core/array.ts";
import type { Crs } from "../../core/crs.ts";
import { all } from "../../core/selection.ts";
import { GyreError } from "../../errors.ts";
import { type ChunkReader, decodedChunk } from "../../read/chunk.ts";
import { selectFrom } from "../../read/select.ts";
import type { ReadValues } from "../../read/view.ts";
import type { PolygonMask } from "../../render/mask.ts";
import type { Resampling } from "../../render/resample.ts";
import type { MultiPolygon } from "../boundaries/boundary.ts";
import { type ClippedVariable, clippedVariable, type MaskChoice } from "./clipped-variable.ts";
import { gridOf, type RasterGrid, type ReadAll } from "./grid.ts";
import { type GridValues, storedValues } from "./grid-values.ts";
import { type Nodata, nodataFor } from "./nodata.ts";
import { warpedGrid } from "./warped-grid.ts";
import { warpedValues } from "./warped-values.ts";
import { type RasterWindow, windowOf } from "./window.ts";

export interface ClipOptions extends MaskChoice {
  /** The only variable that is wanted; all that have a grid unless told. */
  readonly variable?: string;
  /** Outside of the boundary, for sources that have no such value of their own. */
  readonly nodata?: number;
  /** Reprojects to another CRS. Default: the source's own, cell for cell. */
  readonly crs?: Crs;
  /** How values are found in another CRS; default `nearest`. */
  readonly resampling?: Resampling;
}

/** A variable inside of a boundary, with the grid of its window. */
export interface Clipped extends ClippedVariable {
  /** Of the source. */
  readonly source: Variable;
  readonly values: GridValues;
  readonly window: RasterWindow;
  readonly nodata: Nodata | undefined;
}

export interface ClippedDataset {
  readonly dataset: Dataset;
  readonly variables: readonly Clipped[];
  /** What was decided on the way, for people. */
  readonly notes: readonly string[];
  /** Decoded values of what is not clipped: coordinates and the like. */
  readonly read: ReadValues;
}

/**
 * The part of a dataset inside of a boundary: every variable with columns and rows on Earth, cut to the smallest window
 * and, with mode `polygon`, blank outside. Nothing but coordinates is read before the values are asked for. Undefined
 * where nothing lies inside. Throws Unsupported for a dataset without such a variable.
 */
export async function clipDataset(
  dataset: Dataset,
  geometry: MultiPolygon,
  options: ClipOptions,
  reader: ChunkReader,
  call?: IoCall,
): Promise<ClippedDataset | undefined> {
  const read: ReadValues = async (variable, selection, io) =>
    variable.read?.(selection, io) ??
    selectFrom(variable, selection, (chunk) => decodedChunk(reader, variable, chunk, io), io);
  const readAll: ReadAll = (variable, io) => read(variable, all(variable.spec.shape), io);
  const gridded = await griddedVariables(dataset, options.variable, readAll, call);
  const clipped: Clipped[] = [];
  const notes = new Set<string>();
  const windows = new Map<string, RasterWindow | undefined>();
  for (const [source, grid] of gridded) {
    const { value, isOwn } = nodataFor(source.spec, options.nodata);
    const values = valuesOf(source, grid, geometry, options, reader, value);
    if (values === undefined) continue;
    const place = source.spec.dims.filter((_, dim) => dim === grid.xDim || dim === grid.yDim);
    const key = `${grid.names.mapping} ${grid.names.x} ${grid.names.y} ${place.join(" ")}`;
    if (!windows.has(key)) windows.set(key, windowOf(values.grid, geometry));
    const window = windows.get(key);
    if (window === undefined) continue;
    const isBlank = options.mode === "polygon" || options.crs !== undefined;
    if (isBlank && !isOwn)
      notes.add(`${source.name} has no value of its own for nothing: ${value} outside of the boundary`);
    const cut = clippedVariable(source.name, values, window, options, value);
    if (cut.mask !== undefined && isEmptyMask(cut.mask)) continue;
    clipped.push({ ...cut, source, values, window, nodata: isBlank || isOwn ? value : undefined });
  }
  return clipped.length === 0 ? undefined : { dataset, variables: clipped, notes: [...notes], read };
}

const ROWS = 64;

/** A boundary smaller than cells may have no middle of one inside. */
function isEmptyMask(mask: PolygonMask): boolean {
  for (let row = 0; row < mask.height; row += ROWS) {
    if (mask.spans(row, Math.min(ROWS, mask.height - row)).columns.length > 0) return false;
  }
  return true;
}

function valuesOf(
  source: Variable,
  grid: RasterGrid,
  geometry: MultiPolygon,
  { crs, resampling = "nearest" }: ClipOptions,
  reader: ChunkReader,
  nodata: Nodata,
): GridValues | undefined {
  const stored = storedValues(source, grid, reader);
  if (crs === undefined || crs.proj === grid.crs.proj) return stored;
  const target = warpedGrid(grid, crs, geometry);
  return target && warpedValues(stored, target, resampling, nodata);
}

async function griddedVariables(
  dataset: Dataset,
  wanted: string | undefined,
  readAll: ReadAll,
  call?: IoCall,
): Promise<(readonly [Variable, RasterGrid])[]> {
  const found: (readonly [Variable, RasterGrid])[] = [];
  for (const variable of dataset.variables.values()) {
    const { attrs } = variable.spec;
    // Reduced images show the same again, and masks are part of what they mask.
    if (wanted === undefined ? attrs.has("overview_of") || attrs.has("mask_of") : variable.name !== wanted) continue;
    const grid = await gridOf(dataset, variable, readAll, call);
    if (grid !== undefined) found.push([variable, grid]);
  }
  if (found.length > 0) return found;
  const what = wanted === undefined ? "no variable" : `no variable ${wanted}`;
  throw new GyreError("Unsupported", `there is ${what} with columns and rows on Earth`, {
    ...(wanted === undefined ? {} : { subject: wanted }),
    allowed: [...dataset.variables.keys()].slice(0, 100),
  });
}
