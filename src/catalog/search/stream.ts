import type { Call } from "../../core/principal.ts";
import type { Database } from "../../db/database.ts";
import type { Search, StoredItem } from "../catalog.ts";
import { createMatcher } from "../cql2/matcher.ts";
import { sql } from "../sql.ts";
import { ITEM_TEXTS, type ItemTexts, UnparsedItem } from "../stored-item.ts";
import { orderBy, orderOf } from "./order.ts";
import { conditionsOf, matchingItems } from "./where.ts";

/** Rows at once: documents have up to 4 MB each. */
const BATCH = 25;

/** All that matches, as it is at the beginning, through a cursor: sorted by the server, which spills to its disk. */
export async function* streamItems(db: Database, search: Search, call: Call): AsyncGenerator<readonly StoredItem[]> {
  const conditions = conditionsOf(search, call.who);
  const { rest } = conditions;
  const { text, values } = sql`
    select ${ITEM_TEXTS} from ${matchingItems(conditions)} order by ${orderBy(orderOf(search), false)}`;
  using matcher = rest === undefined ? undefined : await createMatcher(rest);
  for await (const rows of db.stream<ItemTexts>(text, values, { ...call, batch: BATCH })) {
    const batch = rows.map((row) => new UnparsedItem(row));
    yield matcher === undefined ? batch : batch.filter(({ document }) => matcher.matches(document));
  }
}
