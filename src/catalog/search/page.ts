import type { Call } from "../../core/principal.ts";
import type { StacItem } from "../../core/stac.ts";
import type { Database } from "../../db/database.ts";
import type { Page, Search, Stored } from "../catalog.ts";
import { createMatcher } from "../cql2/matcher.ts";
import { itemOf } from "../item-row.ts";
import { orderOf } from "./order.ts";
import { plansOf, type Wanted } from "./plan.ts";
import { readToken, writeToken } from "./token.ts";
import { conditionsOf } from "./where.ts";

/** An item with its place in the order of a search. */
export interface Found {
  readonly stored: Stored<StacItem>;
  readonly keys: readonly string[];
  readonly size: number;
}

interface Row {
  readonly body: object;
  readonly properties: object;
  readonly etag: string;
  readonly updated: Date;
  readonly size: number;
  readonly keys: readonly string[];
}

/** Rows that are read at once. */
const MOST_ROWS = 500;
/** Of one page, as stored; beyond it a page ends before its limit. Several times as much when it is unpacked. */
const MOST_BYTES = 8 * 1024 * 1024;

/** One page of a search, and the tokens of its neighbours. */
export async function searchPage(db: Database, search: Search, call: Call): Promise<Page<StacItem>> {
  const order = orderOf(search);
  const place = search.token === undefined ? undefined : readToken(order, search.token);
  const isBackwards = place?.isBackwards ?? false;
  const conditions = conditionsOf(search, call.who);
  const { found: some, isCut } = await find(db, { conditions, order, place, count: search.limit + 1 }, call);
  const found = isBackwards ? some.slice(0, search.limit).reverse() : some.slice(0, search.limit);
  const isMore = isCut || some.length > search.limit;
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

/** The next items from a place on, and whether they were cut short of what was wanted. */
async function find(
  db: Database,
  wanted: Wanted,
  call: Call,
): Promise<{ readonly found: readonly Found[]; readonly isCut: boolean }> {
  const { conditions, count } = wanted;
  using matcher = conditions.rest === undefined ? undefined : await createMatcher(conditions.rest);
  const found: Found[] = [];
  let bytes = 0;
  for (let { place } = wanted; ; ) {
    const most = matcher === undefined ? Math.min(MOST_ROWS, count - found.length) : MOST_ROWS;
    const rows = await findRows(db, { ...wanted, place, count: most }, call);
    const matching = matcher === undefined ? rows : rows.filter(({ stored }) => matcher.matches(stored.document));
    for (const one of matching) {
      found.push(one);
      bytes += one.size;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < most || found.length >= count) {
      return { found: found.slice(0, count), isCut: false };
    }
    if (bytes > MOST_BYTES) return { found, isCut: true };
    place = { keys: last.keys, isBackwards: wanted.place?.isBackwards ?? false };
  }
}

async function findRows(db: Database, wanted: Wanted, call: Call): Promise<readonly Found[]> {
  let found: readonly Found[] = [];
  for (const { text, values } of await plansOf(db, wanted, call)) {
    found = (await db.query<Row>(text, values, call)).map(foundOf);
    if (found.length === wanted.count) break;
  }
  return found;
}

function foundOf({ body, properties, etag, updated, keys, size }: Row): Found {
  return { stored: { document: itemOf(body, properties), etag, updated }, keys, size };
}
