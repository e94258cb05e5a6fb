import type { Geometry } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import { type Box, boxText, footprintOf, unwrapped } from "../footprint.ts";
import { or, Sql, sql } from "../sql.ts";

/** Where items lie, in two steps. */
export interface Area {
  /** Their boxes meet: an index knows. */
  readonly boxes: Sql;
  /** Their geometries meet, touching included. */
  readonly exact: Sql;
  /** Likewise, of items that are their boxes: an index decides alone. */
  readonly exactOfBoxes: Sql;
  /** How much of the world's 360 by 180 degrees its box is, 0 to 1. */
  readonly share: number;
}

const MOST_CORNERS = 5000;
/** Items lie between these longitudes (src/catalog/footprint.ts). */
const [WESTMOST, EASTMOST] = [-180, 540];

/** Items whose box meets one, wherever the world was cut. */
export function boxesMeet(box: Box): Sql {
  return or(everywhere(box).map((shift) => sql`place && ${boxText(moved(box, shift))}::box`));
}

export function boxArea(bbox: readonly [number, number, number, number]): Area {
  const box = unwrapped(...bbox);
  const exact = everywhere(box).map((shift) => {
    const text = boxText(moved(box, shift));
    const parts = partsMeet(sql`array[polygon(${text}::box)]`, []);
    // Few lie across the edge: of the others their boxes tell.
    return sql`(place && ${text}::box and (shape is null or place <@ ${text}::box or ${parts}))`;
  });
  const boxes = boxesMeet(box);
  return { boxes, exact: or(exact), exactOfBoxes: boxes, share: shareOf(box) };
}

/** Throws BadRequest for what is no geometry, or has too many corners. */
export function geometryArea(geometry: Geometry): Area {
  const { box, parts, holes } = readable(geometry);
  const shapes = parts ?? [boxRing(box)];
  const corners = [...shapes, ...holes].reduce((sum, text) => sum + text.split("),(").length, 0);
  if (corners > MOST_CORNERS) {
    throw new GyreError("BadRequest", `intersects has more than ${MOST_CORNERS} corners`, { subject: "intersects" });
  }
  const decided = everywhere(box).map((shift) => {
    const move = sql`${`(${shift},0)`}::point`;
    const polygons = sql`(select array_agg(polygon(pclose(path(p) + ${move}))) from unnest(${shapes}::polygon[]) p)`;
    const gaps = holes.map((hole) => sql`polygon(pclose(path(${hole}::polygon) + ${move}))`);
    const boxes = sql`place && ${boxText(moved(box, shift))}::box`;
    const ofBox = sql`exists (select from unnest(${polygons}) q where polygon(place) && q and not ${inGap("polygon(place)", gaps)})`;
    return { exact: sql`(${boxes} and ${partsMeet(polygons, gaps)})`, ofBox: sql`(${boxes} and ${ofBox})` };
  });
  return {
    boxes: boxesMeet(box),
    exact: or(decided.map(({ exact }) => exact)),
    exactOfBoxes: or(decided.map(({ ofBox }) => ofBox)),
    share: shareOf(box),
  };
}

function shareOf([west, south, east, north]: Box): number {
  return ((east - west) * (north - south)) / (360 * 180);
}

/** A hole counts only for the part that it lies in: an island in it is another part. */
function inGap(part: string, gaps: readonly Sql[]): Sql {
  return or(gaps.map((gap) => sql`(q @> ${gap} and ${gap} @> ${new Sql(part)})`));
}

function partsMeet(polygons: Sql, gaps: readonly Sql[]): Sql {
  return sql`exists (select from unnest(coalesce(shape, array[polygon(place)])) s, unnest(${polygons}) q
    where s && q and not ${inGap("s", gaps)} and not exists (select from unnest(holes) h where s @> h and h @> q))`;
}

function readable(geometry: Geometry): ReturnType<typeof footprintOf> {
  try {
    return footprintOf(geometry);
  } catch (cause) {
    throw new GyreError("BadRequest", `intersects${(cause as Error).message.slice("/geometry".length)}`, {
      subject: "intersects",
      cause,
    });
  }
}

/** Where else a box lies when the world is unrolled as items are. */
function everywhere([west, , east]: Box): number[] {
  return [-360, 0, 360].filter((shift) => west + shift <= EASTMOST && east + shift >= WESTMOST);
}

function moved([west, south, east, north]: Box, shift: number): Box {
  return [west + shift, south, east + shift, north];
}

function boxRing([west, south, east, north]: Box): string {
  return `((${west},${south}),(${east},${south}),(${east},${north}),(${west},${north}))`;
}
