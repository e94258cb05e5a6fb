import { GyreError } from "../../errors.ts";
import type { Search, SortKey } from "../catalog.ts";
import { and, joined, or, Sql, sql } from "../sql.ts";

/** One expression that rows are sorted by. */
interface Key {
  readonly sql: Sql;
  /** The same of what `sortedColumns` name, null where it is: there one key of two is enough. */
  readonly named?: Sql;
  readonly type: "text" | "timestamptz" | "jsonb" | "boolean";
  readonly isDescending: boolean;
}

/** How rows are sorted, without ties: collection and id come last. */
export interface Order {
  readonly keys: readonly Key[];
  /** Of properties, that keys are made of. */
  readonly values: readonly Sql[];
  /** Names an order, so that a place in one is not taken for a place in another. */
  readonly name: string;
  /** The index that has it, if one has: those of time, or the primary key. `datetime`: those of time but for ties. */
  readonly index: "time" | "id" | "datetime" | undefined;
}

const MOST_KEYS = 8;
const LONGEST_FIELD = 200;
const COLUMNS = { id: "text", collection: "text", datetime: "timestamptz" } as const;
/** Properties whose `sort_key` has a column. */
const SORT_COLUMNS: ReadonlyMap<string, string> = new Map([["eo:cloud_cover", "cloud_cover"]]);

/** Newest first unless told otherwise. Rows without a property come last in both directions. */
export function orderOf({ sortby = [], collections }: Pick<Search, "sortby" | "collections">): Order {
  if (sortby.length > MOST_KEYS || sortby.some(({ field }) => field.length > LONGEST_FIELD)) {
    const most = `${MOST_KEYS} fields of ${LONGEST_FIELD} characters`;
    throw new GyreError("BadRequest", `sortby takes ${most} at most`, { subject: "sortby" });
  }
  const wanted: readonly SortKey[] = sortby.length === 0 ? [{ field: "datetime", direction: "desc" }] : sortby;
  const isDescending = wanted.at(-1)?.direction === "desc";
  const named = new Set<string>();
  const all = [...wanted, tie("collection", isDescending), tie("id", isDescending)].filter(({ field }) => {
    const isFirst = !named.has(field);
    named.add(field);
    return isFirst;
  });
  const names = all.map(({ field, direction }) => `${direction === "desc" ? "-" : "+"}${field}`);
  const values: Sql[] = [];
  const keys = all.flatMap((key) => keysOf(key, values));
  return { keys, values, name: names.join(), index: indexOf(all, collections?.length === 1) };
}

/** `order by` of an order, or of the way back. */
export function orderBy({ keys }: Order, isBackwards: boolean): Sql {
  return joined(
    keys.map((key) => sql`${key.sql} ${direction(key, isBackwards)}`),
    ", ",
  );
}

/** What rows are sorted by, once each: columns of a subquery whose rows `orderByNamed` sorts. */
export function sortedColumns({ values }: Order): Sql {
  return joined(
    [new Sql("id, collection, datetime"), ...values.map((value, i) => sql`${value} as ${nameOf(i)}`)],
    ", ",
  );
}

export function orderByNamed({ keys }: Order, isBackwards: boolean): Sql {
  const nulls = new Sql(isBackwards ? "nulls first" : "nulls last");
  return joined(
    keys.flatMap((key) => (key.named ? [sql`${key.named} ${direction(key, isBackwards)} ${nulls}`] : [])),
    ", ",
  );
}

function direction({ isDescending }: Key, isBackwards: boolean): Sql {
  return new Sql(isDescending === isBackwards ? "asc" : "desc");
}

/** The values of a row's keys as text that reads back as the same value. */
export function keyTexts({ keys }: Order): Sql {
  return sql`array[${joined(
    keys.map(({ sql: key }) => sql`(${key})::text`),
    ", ",
  )}]`;
}

/** Rows behind a place in the order, or before it. */
export function beyond({ keys }: Order, place: readonly string[], isBackwards: boolean): Sql {
  const values = keys.map(({ type }, i) => sql`${place[i]}::${new Sql(type)}`);
  const sign = (key: Key): Sql => new Sql(key.isDescending === isBackwards ? ">" : "<");
  const first = keys[0] as Key;
  if (keys.every((key) => key.isDescending === first.isDescending)) {
    const names = joined(
      keys.map((key) => key.sql),
      ", ",
    );
    return sql`(${names}) ${sign(first)} (${joined(values, ", ")})`;
  }
  return or(
    keys.map((key, i) => {
      const same = keys.slice(0, i).map((before, j) => sql`${before.sql} = ${values[j]}`);
      return sql`(${and([...same, sql`${key.sql} ${sign(key)} ${values[i]}`])})`;
    }),
  );
}

/** Behind a place, or before it, in the order of the first key alone: what an index can begin at. */
export function notBefore({ keys }: Order, place: readonly string[], isBackwards: boolean): Sql {
  const { sql: key, type, isDescending } = keys[0] as Key;
  return sql`${key} ${new Sql(isDescending === isBackwards ? ">=" : "<=")} ${place[0]}::${new Sql(type)}`;
}

function tie(field: string, isDescending: boolean): SortKey {
  return { field, direction: isDescending ? "desc" : "asc" };
}

/** How two values of a property are ordered (sql/node/0001). */
function sortKey(field: string): Sql {
  const column = SORT_COLUMNS.get(field);
  return column === undefined ? sql`sort_key(properties -> ${field}::text)` : new Sql(column);
}

function nameOf(value: number): Sql {
  return new Sql(`sort_${value}`);
}

function keysOf({ field, direction }: SortKey, values: Sql[]): Key[] {
  const isDescending = direction === "desc";
  if (Object.hasOwn(COLUMNS, field)) {
    const column = new Sql(field);
    return [{ sql: column, named: column, type: COLUMNS[field as keyof typeof COLUMNS], isDescending }];
  }
  const value = sortKey(field);
  const name = nameOf(values.push(value) - 1);
  return [
    { sql: sql`(${value} is null)`, type: "boolean", isDescending: false },
    { sql: sql`coalesce(${value}, 'null'::jsonb)`, named: name, type: "jsonb", isDescending },
  ];
}

function indexOf(all: readonly SortKey[], isOneCollection: boolean): Order["index"] {
  const isAllAlike = all.every(({ direction }) => direction === all[0]?.direction);
  const fields = all.map(({ field }) => field).join();
  const ofOne = ["collection,datetime,id", "datetime,id,collection"];
  if (isAllAlike && (fields === "datetime,collection,id" || (isOneCollection && ofOne.includes(fields)))) return "time";
  if (isAllAlike && fields === "id,collection") return "id";
  return all[0]?.field === "datetime" && all.every(({ field }) => Object.hasOwn(COLUMNS, field))
    ? "datetime"
    : undefined;
}
