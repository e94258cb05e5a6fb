import { ellipsoidOf } from "../../core/crs/ellipsoid.ts";
import { parseProj } from "../../core/crs/proj-string.ts";
import { type Crs, isLonLat, lengthUnit } from "../../core/crs.ts";
import type { CellAxis } from "./axis.ts";

const RADIANS = Math.PI / 180;

/**
 * Square metres of the cells of a row: of longitudes and latitudes on their ellipsoid, of other coordinates in the plane
 * of the projection, which is true to area only where the projection is.
 */
export function cellAreas(crs: Crs, x: CellAxis, y: CellAxis): (row: number, column: number) => number {
  const width = (column: number): number => Math.abs(x.edges[column + 1]! - x.edges[column]!);
  if (!isLonLat(crs)) {
    const metres = lengthUnit(crs)?.metres ?? 1;
    return (row, column) => width(column) * Math.abs(y.edges[row + 1]! - y.edges[row]!) * metres * metres;
  }
  const { a, rf } = ellipsoidOf(parseProj(crs.proj));
  const zone = zoneArea(a, rf);
  const belts = Float64Array.from({ length: y.centres.length }, (_, row) =>
    Math.abs(zone(y.edges[row + 1]!) - zone(y.edges[row]!)),
  );
  return (row, column) => belts[row]! * width(column) * RADIANS;
}

/** Area between the equator and a latitude, for one radian of longitude (Snyder 1987, 3-12). */
function zoneArea(a: number, rf: number): (latitude: number) => number {
  if (rf === 0) return (latitude) => a * a * Math.sin(latitude * RADIANS);
  const e2 = (2 - 1 / rf) / rf;
  const e = Math.sqrt(e2);
  return (latitude) => {
    const sine = Math.sin(latitude * RADIANS);
    return ((a * a * (1 - e2)) / 2) * (sine / (1 - e2 * sine * sine) + Math.atanh(e * sine) / e);
  };
}
