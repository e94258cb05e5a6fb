import type { Principal } from "../../core/principal.ts";
import type { StacItem } from "../../core/stac.ts";
import type { Database } from "../../db/database.ts";
import type { Search } from "../catalog.ts";
import { createMatcher } from "../cql2/matcher.ts";
import { vectorOf } from "../facets.ts";
import { prepareItem } from "../item-row.ts";
import { conditionsOf, matching } from "../search/where.ts";
import { sql } from "../sql.ts";
import type { Change } from "./change.ts";
import type { NoticeKind } from "./subscription.ts";

/** Documents as rows, to be asked many questions. */
export interface Documents {
  readonly items: readonly StacItem[];
  /** As PostgreSQL reads them. */
  readonly rows: string;
}

export function documentsOf(items: readonly StacItem[]): Documents {
  const rows = items.map((item, n) => {
    const { row } = prepareItem(item);
    return { ...row, words: vectorOf(row.words), n, id: item.id, collection: item.collection, body: undefined };
  });
  return { items, rows: JSON.stringify(rows) };
}

/** Asks a search of documents that need not be stored: the very conditions that find rows of `item`. */
export async function matchesOf(
  tx: Database,
  { items, rows }: Documents,
  search: Search,
  who: Principal,
): Promise<ReadonlySet<StacItem>> {
  if (items.length === 0) return new Set();
  const conditions = conditionsOf(search, who);
  const { text, values } = sql`
    select n from (
      select n, id, collection, datetime, span, place, shape, holes, low, high, facets, words, properties
      from json_to_recordset(${rows}) as r(n int, id text, collection text, datetime timestamptz, span tstzrange,
        place box, shape polygon[], holes polygon[], low float8, high float8, facets text[], words tsvector,
        properties jsonb)
    ) as item where ${matching(conditions)}`;
  const found = (await tx.query<{ readonly n: number }>(text, values)).map(({ n }) => items[n] as StacItem);
  if (conditions.rest === undefined) return new Set(found);
  using matcher = await createMatcher(conditions.rest);
  return new Set(found.filter((item) => matcher.matches(item)));
}

/** What a change is to a search; undefined: none of its business. */
export function kindOf({ before, after }: Change, matches: ReadonlySet<StacItem>): NoticeKind | undefined {
  const [was, is] = [before, after].map((item) => item !== undefined && matches.has(item));
  if (is) return was ? "changed" : "entered";
  if (!was) return undefined;
  return after === undefined ? "deleted" : "left";
}
