import { GyreError } from "../../errors.ts";
import { Sql, sql } from "../sql.ts";
import { LONGEST_PREFIX } from "./tree.ts";

/** Throws BadRequest for what no path begins with (`TreeNode`). */
export function checkPrefix(prefix: string): void {
  if (/^[0-9a-f]*$/.test(prefix) && prefix.length <= LONGEST_PREFIX) return;
  throw new GyreError("BadRequest", `prefix is 0 to ${LONGEST_PREFIX} of 0-9 a-f`, { subject: "prefix" });
}

/** Rows of a collection whose path has the prefix. */
export function rangeOf(collection: string, prefix: string): Sql {
  return sql`collection = ${collection} and ${isBelow(new Sql("path"), prefix)}`;
}

/** Two bounds of 8 bytes, both included. */
export function isBelow(path: Sql, prefix: string): Sql {
  const [low, high] = [prefix.padEnd(16, "0"), prefix.padEnd(16, "f")];
  return sql`${path} between decode(${low}, 'hex') and decode(${high}, 'hex')`;
}
