import type { Call } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import { sqlState } from "../../db/failure.ts";
import type { Search } from "../catalog.ts";
import { sql } from "../sql.ts";
import { visibleTo } from "../visible.ts";
import { streamItems } from "./stream.ts";
import { type Conditions, conditionsOf, matchingItems } from "./where.ts";

/** SQLSTATE of a statement that took too long. */
export const CANCELED = "57014";

/** How many items match: exactly, or undefined where counting takes longer than `ms`. */
export async function countMatches(db: Database, search: Search, call: Call, ms: number): Promise<number | undefined> {
  const conditions = conditionsOf(search, call.who);
  if (isOfCollections(search)) return countOfCollections(db, search, call);
  if (conditions.rest !== undefined) return decided(db, search, call, ms);
  try {
    return await db.transaction(
      async (tx) => {
        await tx.query(`set local statement_timeout = ${Math.ceil(ms)}`);
        return counted(tx, conditions, call);
      },
      { readOnly: true },
    );
  } catch (error) {
    call.signal?.throwIfAborted();
    if (sqlState(error) === CANCELED) return undefined;
    throw error;
  }
}

/** Candidates that the process decides on, for as long as there is time. */
async function decided(db: Database, search: Search, call: Call, ms: number): Promise<number | undefined> {
  const end = performance.now() + ms;
  let matched = 0;
  for await (const batch of streamItems(db, search, call)) {
    if (performance.now() > end) return undefined;
    matched += batch.length;
  }
  return matched;
}

async function counted(db: Database, conditions: Conditions, call: Call): Promise<number> {
  const { text, values } = sql`select count(*) as matched from ${matchingItems(conditions)}`;
  const [row] = await db.query<{ matched: number }>(text, values, call);
  return row?.matched ?? 0;
}

/** Whether a search has no condition but on collections, which know much of their items. */
export function isOfCollections({ ids, bbox, heights, intersects, datetime, filter, q }: Search): boolean {
  return [ids, bbox, heights, intersects, datetime, filter, q].every((condition) => condition === undefined);
}

/** Collections know how many items they have. */
async function countOfCollections(db: Database, { collections }: Search, call: Call): Promise<number> {
  const { text, values } = sql`
    select coalesce(sum(items), 0) as matched from collection
    where ${visibleTo(call.who)} and (${collections ?? null}::text[] is null or id = any(${collections ?? null}))`;
  const [row] = await db.query<{ matched: number }>(text, values, call);
  return row?.matched ?? 0;
}
