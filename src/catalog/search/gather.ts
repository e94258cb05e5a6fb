import { Sql, sql } from "../sql.ts";
import type { Area } from "./area.ts";
import { beyond, orderByNamed, sortedColumns } from "./order.ts";
import type { Wanted } from "./plan.ts";
import { answered } from "./row.ts";
import { candidates, matchingItems, needingRow } from "./where.ts";

/** All that match, sorted. `offset 0` hides the order from the inner plan, which would walk it to the end. */
export function gatherAll(wanted: Wanted): Sql {
  const { conditions, order, place, count } = wanted;
  const { columns, by } = answered(order, place);
  const byNamed = orderByNamed(order, place?.isBackwards ?? false);
  return sql`
    select ${columns}
    from (
      select id, collection from (
        select * from ${matchingItems(conditions, sortedColumns(order), behind(wanted))} offset 0
      ) as met order by ${byNamed} limit ${count}
    ) as page join item using (id, collection)
    order by ${by}`;
}

/** Those that match, `most` of them, sorted; and how many they are: a row without a body where there are none. */
export function gather(wanted: Wanted, most?: number): Sql {
  const { conditions, order, place, count } = wanted;
  const { columns, by } = answered(order, place);
  const byNamed = orderByNamed(order, place?.isBackwards ?? false);
  return sql`
    with met as materialized (
      select * from ${matchingItems(conditions, sortedColumns(order), behind(wanted))} ${limit(most)}
    )
    select ${columns}, met
    from (select count(*) as met from met) as counted left join (
      select id, collection from met order by ${byNamed} limit ${count}
    ) as page on true left join item using (id, collection)
    order by ${by}`;
}

/**
 * `most` of those whose boxes meet, sorted, and then looked at until there are enough: for what an index does not decide, or
 * not for nothing. How many there were to look at is told as `gather` tells it.
 */
export function gatherCandidates(wanted: Wanted, area: Area, most: number): Sql {
  const { conditions, order, place, count } = wanted;
  const { columns, by } = answered(order, place);
  const byNamed = orderByNamed(order, place?.isBackwards ?? false);
  return sql`
    with met as materialized (
      select * from ${candidates(conditions, area, sortedColumns(order), behind(wanted))} limit ${most}
    )
    select ${columns}, met
    from (select count(*) as met from met) as counted left join (
      select item.* from (select id, collection from met order by ${byNamed}) as met cross join lateral (
        select * from item where item.id = met.id and item.collection = met.collection and ${needingRow(conditions)} offset 0
      ) as item limit ${count}
    ) as item on true
    order by ${by}`;
}

function behind({ order, place }: Wanted): readonly Sql[] {
  return place === undefined ? [] : [beyond(order, place.keys, place.isBackwards)];
}

function limit(most: number | undefined): Sql {
  return most === undefined ? new Sql("") : sql`limit ${most}`;
}
