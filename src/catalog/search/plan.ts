import type { Call } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import { and, Sql, sql } from "../sql.ts";
import { beyond, keyTexts, notBefore, type Order, orderBy } from "./order.ts";
import type { Place } from "./token.ts";
import { type Conditions, matchingItems } from "./where.ts";

/** Rows that are looked at along an index before it is given up: entries of the index alone, or whole rows. */
const WALK_ENTRIES = 10_000;
const WALK_ROWS = 2000;
/** Items are denser where people look than over the whole world, by about this. */
const LAND = 3;
/** Of a walk by groups, for each row that is wanted. */
const FIRST_ENTRIES = 20;
/** So many rows are gathered without a try to walk; more where a box leaves still fewer of them. */
const FEW_ROWS = 2000;
const FEW_ROWS_BESIDE_BOXES = 10_000;

/** As stored, so that nothing is unpacked to be measured. */
const SIZE = new Sql("pg_column_size(body)");

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
  if (order.index === undefined) return [gather(wanted)];
  const few = conditions.boxes.length > 0 ? FEW_ROWS_BESIDE_BOXES : FEW_ROWS;
  if (conditions.known.length > 0 && (await estimated(db, conditions, call)) <= few) return [gather(wanted)];
  if (order.index === "datetime") return [...walksByGroups(wanted), gather(wanted)];
  return [walk(wanted), gather(wanted)];
}

async function estimated(db: Database, { known, ranges }: Conditions, call: Call): Promise<number> {
  const { text, values } = sql`explain (format json) select from item where ${and([...known, ...ranges])}`;
  type Explained = { readonly "QUERY PLAN": readonly { readonly Plan: { readonly "Plan Rows": number } }[] };
  const [row] = await db.query<Explained>(text, values, call);
  return row?.["QUERY PLAN"][0]?.Plan["Plan Rows"] ?? 0;
}

function walk(wanted: Wanted): Sql {
  const { conditions, order, place, count } = wanted;
  const { covered, boxes, ranges } = conditions;
  if (order.index === "time" && (boxes.length > 0 || covered.length > 1)) return walkEntries(wanted);
  const by = orderBy(order, place?.isBackwards ?? false);
  // A range that the index does not know would make it look at more rows than these.
  const known = order.index === "time" ? ranges : [];
  return sql`
    select body, properties, etag, updated, ${SIZE} as size, ${keyTexts(order)} as keys
    from (
      select * from item where ${from(known, order, place)} order by ${by} limit ${Math.max(WALK_ROWS, 2 * count)}
    ) as item
    where ${and([...ranges, ...covered, ...conditions.others])} order by ${by} limit ${count}`;
}

/** Rows are fetched only for entries whose box and time meet. */
function walkEntries({ conditions, order, place, count }: Wanted): Sql {
  const { ranges, covered, boxes, others } = conditions;
  const by = orderBy(order, place?.isBackwards ?? false);
  return sql`
    select body, properties, etag, updated, ${SIZE} as size, ${keyTexts(order)} as keys
    from (
      select id, collection, datetime
      from (
        select id, collection, datetime, place, span from item where ${from(ranges, order, place)}
        order by ${by} limit ${Math.max(WALK_ENTRIES, 2 * count)}
      ) as entry
      where ${and([...covered, ...boxes])} order by ${by}
    ) as met cross join lateral (
      select body, properties, etag, updated from item
      where item.id = met.id and item.collection = met.collection and ${and(others)} offset 0
    ) as item
    order by ${by} limit ${count}`;
}

/** A short walk first, since nothing of one is known before its end; but in a small box it would find too few. */
function walksByGroups(wanted: Wanted): readonly Sql[] {
  const { conditions, count } = wanted;
  const most = conditions.boxes.length > 0 ? WALK_ENTRIES : WALK_ROWS;
  const [short, long] = [FIRST_ENTRIES * count, Math.max(most, 2 * count)];
  const isHopeful = short * conditions.share * LAND > count / 4;
  return short < long && isHopeful ? [walkGroups(wanted, short), walkGroups(wanted, long)] : [walkGroups(wanted, long)];
}

/**
 * Entries by their time alone, and those of one time then by the rest of the order: the group that the end of the walk
 * may have cut is left out. Rows are fetched only for entries whose box and time meet, where there is a box.
 */
function walkGroups({ conditions, order, place, count }: Wanted, entries: number): Sql {
  const { ranges, covered, boxes, others } = conditions;
  const isBackwards = place?.isBackwards ?? false;
  const by = orderBy(order, isBackwards);
  const isFalling = (order.keys[0]?.isDescending ?? false) !== isBackwards;
  const [direction, last, inside] = (isFalling ? ["desc", "min", ">"] : ["asc", "max", "<"]).map(
    (word) => new Sql(word),
  );
  const start = place === undefined ? [] : [notBefore(order, place.keys, isBackwards)];
  const columns = new Sql(boxes.length > 0 ? "id, collection, datetime, place, span" : "*");
  const met = sql`
    from entry, edge where (cut is null or datetime ${inside} cut) and ${and([...covered, ...boxes])}`;
  const rows =
    boxes.length > 0
      ? sql`(select id, collection, datetime ${met} order by ${by}) as met cross join lateral (
          select body, properties, etag, updated from item
          where item.id = met.id and item.collection = met.collection and ${and(others)} offset 0
        ) as item`
      : sql`(select entry.* ${met} and ${and(others)}) as item`;
  return sql`
    with entry as materialized (
      select ${columns} from item where ${from([...ranges, ...start], order, place)}
      order by datetime ${direction} limit ${entries}
    ), edge as materialized (
      select case when count(*) = ${entries} then ${last}(datetime) end as cut from entry
    )
    select body, properties, etag, updated, ${SIZE} as size, ${keyTexts(order)} as keys
    from ${rows} order by ${by} limit ${count}`;
}

/** `offset 0` hides the order from the inner plan, which would walk it to the end. */
function gather({ conditions, order, place, count }: Wanted): Sql {
  const by = orderBy(order, place?.isBackwards ?? false);
  const properties = new Sql(order.keys.some(({ type }) => type === "jsonb") ? "properties" : "null::jsonb");
  return sql`
    select body, item.properties, etag, updated, ${SIZE} as size, ${keyTexts(order)} as keys
    from (
      select id, collection from (
        select id, collection, datetime, ${properties} as properties
        from ${matchingItems(conditions, place === undefined ? [] : [beyond(order, place.keys, place.isBackwards)])} offset 0
      ) as matching order by ${by} limit ${count}
    ) as page join item using (id, collection)
    order by ${by}`;
}

function from(ranges: readonly Sql[], order: Order, place: Place | undefined): Sql {
  return and(place === undefined ? ranges : [...ranges, beyond(order, place.keys, place.isBackwards)]);
}
