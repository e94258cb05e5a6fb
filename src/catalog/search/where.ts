import type { Principal } from "../../core/principal.ts";
import { GyreError } from "../../errors.ts";
import type { Search } from "../catalog.ts";
import type { Expression } from "../cql2/expression.ts";
import { type Columns, toSql } from "../cql2/sql.ts";
import { wordsOf } from "../facets.ts";
import { unwrapped } from "../footprint.ts";
import { and, joined, Sql, sql } from "../sql.ts";
import { spanText, timeText } from "../times.ts";
import { inVisible, visibleTo } from "../visible.ts";
import { type Area, boxArea, boxesMeet, geometryArea } from "./area.ts";
import { facetsImplied } from "./implied.ts";

/** The conditions of a search on rows of `item`, by who can decide them. */
export interface Conditions {
  /** Narrow a walk along an index of time: one collection, and the end of the time. */
  readonly ranges: readonly Sql[];
  /** Decided by what those indexes hold besides. */
  readonly covered: readonly Sql[];
  /** Where they lie, of which the planner knows nothing. */
  readonly area: Area | undefined;
  /** Follow from the others, and are found by an index that has statistics. */
  readonly known: readonly Sql[];
  /** Whether these are ids. */
  readonly isNamed: boolean;
  /** Need the row. */
  readonly others: readonly Sql[];
  /** What the rows that SQL finds must be asked besides, in the process. */
  readonly rest: Expression | undefined;
}

export function conditionsOf(search: Search, who: Principal, of: "items" | "collections" = "items"): Conditions {
  const { collections, ids, bbox, heights, intersects, datetime, filter, q } = search;
  const ranges: Sql[] = [];
  const [one, ...more] = collections ?? [];
  const covered = [of === "items" ? inVisible(who, more.length === 0 ? one : undefined) : visibleTo(who)];
  // Of several an index knows no order.
  if (collections !== undefined) (collections.length === 1 ? ranges : covered).push(oneOf("collection", collections));
  // Sorted by their start, so none that starts later is met.
  if (datetime?.end !== undefined) ranges.push(sql`datetime <= ${timeText(datetime.end)}::timestamptz`);
  if (datetime !== undefined) covered.push(sql`span && ${spanText(datetime.start, datetime.end)}::tstzrange`);
  const known: Sql[] = [];
  const others: Sql[] = [];
  const within = bbox && boxArea(bbox);
  if (bbox !== undefined && within === undefined) covered.push(new Sql("place is not null"));
  const meeting = intersects && geometryArea(intersects);
  if (within !== undefined && meeting !== undefined) others.push(within.exact);
  if (ids !== undefined) known.push(oneOf("id", ids));
  if (q !== undefined) known.push(sql`words @@ ${wordsQuery(q)}`);
  others.push(...known);
  if (filter !== undefined && of === "items") known.push(...facetsImplied(filter));
  // Whose height is not known may be anywhere.
  if (heights !== undefined) others.push(sql`(low is null or (low <= ${heights[1]} and high >= ${heights[0]}))`);
  const filtered = filter === undefined ? undefined : toSql(filter, COLUMNS);
  if (filtered !== undefined) others.push(sql`(${filtered.condition})`);
  const rest = filtered?.isExact === false ? filter : undefined;
  return {
    ...{ ranges, covered, known, others, rest },
    isNamed: ids !== undefined,
    area: meeting ?? within,
  };
}

/** All that rows must fulfil. Where another index has statistics it is the one to use: `is true` hides the area. */
export function matching({ ranges, covered, area, known, others }: Conditions): Sql {
  const exact = area === undefined ? [] : [known.length === 0 ? area.exact : sql`${area.exact} is true`];
  return and([...ranges, ...covered, ...known, ...others, ...exact]);
}

/** What remains to be asked of a row whose box, time and collection meet. */
export function needingRow({ area, others }: Conditions): Sql {
  return and(area === undefined ? others : [area.exact, ...others]);
}

/** Rows of `item` that match, as a table of that name: where only an area finds them in parts, each by its index. */
export function matchingItems(conditions: Conditions, columns = new Sql("*"), more: readonly Sql[] = []): Sql {
  const { area, known, others } = conditions;
  if (area === undefined || known.length > 0)
    return sql`(select ${columns} from item where ${and([...more, matching(conditions)])}) item`;
  const { near, wide, boxes, exact } = area;
  return inParts(conditions, columns, [...more, ...others], {
    near: near.map((copy) => copy.exact),
    wide,
    intricate: and([boxes, exact]),
  });
}

/** Rows of `item` whose boxes, times and collections meet, by indexes alone; an area must be there. */
export function candidates(conditions: Conditions, { near, boxes }: Area, columns: Sql, more: readonly Sql[]): Sql {
  return inParts(conditions, columns, more, { near: near.map((copy) => copy.boxes), wide: boxes, intricate: boxes });
}

function inParts(
  { ranges, covered }: Conditions,
  columns: Sql,
  more: readonly Sql[],
  by: { readonly near: readonly Sql[]; readonly wide: Sql; readonly intricate: Sql },
): Sql {
  const part = (reach: keyof typeof by, condition: Sql): Sql => sql`
    select ${columns} from item
    where reach = ${new Sql(`'${reach}'`)} and ${and([...ranges, ...covered, condition, ...more])}`;
  // At each place of the area those that are at none before it.
  const near = by.near.map((here, i) => and([here, ...by.near.slice(0, i).map((before) => sql`not ${before}`)]));
  const parts = [...near.map((here) => part("near", here)), part("wide", by.wide), part("intricate", by.intricate)];
  return sql`(${joined(parts, " union all ")}) item`;
}

/** Any group of which all terms are there; a term of many words is a phrase. Throws BadRequest. */
function wordsQuery(q: NonNullable<Search["q"]>): Sql {
  const groups = q.map((terms) => {
    // Words are letters and digits, so that nothing in them is an operator.
    const phrases = terms.map((term) => wordsOf(term).join(" <-> ")).filter((phrase) => phrase !== "");
    return phrases.map((phrase) => sql`${phrase}::tsquery`);
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
    return boxesMeet(unwrapped(...box)).write(bind);
  },
};

/** An equality keeps the order of an index that begins with the column. */
function oneOf(column: "collection" | "id", values: readonly string[]): Sql {
  const name = new Sql(column);
  if (values.length === 0) return new Sql("false");
  return values.length === 1 ? sql`${name} = ${values[0]}` : sql`${name} = any(${values})`;
}
