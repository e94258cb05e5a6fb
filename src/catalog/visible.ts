import type { Principal } from "../core/principal.ts";
import { Sql, sql } from "./sql.ts";

/** Rows of `collection` that a principal sees: with the next, the only place of the catalogue that decides it. */
export function visibleTo(who: Principal): Sql {
  return sql`(readers is null or readers && ${who.roles}::text[])`;
}

/**
 * Rows of `item` whose collection a principal sees; or whether one collection is seen, which no row has to be asked. Asks
 * once who is hidden, which no index must know then.
 */
export function inVisible(who: Principal, one?: string): Sql {
  return sql`${one === undefined ? new Sql("collection") : sql`${one}::text`} <> all (coalesce((
    select array_agg(id) from collection where readers is not null and not ${visibleTo(who)}
  ), '{}'))`;
}
