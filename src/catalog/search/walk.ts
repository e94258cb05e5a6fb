import { and, Sql, sql } from "../sql.ts";
import { beyond, notBefore } from "./order.ts";
import type { Wanted } from "./plan.ts";
import { answered } from "./row.ts";
import { type Conditions, needingRow } from "./where.ts";

/** Whole rows along the index that has the order, `most` of them. */
export function walk(wanted: Wanted, most: number): Sql {
  const { conditions, order, place, count } = wanted;
  const { ranges } = conditions;
  const { columns, by } = answered(order, place);
  // A range that the index does not know would make it look at more rows than these.
  const known = order.index === "time" ? ranges : [];
  return sql`
    select ${columns}
    from (select * from item where ${from(wanted, known)} order by ${by} limit ${most}) as item
    where ${and([...ranges, ...conditions.covered, needingRow(conditions)])} order by ${by} limit ${count}`;
}

/** Entries of the index of time; rows are fetched only for those whose box and time meet. */
export function walkEntries(wanted: Wanted, most: number): Sql {
  const { conditions, order, place, count } = wanted;
  const { ranges, covered, area } = conditions;
  const { columns, by } = answered(order, place);
  return sql`
    select ${columns}
    from (
      select id, collection, datetime
      from (
        select id, collection, datetime, place, span from item where ${from(wanted, ranges)} order by ${by} limit ${most}
      ) as entry
      where ${and([...covered, ...(area ? [area.boxes] : [])])} order by ${by}
    ) as met ${rowsOfMet(conditions)}
    order by ${by} limit ${count}`;
}

/**
 * Entries by their time alone, and those of one time then by the rest of the order: the group that the end of the walk
 * may have cut is left out. Rows are fetched only for entries whose box and time meet, where there is an area.
 */
export function walkGroups(wanted: Wanted, most: number): Sql {
  const { conditions, order, place, count } = wanted;
  const { ranges, covered, area, others } = conditions;
  const isBackwards = place?.isBackwards ?? false;
  const { columns, by } = answered(order, place);
  const isFalling = (order.keys[0]?.isDescending ?? false) !== isBackwards;
  const [direction, last, inside] = (isFalling ? ["desc", "min", ">"] : ["asc", "max", "<"]).map(
    (word) => new Sql(word),
  );
  const start = place === undefined ? [] : [notBefore(order, place.keys, isBackwards)];
  const entries = new Sql(area === undefined ? "*" : "id, collection, datetime, place, span");
  const met = sql`
    from entry, edge where (cut is null or datetime ${inside} cut) and ${and([...covered, ...(area ? [area.boxes] : [])])}`;
  const rows =
    area === undefined
      ? sql`(select entry.* ${met} and ${and(others)} order by ${by} limit ${count}) as item`
      : sql`(select id, collection, datetime ${met} order by ${by}) as met ${rowsOfMet(conditions)}`;
  return sql`
    with entry as materialized (
      select ${entries} from item where ${from(wanted, [...ranges, ...start])} order by datetime ${direction} limit ${most}
    ), edge as materialized (
      select case when count(*) = ${most} then ${last}(datetime) end as cut from entry
    )
    select ${columns} from ${rows} order by ${by} limit ${count}`;
}

/** One after the other, as many as are wanted: `offset 0` keeps the planner from joining all of them first. */
function rowsOfMet(conditions: Conditions): Sql {
  return sql`cross join lateral (
      select body, properties, etag, updated, bytes from item
      where item.id = met.id and item.collection = met.collection and ${needingRow(conditions)} offset 0
    ) as item`;
}

function from({ order, place }: Wanted, ranges: readonly Sql[]): Sql {
  return and(place === undefined ? ranges : [...ranges, beyond(order, place.keys, place.isBackwards)]);
}
