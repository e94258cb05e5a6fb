import { type Crs, isLonLat, transform } from "../../core/crs.ts";
import { GyreError } from "../../errors.ts";
import { type Shrinking, shrinkingOf } from "../../render/resample.ts";
import { extentOf } from "../../render/rings.ts";
import type { PixelTransform } from "../../render/warp.ts";
import type { MultiPolygon } from "../boundaries/boundary.ts";
import { regularAxis } from "./axis.ts";
import { boundaryRings } from "./boundary-rings.ts";
import type { RasterGrid } from "./grid.ts";
import { placing, STRAIGHT, turnOf, windowOf } from "./window.ts";

const MOST_PIXELS = 2 ** 31;

type Extent = readonly [west: number, south: number, east: number, north: number];

/** The grid of a boundary in another CRS, and the way back to the source's columns and rows. */
export interface WarpedGrid {
  readonly grid: RasterGrid;
  readonly toSource: PixelTransform;
  readonly shrinking: Shrinking;
}

/**
 * Undefined where the boundary does not meet the source. Pixels are square, as many along the diagonal as the source's
 * window has, as GDAL suggests it; their edges are whole multiples of their size.
 */
export function warpedGrid(source: RasterGrid, crs: Crs, geometry: MultiPolygon): WarpedGrid | undefined {
  const window = windowOf(source, geometry);
  const rough = extentIn(crs, geometry, Number.POSITIVE_INFINITY);
  if (window === undefined || rough === undefined) return undefined;
  const diagonal = Math.hypot(window.width, window.height);
  const lengthOf = ([west, south, east, north]: Extent): number => Math.hypot(east - west, north - south);
  const extent = extentIn(crs, geometry, (STRAIGHT * lengthOf(rough)) / diagonal) ?? rough;
  const [west, south, east, north] = extent;
  const size = lengthOf(extent) / diagonal;
  const left = Math.floor(west / size) * size;
  const top = Math.ceil(north / size) * size;
  const width = Math.max(1, Math.ceil((east - left) / size));
  const height = Math.max(1, Math.ceil((top - south) / size));
  if (!(width * height < MOST_PIXELS)) {
    throw new GyreError("TooLarge", `an image of ${width} x ${height} pixels in ${crs.name}`, { subject: crs.name });
  }
  const grid: RasterGrid = {
    crs,
    width,
    height,
    xDim: source.xDim,
    yDim: source.yDim,
    axes: { x: regularAxis(left, size, width), y: regularAxis(top, -size, height) },
    transform: [left, size, 0, top, 0, -size],
    names: source.names,
    isRound: false,
  };
  return {
    grid,
    toSource: pixelTransform(grid, source, window.column + window.width / 2),
    shrinking: shrinkingOf(window, grid),
  };
}

function extentIn(crs: Crs, geometry: MultiPolygon, tolerance: number): Extent | undefined {
  const all = boundaryRings(geometry, crs, tolerance).flatMap((rings) => {
    const extent = extentOf(rings);
    return extent === undefined ? [] : [extent];
  });
  if (all.length === 0) return undefined;
  const [west, south, east, north] = [0, 1, 2, 3].map((side) => all.map((extent) => extent[side]!));
  return [Math.min(...west!), Math.min(...south!), Math.max(...east!), Math.max(...north!)];
}

/** `middle`: the column of the source around which a turn of longitudes is taken. */
function pixelTransform(target: RasterGrid, source: RasterGrid, middle: number): PixelTransform {
  const back = transform(target.crs, source.crs);
  const place = placing(source);
  const [left, across, , top, , down] = target.transform!;
  const turn = isLonLat(source.crs) && source.axes !== undefined ? turnOf(source) : undefined;
  return (column, row) => {
    const [x, y] = back(left + column * across, top + row * down);
    const [px, py] = place(x, y);
    return [turn === undefined ? px : px - Math.round((px - middle) / turn) * turn, py];
  };
}
