import type { Principal } from "../core/principal.ts";
import { type Sql, sql } from "./sql.ts";

/** What a principal sees of `item` or `collection`: in the catalogue the only place that decides it. */
export function visibleTo(who: Principal): Sql {
  return sql`(readers is null or readers && ${who.roles}::text[])`;
}
