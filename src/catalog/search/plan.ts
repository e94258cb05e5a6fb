import type { Call } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import { and, Sql, sql } from "../sql.ts";
import { beyond, keyTexts, type Order, orderBy } from "./order.ts";
import type { Place } from "./token.ts";
import { type Conditions, matching } from "./where.ts";

/** Rows that are looked at along an index before it is given up: entries of the index alone, or whole rows. */
const WALK_ENTRIES = 10_000;
const WALK_ROWS = 2000;
/** So many rows are gathered without a try to walk. */
const FEW_ROWS = 2000;

/** What is wanted of a search: some rows from a place in an order on. */
export interface Wanted {
  readonly conditions: Conditions;
  readonly order: Order;
  readonly place: Place | undefined;
  readonly count: number;
}

/**
 * Statements to try one after the other until one answers enough rows; the last is always right. The planner knows nothing
 * of how many boxes meet, so it is not left to choose: a walk along the index that has the order finds what is frequent
 * after few rows; what is rare is gathered by the other indexes and sorted.
 */
export async function plansOf(db: Database, wanted: Wanted, call: Call): Promise<readonly Sql[]> {
  const { conditions, order } = wanted;
  if (!order.isIndexed) return [gather(wanted)];
  if (conditions.known.length > 0 && (await estimated(db, conditions, call)) <= FEW_ROWS) return [gather(wanted)];
  return [walk(wanted), gather(wanted)];
}

async function estimated(db: Database, { known, ranges }: Conditions, call: Call): Promise<number> {
  const { text, values } = sql`explain (format json) select from item where ${and([...known, ...ranges])}`;
  type Explained = { readonly "QUERY PLAN": readonly { readonly Plan: { readonly "Plan Rows": number } }[] };
  const [row] = await db.query<Explained>(text, values, call);
  return row?.["QUERY PLAN"][0]?.Plan["Plan Rows"] ?? 0;
}

function walk({ conditions, order, place, count }: Wanted): Sql {
  const { ranges, covered, boxes, known, others } = conditions;
  const by = orderBy(order, place?.isBackwards ?? false);
  const start = from(ranges, order, place);
  const decided = [...covered, ...boxes];
  const isByEntries = boxes.length > 0 || covered.length > 1;
  const rows = Math.max(isByEntries ? WALK_ENTRIES : WALK_ROWS, 2 * count);
  if (!isByEntries) {
    return sql`
      select body, properties, etag, updated, ${keyTexts(order)} as keys
      from (select * from item where ${start} order by ${by} limit ${rows}) as item
      where ${and([...covered, ...known, ...others])} order by ${by} limit ${count}`;
  }
  return sql`
    select body, properties, etag, updated, ${keyTexts(order)} as keys
    from (
      select id, collection, datetime
      from (select id, collection, datetime, place, span from item where ${start} order by ${by} limit ${rows}) as entry
      where ${and(decided)} order by ${by}
    ) as met cross join lateral (
      select body, properties, etag, updated from item
      where item.id = met.id and item.collection = met.collection and ${and([...known, ...others])} offset 0
    ) as item
    order by ${by} limit ${count}`;
}

/** `offset 0` hides the order from the inner plan, which would walk it to the end. */
function gather({ conditions, order, place, count }: Wanted): Sql {
  const by = orderBy(order, place?.isBackwards ?? false);
  const properties = new Sql(order.keys.some(({ type }) => type === "jsonb") ? "properties" : "null::jsonb");
  return sql`
    select body, item.properties, etag, updated, ${keyTexts(order)} as keys
    from (
      select id, collection from (
        select id, collection, datetime, ${properties} as properties
        from item where ${and([from([], order, place), matching(conditions)])} offset 0
      ) as matching order by ${by} limit ${count}
    ) as page join item using (id, collection)
    order by ${by}`;
}

function from(ranges: readonly Sql[], order: Order, place: Place | undefined): Sql {
  return and(place === undefined ? ranges : [...ranges, beyond(order, place.keys, place.isBackwards)]);
}
