import type { Call } from "../../core/principal.ts";
import type { StacItem } from "../../core/stac.ts";
import type { Database } from "../../db/database.ts";
import type { Page, Search, Stored } from "../catalog.ts";
import { createMatcher } from "../cql2/matcher.ts";
import { itemOf } from "../item-row.ts";
import { and, Sql, sql } from "../sql.ts";
import { beyond, keyTexts, type Order, orderBy, orderOf } from "./order.ts";
import { type Place, readToken, writeToken } from "./token.ts";
import { type Conditions, conditionsOf } from "./where.ts";

/** An item with its place in the order of a search. */
export interface Found {
  readonly stored: Stored<StacItem>;
  readonly keys: readonly string[];
}

interface Row {
  readonly body: object;
  readonly properties: object;
  readonly etag: string;
  readonly updated: Date;
  readonly keys: readonly string[];
}

/** Rows that are looked at along an index before the index is given up. */
const WALK_ROWS = 2000;
/** Candidates that are read at once where the process decides. */
const CANDIDATES = 500;

/** One page of a search, and the tokens of its neighbours. */
export async function searchPage(db: Database, search: Search, call: Call): Promise<Page<StacItem>> {
  const order = orderOf(search);
  const place = search.token === undefined ? undefined : readToken(order, search.token);
  const isBackwards = place?.isBackwards ?? false;
  const conditions = conditionsOf(search, call.who);
  const some = await find(db, conditions, order, place, search.limit + 1, call);
  const found = isBackwards ? some.slice(0, search.limit).reverse() : some.slice(0, search.limit);
  const isMore = some.length > search.limit;
  const token = (row: Found | undefined, before: boolean): string | undefined =>
    row === undefined ? undefined : writeToken(order, { keys: row.keys, isBackwards: before });
  const next = isMore || isBackwards ? token(found.at(-1), false) : undefined;
  const previous = isBackwards ? isMore : place !== undefined;
  const before = previous ? token(found[0], true) : undefined;
  return {
    entries: found.map(({ stored }) => stored),
    ...(next === undefined ? {} : { next }),
    ...(before === undefined ? {} : { previous: before }),
  };
}

/** The next `count` items from a place on. */
async function find(
  db: Database,
  conditions: Conditions,
  order: Order,
  place: Place | undefined,
  count: number,
  call: Call,
): Promise<readonly Found[]> {
  if (conditions.rest === undefined) return findRows(db, conditions, order, place, count, call);
  using matcher = await createMatcher(conditions.rest);
  const found: Found[] = [];
  for (let from = place; ; ) {
    const candidates = await findRows(db, conditions, order, from, CANDIDATES, call);
    found.push(...candidates.filter(({ stored }) => matcher.matches(stored.document)));
    const last = candidates.at(-1);
    if (last === undefined || candidates.length < CANDIDATES || found.length >= count) return found.slice(0, count);
    from = { keys: last.keys, isBackwards: place?.isBackwards ?? false };
  }
}

/**
 * The planner knows nothing of how many boxes meet, so it is not asked: first some rows are looked at along the index
 * that has the order, which finds a page of what is frequent; then all that matches is gathered by the other indexes and
 * sorted, which is cheap for what is rare.
 */
async function findRows(
  db: Database,
  conditions: Conditions,
  order: Order,
  place: Place | undefined,
  count: number,
  call: Call,
): Promise<readonly Found[]> {
  const run = async ({ text, values }: Sql): Promise<Found[]> => (await db.query<Row>(text, values, call)).map(foundOf);
  if (order.isIndexed) {
    const found = await run(walk(conditions, order, place, count));
    if (found.length === count) return found;
  }
  return run(gather(conditions, order, place, count));
}

function walk({ walked, others }: Conditions, order: Order, place: Place | undefined, count: number): Sql {
  const by = orderBy(order, place?.isBackwards ?? false);
  const rows = Math.max(WALK_ROWS, 2 * count);
  return sql`
    select body, properties, etag, updated, ${keyTexts(order)} as keys
    from (select * from item where ${from(walked, order, place)} order by ${by} limit ${rows}) as item
    where ${and(others)}
    order by ${by} limit ${count}`;
}

function gather({ walked, others }: Conditions, order: Order, place: Place | undefined, count: number): Sql {
  const by = orderBy(order, place?.isBackwards ?? false);
  // `offset 0` hides the order from the inner plan, which would walk it to the end.
  return sql`
    select body, item.properties, etag, updated, ${keyTexts(order)} as keys
    from (
      select id, collection from (
        select id, collection, datetime, ${sortProperties(order)} as properties
        from item where ${and([from(walked, order, place), ...others])} offset 0
      ) as matching order by ${by} limit ${count}
    ) as page join item using (id, collection)
    order by ${by}`;
}

function sortProperties({ keys }: Order): Sql {
  return new Sql(keys.some(({ type }) => type === "jsonb") ? "properties" : "null::jsonb");
}

function from(walked: readonly Sql[], order: Order, place: Place | undefined): Sql {
  return and(place === undefined ? walked : [...walked, beyond(order, place.keys, place.isBackwards)]);
}

function foundOf({ body, properties, etag, updated, keys }: Row): Found {
  return { stored: { document: itemOf(body, properties), etag, updated }, keys };
}
