import type { Call } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import { sqlState } from "../../db/failure.ts";
import { GyreError } from "../../errors.ts";
import type { Aggregation, AggregationResult, Search } from "../catalog.ts";
import { frequenciesOf, type Summaries } from "../queryables.ts";
import { Sql, sql } from "../sql.ts";
import { visibleTo } from "../visible.ts";
import { CANCELED, countMatches, isOfCollections } from "./count.ts";
import { type Grid, geohashGrid, geotileGrid } from "./grid.ts";
import { streamItems } from "./stream.ts";
import { conditionsOf, matchingItems } from "./where.ts";

/** Buckets of one answer; the rest is told as its overflow. */
const MOST_BUCKETS = 1000;
const MOST_AGGREGATIONS = 20;
const SECONDS = 20;
/** PostgreSQL's own default. */
const WORKERS = 2;
/** Items that the process decides on, for a filter that SQL cannot. */
const MOST_DECIDED = 100_000;
const GRID = /^(?:grid_(geohash|geotile)|centroid_(geohash|geotile)_grid)_frequency$/;
const FREQUENCY = /^(.{1,200})_frequency$/s;

type Bucket = NonNullable<AggregationResult["buckets"]>[number];

/** How many items match, and how they are spread. Grids count the middle of each item's box. */
export async function aggregateItems(
  db: Database,
  search: Search,
  aggregations: readonly Aggregation[],
  call: Call,
): Promise<readonly AggregationResult[]> {
  if (aggregations.length > MOST_AGGREGATIONS) {
    throw new GyreError("BadRequest", `${MOST_AGGREGATIONS} aggregations at most`, { subject: "aggregations" });
  }
  const conditions = conditionsOf(search, call.who);
  const plans = aggregations.map((aggregation) => planOf(aggregation));
  try {
    return await db.transaction(
      async (tx) => {
        // What may read everything may have help, other than short statements (src/db/postgres.ts).
        await tx.query(
          `set local statement_timeout = ${SECONDS * 1000}; set local max_parallel_workers_per_gather = ${WORKERS}`,
        );
        const matches =
          conditions.rest === undefined ? matchingItems(conditions) : await decidedItems(tx, search, call);
        const results: AggregationResult[] = [];
        for (const plan of plans) results.push(await plan(tx, matches, search, call));
        return results;
      },
      { readOnly: true, isolation: "repeatable read" },
    );
  } catch (error) {
    call.signal?.throwIfAborted();
    if (sqlState(error) !== CANCELED) throw error;
    throw tooLong(error);
  }
}

/** Items that the process decides on, as far as there is time: a table of that name. */
async function decidedItems(tx: Database, search: Search, call: Call): Promise<Sql> {
  const ids: string[] = [];
  const collections: (string | undefined)[] = [];
  const end = performance.now() + SECONDS * 1000;
  for await (const batch of streamItems(tx, search, call)) {
    for (const { document } of batch) {
      ids.push(document.id);
      collections.push(document.collection);
    }
    if (performance.now() > end) throw tooLong();
    if (ids.length > MOST_DECIDED) {
      throw new GyreError(
        "TooLarge",
        `aggregation with a spatial filter takes ${MOST_DECIDED} items: narrow the search`,
      );
    }
  }
  return sql`(
    select item.* from item join unnest(${ids}::text[], ${collections}::text[]) as met(id, collection)
      using (id, collection)) item`;
}

function tooLong(cause?: unknown): GyreError {
  return new GyreError("TooLarge", `aggregation takes longer than ${SECONDS} s: narrow the search`, { cause });
}

type Plan = (tx: Database, matches: Sql, search: Search, call: Call) => Promise<AggregationResult>;

function planOf({ name, interval = "month", precision }: Aggregation): Plan {
  if (name === "total_count") {
    return async (tx, _, search, call) => {
      return { name, data_type: "integer", value: (await countMatches(tx, search, call, SECONDS * 1000)) ?? null };
    };
  }
  if (name === "datetime_min") return extreme(name, "min");
  if (name === "datetime_max") return extreme(name, "max");
  if (name === "datetime_frequency") return times(name, interval);
  const grid = GRID.exec(name);
  if (grid !== null)
    return cells(name, (grid[1] ?? grid[2]) === "geohash" ? geohashGrid(precision) : geotileGrid(precision));
  const property = FREQUENCY.exec(name)?.[1];
  if (property !== undefined && !/_geohex(_grid)?$/.test(property)) return values(name, property);
  throw new GyreError("BadRequest", `there is no aggregation ${name.slice(0, 200)}`, {
    subject: "aggregations",
    allowed: [
      ...["total_count", "datetime_min", "datetime_max", "datetime_frequency", "{property}_frequency"],
      ...["collection_frequency", "grid_geohash_frequency", "grid_geotile_frequency"],
    ],
  });
}

function extreme(name: string, which: "min" | "max"): Plan {
  return async (tx, matches, _, call) => {
    const { text, values } = sql`
      select ${new Sql(which)}(datetime) as value from ${matches} where datetime > '-infinity'`;
    const [row] = await tx.query<{ value: Date | null }>(text, values, call);
    return { name, data_type: "datetime", value: row?.value?.toISOString() ?? null };
  };
}

function times(name: string, interval: "day" | "month" | "year"): Plan {
  return async (tx, matches, _, call) => {
    const { text, values } = sql`
      select start, start + ${`1 ${interval}`}::interval as "end", frequency, total from (
        select date_trunc(${interval}, datetime) as start, count(*) as frequency, sum(count(*)) over () as total
        from ${matches} where datetime > '-infinity' group by 1 order by 1 limit ${MOST_BUCKETS}
      ) counted`;
    const rows = await tx.query<Counted & { start: Date; end: Date }>(text, values, call);
    return distribution(name, rows, ({ start, end }) => {
      return { key: start.toISOString(), data_type: "datetime", from: start.toISOString(), to: end.toISOString() };
    });
  };
}

/** An array counts once for each of its members. */
function values(name: string, property: string): Plan {
  const each =
    property === "collection"
      ? new Sql("cross join lateral (select collection as value) v")
      : sql`cross join lateral (
          select value #>> '{}' as value from jsonb_array_elements(
            case jsonb_typeof(properties -> ${property}) when 'array' then properties -> ${property}
              when 'object' then '[]' else jsonb_build_array(properties -> ${property}) end
          ) as value
        ) v`;
  return async (tx, matches, search, call) => {
    const counted = isOfCollections(search) ? await frequencies(tx, property, search, call) : undefined;
    if (counted !== undefined) return counts(name, counted);
    const { text, values } = sql`
      select left(value, 1000) collate "C" as key, count(*) as frequency, sum(count(*)) over () as total
      from ${matches} ${each} where value is not null group by 1 order by 2 desc, 1 limit ${MOST_BUCKETS}`;
    const rows = await tx.query<Counted & { key: string }>(text, values, call);
    return distribution(name, rows, ({ key }) => ({ key, data_type: "string" }));
  };
}

/** What the collections have counted already. */
async function frequencies(
  tx: Database,
  property: string,
  { collections }: Search,
  call: Call,
): Promise<ReadonlyMap<string, number> | undefined> {
  const wanted = collections ?? null;
  const { text, values } = sql`
    select id, items, queryables from collection
    where ${visibleTo(call.who)} and (${wanted}::text[] is null or id = any(${wanted}))`;
  const rows = await tx.query<{ id: string; items: number; queryables: Summaries }>(text, values, call);
  if (property === "collection")
    return new Map(rows.filter(({ items }) => items > 0).map(({ id, items }) => [id, items]));
  return frequenciesOf(
    rows.map(({ queryables }) => queryables),
    property,
  );
}

function counts(name: string, found: ReadonlyMap<string, number>): AggregationResult {
  const sorted = [...found].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const total = sorted.reduce((sum, [, frequency]) => sum + frequency, 0);
  const rows = sorted.slice(0, MOST_BUCKETS).map(([key, frequency]) => ({ key, frequency, total }));
  return distribution(name, rows, ({ key }) => ({ key, data_type: "string" }));
}

function cells(name: string, grid: Grid): Plan {
  return async (tx, matches, _, call) => {
    const { text, values } = sql`
      select ${grid.column} as "column", ${grid.row} as "row", count(*) as frequency, sum(count(*)) over () as total
      from (
        select case when x > 180 then x - 360 else x end as x, y
        from (select (center(place))[0] as x, (center(place))[1] as y from ${matches} where place is not null) m
      ) middle group by 1, 2 order by 3 desc, 1, 2 limit ${MOST_BUCKETS}`;
    const rows = await tx.query<Counted & { column: number; row: number }>(text, values, call);
    return distribution(name, rows, ({ column, row }) => ({ key: grid.keyOf(column, row), data_type: "string" }));
  };
}

interface Counted {
  readonly frequency: number;
  /** Of all buckets, also of those that are left out. */
  readonly total: number;
}

function distribution<Row extends Counted>(
  name: string,
  rows: readonly Row[],
  bucketOf: (row: Row) => Omit<Bucket, "frequency">,
): AggregationResult {
  const buckets = rows.map((row) => ({ ...bucketOf(row), frequency: row.frequency }));
  const shown = buckets.reduce((sum, { frequency }) => sum + frequency, 0);
  return { name, data_type: "frequency_distribution", buckets, overflow: (rows[0]?.total ?? 0) - shown };
}
