import type { Call } from "../../core/principal.ts";
import type { StacItem } from "../../core/stac.ts";
import type { Database } from "../../db/database.ts";
import type { Search, Stored } from "../catalog.ts";
import { createMatcher } from "../cql2/matcher.ts";
import { itemOf } from "../item-row.ts";
import { sql } from "../sql.ts";
import { orderBy, orderOf } from "./order.ts";
import { conditionsOf, matchingItems } from "./where.ts";

/** Some dozens of MB where items are large. */
/** Rows at once: documents have up to 4 MB each. */
const BATCH = 25;

interface Row {
  readonly body: object;
  readonly properties: object;
  readonly etag: string;
  readonly updated: Date;
}

/** All that matches, as it is at the beginning, through a cursor: sorted by the server, which spills to its disk. */
export async function* streamItems(
  db: Database,
  search: Search,
  call: Call,
): AsyncGenerator<readonly Stored<StacItem>[]> {
  const conditions = conditionsOf(search, call.who);
  const { rest } = conditions;
  const { text, values } = sql`
    select body, properties, etag, updated from ${matchingItems(conditions)} order by ${orderBy(orderOf(search), false)}`;
  using matcher = rest === undefined ? undefined : await createMatcher(rest);
  for await (const rows of db.stream<Row>(text, values, { ...call, batch: BATCH })) {
    const batch = rows.map(({ body, properties, etag, updated }) => {
      return { document: itemOf(body, properties), etag, updated };
    });
    yield matcher === undefined ? batch : batch.filter(({ document }) => matcher.matches(document));
  }
}
