import type { Variable } from "../../../core/array.ts";
import { numericAttr, textAttr } from "../../../core/attrs.ts";
import { type Crs, LONLAT, lengthUnit, transform } from "../../../core/crs.ts";
import { unitConversion } from "../../../core/units.ts";
import type { CoordinateReader, Numbers } from "./coordinate-values.ts";
import {
  type Box,
  boxOfPlaces,
  type Footprint,
  footprintOfBox,
  footprintOfOutline,
  type Places,
  type Position,
  range,
  thinnedLine,
} from "./footprint.ts";
import type { Grid } from "./grid.ts";

/** Points of each side of a projected grid, and of each row of those within. */
const SIDE = 33;

/** Where a grid lies on Earth; undefined where its coordinates do not say it. Throws Unsupported. */
export async function gridFootprint(grid: Grid, reader: CoordinateReader): Promise<Footprint | undefined> {
  switch (grid.kind) {
    case "lonlat":
      return lonLatFootprint(grid.longitude, grid.latitude, reader);
    case "projected":
      return projectedFootprint(grid, reader);
    case "raster": {
      const { transform: t, width, height, crs } = grid;
      return outlined(crs, (u, v) => [
        t[0] + u * width * t[1] + v * height * t[2],
        t[3] + u * width * t[4] + v * height * t[5],
      ]);
    }
    case "points": {
      const toLonLat = transform(grid.crs, LONLAT);
      const box = boxOfPlaces(placesOf(grid.points.map(([x, y]) => toLonLat(x, y))));
      return box && footprintOfBox(box);
    }
  }
}

async function lonLatFootprint(longitude: Variable, latitude: Variable, reader: CoordinateReader) {
  const [longitudes, latitudes] = await Promise.all([degrees(longitude, reader), degrees(latitude, reader)]);
  if (longitudes === undefined || latitudes === undefined) return undefined;
  const areSame = longitude.spec.dims.length > 0 && longitude.spec.dims[0] === latitude.spec.dims[0];
  if (longitude.spec.dims.length === 2) return curvilinear(longitudes, latitudes);
  let box: Box | undefined;
  if (areSame) {
    const edges = await Promise.all([cellEdges(longitude, reader), cellEdges(latitude, reader)]);
    const [lon, lat] = edges[0]?.data.length === edges[1]?.data.length ? edges : [];
    box = boxOfPlaces({ longitudes: (lon ?? longitudes).data, latitudes: (lat ?? latitudes).data });
  } else {
    const cells = await cellEdges(latitude, reader);
    const [south, north] = range([...latitudes.data, ...(cells?.data ?? [])].filter(Number.isFinite));
    box = { ...eastward(longitudes, await cellEdges(longitude, reader)), south, north };
  }
  return box !== undefined && isOnEarth(box) ? footprintOfBox(box) : undefined;
}

function isOnEarth({ west, span, south, north }: Box): boolean {
  return Number.isFinite(west) && Number.isFinite(span) && south >= -90.01 && north <= 90.01 && south <= north;
}

/** From the most western to the most eastern edge of an axis that may be written across any seam. */
function eastward({ data }: Numbers, cells: Numbers | undefined): { readonly west: number; readonly span: number } {
  const edges = cells === undefined ? 0 : cells.data.length / data.length;
  const reach: number[] = [];
  let before: number | undefined;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (!Number.isFinite(value)) continue;
    // In the turn of its neighbour: an axis may jump from 180 to -180, or from 360 to 0.
    const middle: number = before === undefined ? value : value + 360 * Math.round((before - value) / 360);
    before = middle;
    reach.push(middle);
    for (let k = 0; k < edges; k++) {
      const edge = cells!.data[i * edges + k]!;
      if (Number.isFinite(edge)) reach.push(edge + 360 * Math.round((middle - edge) / 360.001));
    }
  }
  const [west, east] = range(reach);
  const step = data.length > 2 ? (east - west) / (data.length - 1) : 0;
  // Without edges the middles of a global grid end one step before they begin again.
  const isRound = east - west + (edges === 0 ? step * 1.01 : 0) >= 360 - 1e-3;
  return isRound ? { west: -180, span: 360 } : { west, span: east - west };
}

/** The line through the outermost middles of a grid with two-dimensional coordinates. */
function curvilinear(longitudes: Numbers, latitudes: Numbers): Promise<Footprint | undefined> {
  const [rows, columns] = longitudes.shape as [number, number];
  const at = (row: number, column: number): Position => {
    const i = row * columns + column;
    return [longitudes.data[i]!, latitudes.data[i]!];
  };
  const across = thinnedLine(Array.from({ length: columns }, (_, i) => i));
  const down = thinnedLine(Array.from({ length: rows }, (_, i) => i));
  const ring = [
    ...across.map((column) => at(0, column)),
    ...down.slice(1).map((row) => at(row, columns - 1)),
    ...across
      .toReversed()
      .slice(1)
      .map((column) => at(rows - 1, column)),
    ...down
      .toReversed()
      .slice(1, -1)
      .map((row) => at(row, 0)),
  ];
  const isFlat = rows < 2 || columns < 2;
  return footprintOfOutline({
    ring: isFlat ? [] : ring,
    inside: { longitudes: longitudes.data, latitudes: latitudes.data },
  });
}

async function projectedFootprint(grid: Grid & { kind: "projected" }, reader: CoordinateReader) {
  const [x, y] = await Promise.all([projectedRange(grid.x, grid, reader), projectedRange(grid.y, grid, reader)]);
  if (x === undefined || y === undefined) return undefined;
  return outlined(grid.crs, (u, v) => [x[0] + u * (x[1] - x[0]), y[0] + v * (y[1] - y[0])]);
}

/** An area of a projection: `at` answers its coordinates for 0 to 1 across and down. */
function outlined(crs: Crs, at: (u: number, v: number) => Position): Promise<Footprint | undefined> {
  const toLonLat = transform(crs, LONLAT);
  const place = (u: number, v: number): Position => toLonLat(...at(u, v));
  const side = Array.from({ length: SIDE }, (_, i) => i / (SIDE - 1));
  const back = side.toReversed();
  const ring = [
    ...side.map((u) => place(u, 0)),
    ...side.slice(1).map((v) => place(1, v)),
    ...back.slice(1).map((u) => place(u, 1)),
    ...back.slice(1, -1).map((v) => place(0, v)),
  ];
  return footprintOfOutline({
    ring,
    inside: placesOf([...ring, ...side.flatMap((v) => side.map((u) => place(u, v)))]),
  });
}

/** First and last of a projected axis with the edges of its cells, in the unit of the CRS. */
export async function projectedRange(
  axis: Variable,
  { crs, mapping }: { readonly crs: Crs; readonly mapping: Variable },
  reader: CoordinateReader,
): Promise<readonly [number, number] | undefined> {
  const values = (await cellEdges(axis, reader)) ?? (await reader.numbers(axis));
  if (values === undefined) return undefined;
  const [least, most] = range(values.data.filter((value) => !Number.isNaN(value)));
  if (!Number.isFinite(least)) return undefined;
  const scale = scaleOf(textAttr(axis.spec.attrs, "units"), crs, mapping);
  return [least * scale, most * scale];
}

/** Kilometres, feet, or the scanning angles of a geostationary instrument (CF appendix F), in units of the CRS. */
function scaleOf(units: string | undefined, crs: Crs, mapping: Variable): number {
  if (units === undefined) return 1;
  const height = numericAttr(mapping.spec.attrs, "perspective_point_height")?.[0];
  const toRadians = height === undefined ? undefined : unitConversion(units, "radian");
  if (toRadians !== undefined && height !== undefined) return toRadians.scale * height;
  const unit = lengthUnit(crs);
  const toMetres = unit === undefined ? undefined : unitConversion(units, "m");
  return toMetres === undefined || unit === undefined ? 1 : toMetres.scale / unit.metres;
}

async function degrees(variable: Variable, reader: CoordinateReader): Promise<Numbers | undefined> {
  return inDegrees(variable, await reader.numbers(variable));
}

async function cellEdges(coordinate: Variable, reader: CoordinateReader): Promise<Numbers | undefined> {
  const bounds = reader.bounds(coordinate);
  const values = bounds === undefined ? undefined : await reader.numbers(bounds);
  // What was thinned has other positions than its coordinate.
  if (values === undefined || values.shape.some((n, i) => n !== bounds!.spec.shape[i])) return undefined;
  return inDegrees(coordinate, values);
}

function inDegrees({ spec: { attrs } }: Variable, numbers: Numbers | undefined): Numbers | undefined {
  if (numbers === undefined || !/^rad(?:ian)?s?$/i.test(textAttr(attrs, "units") ?? "")) return numbers;
  if (textAttr(attrs, "standard_name")?.startsWith("projection")) return numbers;
  return { ...numbers, data: numbers.data.map((value) => (value * 180) / Math.PI) };
}

function placesOf(positions: readonly Position[]): Places {
  return {
    longitudes: Float64Array.from(positions, ([longitude]) => longitude),
    latitudes: Float64Array.from(positions, ([, latitude]) => latitude),
  };
}
