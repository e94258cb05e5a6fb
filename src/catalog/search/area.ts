import type { Geometry } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import { type Box, boxText, footprintOf, unwrapped } from "../footprint.ts";
import { or, type Sql, sql } from "../sql.ts";

/** Where items lie, by the ways that they are found (`reach` of sql/node/0007). */
export interface Area {
  /** Their boxes meet: an index knows. */
  readonly boxes: Sql;
  /** Any item: its geometry meets, touching included. */
  readonly exact: Sql;
  /** A near item, by what its index holds: at each place of the area where such items are. */
  readonly near: readonly Near[];
  /** A wide item, which is its box. */
  readonly wide: Sql;
  /** Whether `near` and `wide` cost nothing, as they do for a box. */
  readonly isBox: boolean;
  /** How much of the world's 360 by 180 degrees its box is, 0 to 1. */
  readonly share: number;
}

interface Near {
  readonly boxes: Sql;
  readonly exact: Sql;
}

/** One place of the area when the world is unrolled as items are. */
interface Copy {
  readonly box: Box;
  readonly shift: number;
}

interface Conditions extends Near {
  readonly wide: Sql;
  readonly near: Sql;
}

const MOST_CORNERS = 5000;
/** Items lie between these longitudes (src/catalog/footprint.ts), near ones up to the antimeridian. */
const [WESTMOST, ANTIMERIDIAN, EASTMOST] = [-180, 180, 540];

/** Items whose box meets one, wherever the world was cut. */
export function boxesMeet(box: Box): Sql {
  return or(copiesOf(box).map((copy) => boxMeets(copy)));
}

/** Undefined for the whole world: everything lies in it that lies anywhere. */
export function boxArea(bbox: readonly [number, number, number, number]): Area | undefined {
  const box = unwrapped(...bbox);
  const [west, south, east, north] = box;
  if (east - west >= 360 && south <= -90 && north >= 90) return undefined;
  return areaOf(box, true, (copy) => {
    const boxes = boxMeets(copy);
    const asked = sql`${boxText(copy.box)}::box`;
    return {
      // Few lie across the edge: of the others their boxes tell.
      ...{ boxes, wide: boxes },
      exact: sql`(${boxes} and (shape is null or place <@ ${asked} or ${rowMeets(sql`array[polygon(${asked})]`)}))`,
      near: sql`(${boxes} and (place <@ ${asked} or cardinality(outline) = 0 or polygon(${asked}) && any (outline)))`,
    };
  });
}

/** Throws BadRequest for what is no geometry, or has too many corners. */
export function geometryArea(geometry: Geometry): Area {
  const { box, parts = [boxRing(box)], holes } = readable(geometry);
  const corners = [...parts, ...holes].reduce((sum, text) => sum + text.split("),(").length, 0);
  if (corners > MOST_CORNERS) {
    throw new GyreError("BadRequest", `intersects has more than ${MOST_CORNERS} corners`, { subject: "intersects" });
  }
  return areaOf(box, false, (copy) => {
    const boxes = boxMeets(copy);
    const moved = (rings: readonly string[]): string[] => rings.map((ring) => movedRing(ring, copy.shift));
    const [asked, gaps] = [sql`${moved(parts)}::polygon[]`, sql`${moved(holes)}::polygon[]`];
    const exact = sql`(${boxes} and ${rowMeets(asked, gaps)})`;
    if (parts.length === 1 && holes.length === 0) {
      const one = sql`${moved(parts)[0]}::polygon`;
      const wide = sql`(${boxes} and ${one} && polygon(place))`;
      return { boxes, exact, wide, near: sql`(${wide} and (cardinality(outline) = 0 or ${one} && any (outline)))` };
    }
    const outlines = sql`case when cardinality(outline) = 0 then array[polygon(place)] else outline end`;
    return {
      ...{ boxes, exact },
      wide: sql`(${boxes} and areas_meet(array[polygon(place)], '{}', ${asked}, ${gaps}))`,
      near: sql`(${boxes} and areas_meet(${outlines}, '{}', ${asked}, ${gaps}))`,
    };
  });
}

function areaOf(box: Box, isBox: boolean, conditionsOf: (copy: Copy) => Conditions): Area {
  const copies = copiesOf(box).map((copy) => ({ ...copy, ...conditionsOf(copy) }));
  const [west, south, east, north] = box;
  return {
    boxes: or(copies.map(({ boxes }) => boxes)),
    exact: or(copies.map(({ exact }) => exact)),
    near: copies.filter((copy) => copy.box[0] <= ANTIMERIDIAN).map(({ boxes, near }) => ({ boxes, exact: near })),
    wide: or(copies.map(({ wide }) => wide)),
    isBox,
    share: ((east - west) * (north - south)) / (360 * 180),
  };
}

function boxMeets({ box }: Copy): Sql {
  return sql`(place && ${boxText(box)}::box)`;
}

/** By the columns that every row has. */
function rowMeets(asked: Sql, gaps = sql`'{}'`): Sql {
  return sql`areas_meet(coalesce(shape, array[polygon(place)]), coalesce(holes, '{}'), ${asked}, ${gaps})`;
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

function copiesOf([west, south, east, north]: Box): Copy[] {
  const shifts = [-360, 0, 360].filter((shift) => west + shift <= EASTMOST && east + shift >= WESTMOST);
  return shifts.map((shift) => ({ shift, box: [west + shift, south, east + shift, north] }));
}

function movedRing(ring: string, shift: number): string {
  return shift === 0 ? ring : ring.replaceAll(/\(([^(),]+),/g, (_, x: string) => `(${Number(x) + shift},`);
}

function boxRing([west, south, east, north]: Box): string {
  return `((${west},${south}),(${east},${south}),(${east},${north}),(${west},${north}))`;
}
