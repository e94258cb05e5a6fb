import { createHash } from "node:crypto";
import type { Call } from "../core/principal.ts";
import type { StacCollection, StacItem } from "../core/stac.ts";
import type { Database } from "../db/database.ts";
import type { Page, Search, Stored } from "./catalog.ts";
import { derivedCollection, EXTENT, type ExtentRow, extentOfRow } from "./collection-row.ts";
import { createMatcher, type Matcher } from "./cql2/matcher.ts";
import { beyond, keyTexts, orderBy, orderOf } from "./search/order.ts";
import { readToken, writeToken } from "./search/token.ts";
import { conditionsOf, matching } from "./search/where.ts";
import { and, Sql, sql } from "./sql.ts";
import { visibleTo } from "./visible.ts";

interface Row extends ExtentRow {
  readonly id: string;
  readonly document: StacCollection | null;
  readonly etag: string;
  readonly updated: Date;
  readonly keys: readonly string[];
}

/** Collections with the columns of items that conditions and orders name. */
const AS_ITEMS = new Sql(`(
  select id, id as collection, coalesce(lower(span), '-infinity') as datetime, span, place, null::polygon[] as shape,
    null::polygon[] as holes, null::float8 as low, null::float8 as high, null::text[] as facets, words, readers, etag,
    updated, coalesce(document, '{}') as properties, sort_key(document -> 'eo:cloud_cover') as cloud_cover, document
  from collection
) as item`);

export async function findCollection(
  db: Database,
  id: string,
  call: Call,
): Promise<Stored<StacCollection> | undefined> {
  const { text, values } = sql`
    select id, document, etag, updated, ${new Sql(EXTENT)} from collection where id = ${id} and ${visibleTo(call.who)}`;
  const [row] = await db.query<Row>(text, values, call);
  return row && storedOf(row);
}

/** Collections that a search finds by their extent, words and own fields; by their ids unless it sorts otherwise. */
export async function searchCollections(
  db: Database,
  search: Search,
  call: Call,
): Promise<Page<Stored<StacCollection>>> {
  const conditions = conditionsOf(search, call.who, "collections");
  const { rest } = conditions;
  const order = orderOf({ sortby: search.sortby ?? [{ field: "id", direction: "asc" }] });
  const place = search.token === undefined ? undefined : readToken(order, search.token);
  const isBackwards = place?.isBackwards ?? false;
  const matches = matching(conditions);
  const here = place === undefined ? [] : [beyond(order, place.keys, isBackwards)];
  const limit = rest === undefined ? sql`limit ${search.limit + 1}` : new Sql("");
  const { text, values } = sql`
    select id, document, etag, updated, ${new Sql(EXTENT)}, ${keyTexts(order)} as keys
    from ${AS_ITEMS} where ${and([matches, ...here])} order by ${orderBy(order, isBackwards)} ${limit}`;
  using matcher = rest === undefined ? undefined : await createMatcher(rest);
  const all = await db.query<Row>(text, values, call);
  const some = matcher === undefined ? all : all.filter((row) => matcher.matches(asItem(row)));
  const rows = some.slice(0, search.limit);
  if (isBackwards) rows.reverse();
  const isMore = some.length > search.limit;
  const [first, last] = [rows[0], rows.at(-1)];
  const isNext = last !== undefined && (isMore || isBackwards);
  const isPrevious = first !== undefined && (isBackwards ? isMore : place !== undefined);
  const isWhole = matcher !== undefined && place === undefined;
  const counted = async (): Promise<number> => (isWhole ? some.length : count(db, matches, matcher, call));
  const matched = search.isCounted === false ? undefined : await counted();
  return {
    entries: rows.map(storedOf),
    ...(matched === undefined ? {} : { matched }),
    ...(isNext ? { next: writeToken(order, { keys: last.keys, isBackwards: false }) } : {}),
    ...(isPrevious ? { previous: writeToken(order, { keys: first.keys, isBackwards: true }) } : {}),
  };
}

async function count(db: Database, matches: Sql, matcher: Matcher | undefined, call: Call): Promise<number> {
  if (matcher !== undefined) {
    const { text, values } = sql`
      select id, document, etag, updated, ${new Sql(EXTENT)} from ${AS_ITEMS} where ${matches}`;
    return (await db.query<Row>(text, values, call)).filter((row) => matcher.matches(asItem(row))).length;
  }
  const { text, values } = sql`select count(*) as matched from ${AS_ITEMS} where ${matches}`;
  const [row] = await db.query<{ matched: number }>(text, values, call);
  return row?.matched ?? 0;
}

function storedOf(row: Row): Stored<StacCollection> {
  const document = documentOf(row);
  // One that is made of its items changes with them, and no event of its own says so.
  const etag = row.document === null ? digestOf(document) : row.etag;
  return { document, etag, updated: row.updated };
}

function digestOf(document: StacCollection): string {
  return createHash("sha256").update(JSON.stringify(document)).digest("base64url").slice(0, 22);
}

function documentOf(row: Row): StacCollection {
  return row.document ?? derivedCollection(row.id, extentOfRow(row));
}

/** A collection as filters read it: its fields are the properties, its box is the geometry. */
function asItem(row: Row): StacItem {
  const { west, south, east, north, id } = row;
  const ring = [west, east, east, west, west].map((x, i) => [x as number, i < 2 || i === 4 ? south : north]);
  const geometry = west === null ? null : ({ type: "Polygon", coordinates: [ring] } as const);
  const properties = { datetime: null, ...documentOf(row) } as unknown as StacItem["properties"];
  return { type: "Feature", stac_version: "1.1.0", id, geometry, properties, links: [], assets: {} };
}
