import type { Call } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import { and, type Sql, sql } from "../sql.ts";
import { gather, gatherAll, gatherCandidates } from "./gather.ts";
import type { Order } from "./order.ts";
import type { Place } from "./token.ts";
import { walk, walkEntries, walkGroups } from "./walk.ts";
import type { Conditions } from "./where.ts";

/** What is wanted of a search: some rows from a place in an order on. */
export interface Wanted {
  readonly conditions: Conditions;
  readonly order: Order;
  readonly place: Place | undefined;
  readonly count: number;
}

/** A statement that may answer all that is wanted. */
export interface Plan {
  readonly statement: Sql;
  /** It looks at so many at most, and tells how many there were as `met`: with fewer its answer is whole. */
  readonly most?: number;
  /** Whether these are what matches. */
  readonly isCount?: boolean;
}

/** Rows that are looked at along an index before it is given up: entries of the index alone, or whole rows. */
const WALK_ENTRIES = 10_000;
const WALK_ROWS = 2000;
/** Of a first walk, for each row that is wanted. */
const FIRST_ENTRIES = 20;
/** Items are denser where people look than over the whole world, by about this. */
const LAND = 3;
/** So many are gathered by an area without knowing how many there are. */
const MOST_GATHERED = 10_000;
/** So many rows are gathered without a try to walk; more where an area leaves still fewer of them. */
const FEW_ROWS = 2000;
const FEW_ROWS_OF_AREA = 10_000;

/**
 * Plans to try one after the other until one answers all that is wanted; the last always does. The planner knows nothing of
 * how many boxes meet, so it is not left to choose: what is rare is gathered by its index and sorted; what is frequent is
 * found after few entries of the index that has the order.
 */
export async function plansOf(db: Database, wanted: Wanted, call: Call): Promise<readonly Plan[]> {
  const { conditions } = wanted;
  const { area, known, others } = conditions;
  const along: readonly Plan[] = [...walks(wanted), { statement: gatherAll(wanted) }];
  if (known.length > 0) {
    const few = area === undefined ? FEW_ROWS : FEW_ROWS_OF_AREA;
    const isFew = conditions.isNamed || (await estimated(db, conditions, call)) <= few;
    return isFew ? [{ statement: gather(wanted), most: Infinity, isCount: true }] : along;
  }
  if (area === undefined || isHopeful(wanted)) return along;
  const some: Plan =
    area.isBox && others.length === 0
      ? { statement: gather(wanted, MOST_GATHERED), most: MOST_GATHERED, isCount: true }
      : { statement: gatherCandidates(wanted, area, MOST_GATHERED), most: MOST_GATHERED };
  return [some, ...along];
}

async function estimated(db: Database, { known, ranges }: Conditions, call: Call): Promise<number> {
  const { text, values } = sql`explain (format json) select from item where ${and([...known, ...ranges])}`;
  type Explained = { readonly "QUERY PLAN": readonly { readonly Plan: { readonly "Plan Rows": number } }[] };
  const [row] = await db.query<Explained>(text, values, call);
  return row?.["QUERY PLAN"][0]?.Plan["Plan Rows"] ?? 0;
}

/** Whether a short walk finds enough, as far as the size of an area tells. */
function isHopeful({ conditions: { area } }: Wanted): boolean {
  return area === undefined || FIRST_ENTRIES * area.share * LAND > 1 / 4;
}

/** Along the index that has the order, if one has. */
function walks(wanted: Wanted): readonly Plan[] {
  const { conditions, order, count } = wanted;
  if (order.index === undefined) return [];
  const { area, covered } = conditions;
  const isOfEntries = order.index !== "id" && (area !== undefined || (order.index === "time" && covered.length > 1));
  const most = Math.max(isOfEntries ? WALK_ENTRIES : WALK_ROWS, 2 * count);
  if (order.index !== "datetime") return [{ statement: (isOfEntries ? walkEntries : walk)(wanted, most) }];
  const short = FIRST_ENTRIES * count;
  const lengths = short < most && isHopeful(wanted) ? [short, most] : [most];
  return lengths.map((length) => ({ statement: walkGroups(wanted, length) }));
}
