import { type Sql, sql } from "../sql.ts";
import { keyTexts, type Order, orderBy } from "./order.ts";
import type { Place } from "./token.ts";

/** What searches answer of a row of `item`. */
export interface Row {
  /** Null: there is no room for it, or no item at all. */
  readonly body: string | null;
  readonly properties: string;
  /** Null: no item, only how many there are. */
  readonly etag: string | null;
  readonly updated: Date;
  /** Bytes of the document as text. */
  readonly bytes: number;
  readonly keys: readonly string[];
  /** How many match from the place on. */
  readonly met?: number;
}

/** Bytes of documents that are read at once, but for the first that is more: it takes some times as much to hold them. */
export const MOST_BYTES = 16 * 1024 * 1024;

/** The columns of `Row`, and the order of the rows. */
export function answered(order: Order, place: Place | undefined): { readonly columns: Sql; readonly by: Sql } {
  const by = orderBy(order, place?.isBackwards ?? false);
  const isRoom = sql`sum(bytes) over (order by ${by} rows unbounded preceding) - bytes < ${MOST_BYTES}`;
  const columns = sql`case when ${isRoom} then body::text end as body, case when ${isRoom} then properties::text end as properties,
    etag, updated, bytes, ${keyTexts(order)} as keys`;
  return { columns, by };
}
