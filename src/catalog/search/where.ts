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
  /** Boxes alone, of which the planner knows nothing. */
  readonly boxes: readonly Sql[];
  /** Of the world, that the smallest of them covers; 1 without any. */
  readonly share: number;
  /** Follow from the others, and are found by an index that has statistics. */
  readonly known: readonly Sql[];
  /** Need the row. */
  readonly others: readonly Sql[];
  /** What `others` come to for wide items. */
  readonly othersOfWide: readonly Sql[];
  /** What the rows that SQL finds must be asked besides, in the process. */
  readonly rest: Expression | undefined;
}

export function conditionsOf(search: Search, who: Principal, of: "items" | "collections" = "items"): Conditions {
  const { collections, ids, bbox, heights, intersects, datetime, filter, q } = search;
  const ranges: Sql[] = [];
  const covered = [of === "items" ? inVisible(who) : visibleTo(who)];
  // Of several an index knows no order.
  if (collections !== undefined) (collections.length === 1 ? ranges : covered).push(oneOf("collection", collections));
  // Sorted by their start, so none that starts later is met.
  if (datetime?.end !== undefined) ranges.push(sql`datetime <= ${timeText(datetime.end)}::timestamptz`);
  if (datetime !== undefined) covered.push(sql`span && ${spanText(datetime.start, datetime.end)}::tstzrange`);
  const areas: Area[] = [];
  if (bbox !== undefined) areas.push(boxArea(bbox));
  if (intersects !== undefined) areas.push(geometryArea(intersects));
  const known: Sql[] = [];
  const others: Sql[] = [];
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
    ...{ ranges, covered, known, rest },
    boxes: areas.map(({ boxes }) => boxes),
    share: Math.min(1, ...areas.map(({ share }) => share)),
    others: [...areas.map(({ exact }) => sql`${exact} is true`), ...others],
    othersOfWide: [...areas.map(({ exactOfBoxes }) => exactOfBoxes), ...others],
  };
}

/** All that rows must fulfil. Where another index has statistics it is the one to use: `is true` hides the boxes. */
export function matching({ ranges, covered, boxes, known, others }: Conditions): Sql {
  const usable = known.length === 0 ? boxes : boxes.map((box) => sql`${box} is true`);
  return and([...ranges, ...covered, ...usable, ...known, ...others]);
}

/**
 * An item that is a box as wide as a continent or the world meets every box that is asked for: those have an index of
 * their own (sql/node/0006), by collection and time, so that nobody who looks for others finds them first.
 */
const WIDE = new Sql("area(place) >= 5000 and shape is null");
const NEAR = new Sql("(area(place) < 5000 or shape is not null)");

/** Rows of `item` that match, as a table of that name: where boxes are asked for, in two parts, each by its index. */
export function matchingItems(conditions: Conditions, more: readonly Sql[] = []): Sql {
  const { ranges, covered, boxes, known, others, othersOfWide } = conditions;
  if (boxes.length === 0 || known.length > 0)
    return sql`(select * from item where ${and([...more, matching(conditions)])}) item`;
  return sql`(
    select * from item where ${and([...more, ...ranges, ...covered, NEAR, ...boxes, ...others])}
    union all
    select * from item where ${and([...more, ...ranges, ...covered, WIDE, ...boxes, ...othersOfWide])}) item`;
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
    const { text, values } = boxesMeet(unwrapped(...box));
    return text.replaceAll(/\$(\d+)/g, (_, n: string) => bind(values[Number(n) - 1]));
  },
};

/** An equality keeps the order of an index that begins with the column. */
function oneOf(column: "collection" | "id", values: readonly string[]): Sql {
  const name = new Sql(column);
  if (values.length === 0) return new Sql("false");
  return values.length === 1 ? sql`${name} = ${values[0]}` : sql`${name} = any(${values})`;
}
