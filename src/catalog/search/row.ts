import { type Sql, sql } from "../sql.ts";
import { keyTexts, type Order } from "./order.ts";

/** What searches answer of a row of `item`. */
export interface Row {
  /** Null: no item, only how many there are. */
  readonly body: object | null;
  readonly properties: object;
  readonly etag: string;
  readonly updated: Date;
  /** As stored, so that nothing is unpacked to be measured. */
  readonly size: number;
  readonly keys: readonly string[];
  /** How many match from the place on. */
  readonly met?: number;
}

export function answered(order: Order): Sql {
  return sql`body, properties, etag, updated, pg_column_size(body) as size, ${keyTexts(order)} as keys`;
}
