import type { Call } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import type { Page, Search, StoredItem } from "../catalog.ts";
import { createMatcher } from "../cql2/matcher.ts";
import { UnparsedItem } from "../stored-item.ts";
import { orderOf } from "./order.ts";
import { plansOf, type Wanted } from "./plan.ts";
import { MOST_BYTES, type Row } from "./row.ts";
import { readToken, writeToken } from "./token.ts";
import { conditionsOf } from "./where.ts";

/** An item with its place in the order of a search. */
export interface Found {
  readonly stored: StoredItem;
  readonly keys: readonly string[];
  readonly bytes: number;
}

/** Rows that are read at once. */
const MOST_ROWS = 500;

/** What was found of what is wanted. */
interface Finding {
  readonly found: readonly Found[];
  /** Short of what is wanted, though there is more. */
  readonly isCut: boolean;
  /** How many match from the place on, where the plan counted them. */
  readonly met?: number;
}

/** One page of a search, the tokens of its neighbours, and how many match where finding them told. */
export async function searchPage(db: Database, search: Search, call: Call): Promise<Page<StoredItem>> {
  const order = orderOf(search);
  const place = search.token === undefined ? undefined : readToken(order, search.token);
  const isBackwards = place?.isBackwards ?? false;
  const conditions = conditionsOf(search, call.who);
  const { found: some, isCut, met } = await find(db, { conditions, order, place, count: search.limit + 1 }, call);
  const found = isBackwards ? some.slice(0, search.limit).reverse() : some.slice(0, search.limit);
  const isMore = isCut || some.length > search.limit;
  const token = (row: Found | undefined, before: boolean): string | undefined =>
    row === undefined ? undefined : writeToken(order, { keys: row.keys, isBackwards: before });
  const next = isMore || isBackwards ? token(found.at(-1), false) : undefined;
  const previous = isBackwards ? isMore : place !== undefined;
  const before = previous ? token(found[0], true) : undefined;
  return {
    entries: found.map(({ stored }) => stored),
    ...(met === undefined || place !== undefined ? {} : { matched: met }),
    ...(next === undefined ? {} : { next }),
    ...(before === undefined ? {} : { previous: before }),
  };
}

/** The next items from a place on. */
async function find(db: Database, wanted: Wanted, call: Call): Promise<Finding> {
  const { conditions, count } = wanted;
  using matcher = conditions.rest === undefined ? undefined : await createMatcher(conditions.rest);
  const found: Found[] = [];
  let bytes = 0;
  let counted: { readonly met?: number } | undefined;
  for (let { place } = wanted; ; ) {
    const most = matcher === undefined ? Math.min(MOST_ROWS, count - found.length) : MOST_ROWS;
    const { found: rows, isCut, ...told } = await findRows(db, { ...wanted, place, count: most }, call);
    // Of candidates, and behind later places, it is another number.
    counted ??= matcher === undefined ? told : {};
    const matching = matcher === undefined ? rows : rows.filter(({ stored }) => matcher.matches(stored.document));
    for (const one of matching) {
      found.push(one);
      bytes += one.bytes;
    }
    const last = rows.at(-1);
    if (last === undefined || (rows.length < most && !isCut) || found.length >= count) {
      return { found: found.slice(0, count), isCut: false, ...counted };
    }
    if (bytes >= MOST_BYTES) return { found, isCut: true, ...counted };
    place = { keys: last.keys, isBackwards: wanted.place?.isBackwards ?? false };
  }
}

async function findRows(db: Database, wanted: Wanted, call: Call): Promise<Finding> {
  let finding: Finding = { found: [], isCut: false };
  for (const { statement, most, isCount = false } of await plansOf(db, wanted, call)) {
    const rows = await db.query<Row>(statement.text, statement.values, call);
    const found = rows.flatMap(foundOf);
    const { length } = rows.filter(({ etag }) => etag !== null);
    const met = rows[0]?.met;
    finding = { found, isCut: found.length < length, ...(isCount && met !== undefined ? { met } : {}) };
    if (most === undefined ? length === wanted.count : met !== undefined && met < most) return finding;
  }
  return finding;
}

function foundOf({ body, properties, etag, updated, keys, bytes }: Row): readonly Found[] {
  return body === null || etag === null
    ? []
    : [{ stored: new UnparsedItem({ body, properties, etag, updated }), keys, bytes }];
}
