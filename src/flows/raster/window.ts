import { isLonLat } from "../../core/crs.ts";
import { type DimSelection, slice } from "../../core/selection.ts";
import { extentOf, mappedRings, type Point, pixelOf, type Rings, ringsOf } from "../../render/rings.ts";
import type { MultiPolygon } from "../boundaries/boundary.ts";
import { placeOnAxis } from "./axis.ts";
import { boundaryRings } from "./boundary-rings.ts";
import type { RasterGrid } from "./grid.ts";

/** The part of a grid that holds a boundary. */
export interface RasterWindow {
  /** First column; the last may lie behind the end of a grid that goes around the Earth. */
  readonly column: number;
  readonly row: number;
  readonly width: number;
  readonly height: number;
  /** The boundary in columns and rows of the window. */
  readonly rings: Rings;
}

/** Boundaries follow the projection to so much of a cell. */
export const STRAIGHT = 0.05;
/** An edge of the boundary on an edge of a cell, but for rounding, does not reach into the next cell. */
const SLACK = 1e-9;

/**
 * The smallest window around a boundary, undefined where it does not meet the grid. On a grid that goes around the Earth
 * it is one window even across the grid's seam; otherwise, a boundary on both sides of the antimeridian has all between.
 */
export function windowOf(grid: RasterGrid, geometry: MultiPolygon): RasterWindow | undefined {
  const place = placing(grid);
  const polygons = boundaryRings(geometry, grid.crs, STRAIGHT * cellSize(grid)).map((rings) =>
    mappedRings(rings, place),
  );
  const turn = isLonLat(grid.crs) && grid.axes !== undefined ? turnOf(grid) : undefined;
  const placed = turn === undefined ? polygons : polygons.flatMap((rings) => turned(rings, turn, grid.width));
  const meeting = placed.filter((rings) => meets(rings, grid.isRound ? undefined : grid.width, grid.height));
  if (meeting.length === 0) return undefined;
  const span = grid.isRound ? roundSpan(meeting, grid.width) : plainSpan(meeting, grid.width);
  const rows = bounds(meeting, 1, grid.height);
  if (span.end <= span.start || rows.end <= rows.start) return undefined;
  const inside = meeting.filter((rings) => {
    const [west, , east] = extentOf(rings)!;
    return west < span.end && east > span.start;
  });
  return {
    column: span.start,
    row: rows.start,
    width: span.end - span.start,
    height: rows.end - rows.start,
    rings: shifted(joined(inside), -span.start, -rows.start),
  };
}

/** What is taken of the grid's columns; a list where the window lies across the seam. */
export function columnsOf({ column, width }: Pick<RasterWindow, "column" | "width">, all: number): DimSelection {
  if (column >= 0 && column + width <= all) return slice(column, column + width);
  return Array.from({ length: width }, (_, i) => (((column + i) % all) + all) % all);
}

/** From coordinates of the grid's CRS to columns and rows of the grid. */
export function placing({ axes, transform }: RasterGrid): (x: number, y: number) => Point {
  if (transform !== undefined) return pixelOf(transform);
  return (x, y) => [placeOnAxis(axes!.x, x), placeOnAxis(axes!.y, y)];
}

function cellSize({ axes, transform }: RasterGrid): number {
  if (transform !== undefined)
    return Math.min(Math.hypot(transform[1], transform[4]), Math.hypot(transform[2], transform[5]));
  const { x, y } = axes!;
  const mean = ({ edges, centres }: typeof x): number => Math.abs(edges.at(-1)! - edges[0]!) / centres.length;
  return Math.min(mean(x), mean(y));
}

/** Columns of one turn around the Earth: those of 360 degrees. */
export function turnOf({ axes, width, isRound }: RasterGrid): number {
  const { edges } = axes!.x;
  return isRound ? width : (360 / Math.abs(edges.at(-1)! - edges[0]!)) * width;
}

/** A polygon where it is and whole turns away, as far as that is near the grid. */
function turned(rings: Rings, turn: number, width: number): Rings[] {
  const [west, , east] = extentOf(rings)!;
  const isNear = (n: number): boolean => west + n * turn < 2 * width && east + n * turn > -width;
  return [-2, -1, 0, 1, 2].filter(isNear).map((n) => (n === 0 ? rings : shifted(rings, n * turn, 0)));
}

function shifted(rings: Rings, columns: number, rows: number): Rings {
  return mappedRings(rings, (x, y) => [x + columns, y + rows]);
}

function meets(rings: Rings, width: number | undefined, height: number): boolean {
  const extent = extentOf(rings);
  if (extent === undefined) return false;
  const [west, top, east, bottom] = extent;
  return bottom > 0 && top < height && (width === undefined || (east > 0 && west < width));
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function plainSpan(polygons: readonly Rings[], width: number): Span {
  return bounds(polygons, 0, width);
}

function bounds(polygons: readonly Rings[], axis: 0 | 1, size: number): Span {
  const extents = polygons.map((rings) => extentOf(rings)!);
  const least = Math.min(...extents.map((extent) => extent[axis]));
  const most = Math.max(...extents.map((extent) => extent[axis + 2]!));
  return { start: Math.max(0, Math.floor(least + SLACK)), end: Math.min(size, Math.ceil(most - SLACK)) };
}

/** The shortest stretch of columns around the Earth that has all polygons; all columns where there is no gap. */
function roundSpan(polygons: readonly Rings[], width: number): Span {
  const stretches = polygons
    .map((rings): Span => {
      const [west, , east] = extentOf(rings)!;
      return { start: Math.floor(west + SLACK), end: Math.ceil(east - SLACK) };
    })
    .filter(({ start, end }) => start < 2 * width && end > -width)
    .sort((a, b) => a.start - b.start);
  let best: Span = { start: 0, end: width };
  let reach = Number.NEGATIVE_INFINITY;
  let widest = 0;
  for (const { start, end } of stretches) {
    if (start - reach > widest && reach > Number.NEGATIVE_INFINITY && start >= 0 && start < width) {
      widest = start - reach;
      best = { start, end: reach + width };
    }
    reach = Math.max(reach, end);
  }
  return best;
}

function joined(polygons: readonly Rings[]): Rings {
  const lists: Point[][] = [];
  for (const { xs, ys, ends } of polygons) {
    let first = 0;
    for (const end of ends) {
      lists.push(Array.from({ length: end - first }, (_, i): Point => [xs[first + i]!, ys[first + i]!]));
      first = end;
    }
  }
  return ringsOf(lists);
}
