import type { Search } from "../../catalog/catalog.ts";
import { GyreError } from "../../errors.ts";

/** Longitudes that a map may ask for. */
const FARTHEST = 720;

type Box = Required<Pick<Search, "bbox">> & Pick<Search, "heights">;

/**
 * A `bbox` of four or six numbers in degrees and metres (RFC 7946, 5): west may be greater than east, where the box
 * crosses the antimeridian. Maps that were moved around the world ask beyond 180 degrees; nothing lies beyond a pole.
 * Throws BadRequest.
 */
export function boxOf(numbers: readonly number[]): Box {
  if (numbers.length !== 4 && numbers.length !== 6) {
    throw refused(`has ${numbers.length} numbers`);
  }
  const is3d = numbers.length === 6;
  const [west, south] = numbers as [number, number];
  const [east, north] = numbers.slice(is3d ? 3 : 2) as [number, number];
  if (Math.abs(west) > FARTHEST || Math.abs(east) > FARTHEST) {
    throw refused(`has a longitude beyond ${FARTHEST} degrees`);
  }
  if (south > north) throw refused("has its south north of its north");
  const [left, right] = around(west, east);
  const placed: Box["bbox"] = [left, south, right, north];
  if (!is3d) return { bbox: placed };
  const [low, high] = [numbers[2] as number, numbers[5] as number];
  if (low > high) throw refused("has its lowest height above its highest");
  return { bbox: placed, heights: [low, high] };
}

/** The same stretch of the equator between -180 and 180. */
function around(west: number, east: number): readonly [number, number] {
  if (east - west >= 360) return [-180, 180];
  return [wrapped(west), wrapped(east)];
}

function wrapped(longitude: number): number {
  return Math.abs(longitude) <= 180 ? longitude : longitude - 360 * Math.round(longitude / 360);
}

function refused(why: string): GyreError {
  return new GyreError("BadRequest", `bbox ${why}`, {
    subject: "bbox",
    allowed: ["west,south,east,north", "west,south,lowest,east,north,highest"],
  });
}
