import { GyreError } from "../../errors.ts";
import { Sql } from "../sql.ts";

/** A grid of cells over the world, in which the middles of boxes are counted. */
export interface Grid {
  /** Columns and rows of a cell, from the middle (`x`, `y`, degrees). */
  readonly column: Sql;
  readonly row: Sql;
  keyOf(column: number, row: number): string;
}

const BASE32 = "0123456789bcdefghjkmnpqrstuvwxyz";
/** Latitude at which the square of Web Mercator ends. */
const MERCATOR_EDGE = 85.0511287798066;

/** Geohash: letters of five bits, longitude first. */
export function geohashGrid(precision = 3): Grid {
  const bits = 5 * checked(precision, 1, 8);
  const [across, up] = [Math.ceil(bits / 2), Math.floor(bits / 2)];
  return {
    column: new Sql(`least(floor((x + 180) / 360 * ${2 ** across}), ${2 ** across - 1})`),
    row: new Sql(`least(floor((y + 90) / 180 * ${2 ** up}), ${2 ** up - 1})`),
    keyOf(column, row) {
      const letters: string[] = [];
      for (let at = 0; at < bits; at += 5) {
        let index = 0;
        for (let i = at; i < at + 5; i++) {
          const [value, width] = i % 2 === 0 ? [column, across] : [row, up];
          index = 2 * index + (Math.floor(value / 2 ** (width - 1 - (i >> 1))) & 1);
        }
        letters.push(BASE32[index] as string);
      }
      return letters.join("");
    },
  };
}

/** Tiles of Web Mercator: `z/x/y`. */
export function geotileGrid(precision = 5): Grid {
  const zoom = checked(precision, 0, 20);
  const side = 2 ** zoom;
  const y = `greatest(least(y, ${MERCATOR_EDGE}), ${-MERCATOR_EDGE})`;
  const fraction = `(1 - ln(tan(radians(${y})) + 1 / cos(radians(${y}))) / pi()) / 2`;
  return {
    column: new Sql(`least(floor((x + 180) / 360 * ${side}), ${side - 1})`),
    row: new Sql(`greatest(least(floor(${fraction} * ${side}), ${side - 1}), 0)`),
    keyOf: (column, row) => `${zoom}/${column}/${row}`,
  };
}

function checked(precision: number, least: number, most: number): number {
  if (Number.isInteger(precision) && precision >= least && precision <= most) return precision;
  throw new GyreError("BadRequest", `the precision of this grid is ${least} to ${most}`, { subject: "precision" });
}
