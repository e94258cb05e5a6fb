import type { Principal } from "../../core/principal.ts";
import { GyreError } from "../../errors.ts";
import type { Search } from "../catalog.ts";
import type { Expression } from "../cql2/expression.ts";
import { type Columns, toSql } from "../cql2/sql.ts";
import { facet, wordsOf } from "../facets.ts";
import { unwrapped } from "../footprint.ts";
import { joined, Sql, sql } from "../sql.ts";
import { spanText, timeText } from "../times.ts";
import { visibleTo } from "../visible.ts";
import { boxesMeet, meetsBox, meetsGeometry } from "./area.ts";

/** The conditions of a search on rows of `item`. */
export interface Conditions {
  /** On what the orders by time and by collection know: these narrow a walk along an index. */
  readonly walked: readonly Sql[];
  readonly others: readonly Sql[];
  /** What the rows that SQL finds must be asked besides, in the process. */
  readonly rest: Expression | undefined;
}

export function conditionsOf(search: Search, who: Principal, of: "items" | "collections" = "items"): Conditions {
  const { collections, ids, bbox, heights, intersects, datetime, filter, q } = search;
  const others: Sql[] = [visibleTo(who)];
  const walked: Sql[] = [];
  if (collections !== undefined) walked.push(oneOf("collection", collections));
  if (ids !== undefined) others.push(oneOf("id", ids));
  if (bbox !== undefined) others.push(meetsBox(bbox));
  if (heights !== undefined) {
    // Whose height is not known may be anywhere.
    others.push(sql`(low is null or (low <= ${heights[1]} and high >= ${heights[0]}))`);
  }
  if (intersects !== undefined) others.push(meetsGeometry(intersects));
  if (datetime !== undefined) {
    others.push(sql`span && ${spanText(datetime.start, datetime.end)}::tstzrange`);
    // Sorted by their start, so none that starts later is met.
    if (datetime.end !== undefined) walked.push(sql`datetime <= ${timeText(datetime.end)}::timestamptz`);
  }
  if (q !== undefined) others.push(sql`words @@ ${wordsQuery(q)}`);
  const spatial = filter === undefined ? undefined : toSql(filter, of === "items" ? ITEM_COLUMNS : COLUMNS);
  if (spatial !== undefined) others.push(sql`(${spatial.condition})`);
  return { walked, others, rest: spatial?.isExact === false ? filter : undefined };
}

/** Any group of which all terms are there; a term of many words is a phrase. Throws BadRequest. */
export function wordsQuery(q: NonNullable<Search["q"]>): Sql {
  const groups = q.map((terms) => {
    const phrases = terms.map((term) => wordsOf(term).join(" ")).filter((phrase) => phrase !== "");
    return phrases.map((phrase) => sql`phraseto_tsquery('simple', ${phrase})`);
  });
  const usable = groups.filter((group) => group.length > 0).map((group) => sql`(${joined(group, " && ")})`);
  if (usable.length === 0) throw new GyreError("BadRequest", "q has no word to look for", { subject: "q" });
  return sql`(${joined(usable, " || ")})`;
}

const COLUMNS: Columns = {
  id: "id",
  collection: "collection",
  span: "span",
  properties: "properties",
  geometry: "place",
  meets(box, bind) {
    const { text, values } = boxesMeet(unwrapped(...box));
    return text.replaceAll(/\$(\d+)/g, (_, n: string) => bind(values[Number(n) - 1]));
  },
};

const ITEM_COLUMNS: Columns = {
  ...COLUMNS,
  has: (name, value, bind) => `facets @> array[${bind(facet(name, value))}]`,
};

/** An equality keeps the order of an index that begins with the column. */
function oneOf(column: "collection" | "id", values: readonly string[]): Sql {
  const name = new Sql(column);
  if (values.length === 0) return new Sql("false");
  return values.length === 1 ? sql`${name} = ${values[0]}` : sql`${name} = any(${values})`;
}
