import type { Principal } from "../core/principal.ts";
import { type Sql, sql } from "./sql.ts";

/** Rows of `collection` that a principal sees: with the next, the only place of the catalogue that decides it. */
export function visibleTo(who: Principal): Sql {
  return sql`(readers is null or readers && ${who.roles}::text[])`;
}

/** Rows of `item` whose collection a principal sees. Asks once who is hidden, which no index must know then. */
export function inVisible(who: Principal): Sql {
  return sql`collection <> all (coalesce((
    select array_agg(id) from collection where readers is not null and not ${visibleTo(who)}
  ), '{}'))`;
}
