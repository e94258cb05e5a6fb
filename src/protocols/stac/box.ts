import type { Search } from "../../catalog/catalog.ts";
import { GyreError } from "../../errors.ts";

type Box = Required<Pick<Search, "bbox">> & Pick<Search, "heights">;

/**
 * A `bbox` of four or six numbers in degrees and metres (RFC 7946, 5): west may be greater than east, where the box
 * crosses the antimeridian. Throws BadRequest.
 */
export function boxOf(numbers: readonly number[]): Box {
  if (numbers.length !== 4 && numbers.length !== 6) {
    throw refused(`has ${numbers.length} numbers`);
  }
  const is3d = numbers.length === 6;
  const [west, south] = numbers as [number, number];
  const [east, north] = numbers.slice(is3d ? 3 : 2) as [number, number];
  if (Math.abs(west) > 180 || Math.abs(east) > 180) throw refused("has a longitude beyond 180 degrees");
  if (Math.abs(south) > 90 || Math.abs(north) > 90) throw refused("has a latitude beyond 90 degrees");
  if (south > north) throw refused("has its south north of its north");
  if (!is3d) return { bbox: [west, south, east, north] };
  const [low, high] = [numbers[2] as number, numbers[5] as number];
  if (low > high) throw refused("has its lowest height above its highest");
  return { bbox: [west, south, east, north], heights: [low, high] };
}

function refused(why: string): GyreError {
  return new GyreError("BadRequest", `bbox ${why}`, {
    subject: "bbox",
    allowed: ["west,south,east,north", "west,south,lowest,east,north,highest"],
  });
}
