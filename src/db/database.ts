import type { IoCall } from "../core/array.ts";

/**
 * A PostgreSQL database (15 or newer), seen through one node's schema: names without a schema mean that one.
 * `int8`, `numeric` and `count(*)` arrive as numbers (beyond 2^53 as text), `timestamptz` as `Date`, `jsonb` parsed.
 */
export interface Database {
  /** Rows of one statement; values are bound, never pasted. Throws `DatabaseError`-like errors of `pg` as they are. */
  query<Row extends object>(sql: string, values?: readonly unknown[], call?: StatementCall): Promise<Row[]>;
  /** Runs `work` in one transaction: committed when it ends, rolled back when it throws. Nested calls are savepoints. */
  transaction<T>(work: (tx: Database) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Rows of a long result through a cursor, `batch` at a time, in constant memory. */
  stream<Row extends object>(
    sql: string,
    values?: readonly unknown[],
    call?: IoCall & { batch?: number },
  ): AsyncIterable<Row[]>;
}

export interface StatementCall extends IoCall {
  /** A constant text that comes again and again: each connection parses it once, and keeps its plan. */
  readonly prepared?: boolean;
}

export interface TransactionOptions {
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
  readonly readOnly?: boolean;
  /** How often the work is run again after a deadlock or a serialization failure; 0 unless told. Not for savepoints. */
  readonly retries?: number;
}

/** What a pool of connections can besides. */
export interface Pool extends Database {
  /** The node's schema. */
  readonly schema: string;
  /** Text of `select version()`. */
  version(): Promise<string>;
  /** Calls `onPayload` for each NOTIFY on `channel`, and `onReconnect` when some may have been missed. */
  listen(channel: string, onPayload: (payload: string) => void, onReconnect: () => void): Promise<AsyncDisposable>;
  close(): Promise<void>;
}
