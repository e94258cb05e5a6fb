import type { IoCall } from "../core/array.ts";
import { GyreError } from "../errors.ts";
import type { Database, StatementCall, TransactionOptions } from "./database.ts";
import type { Session } from "./session.ts";

/** Rows that a stream fetches at once unless told otherwise. */
const BATCH = 500;

/** One transaction on one session; it ends with `commit` or `rollback`, and takes nothing afterwards. */
export class Transaction implements Database {
  readonly #session: Session;
  #names = 0;

  private constructor(session: Session) {
    this.#session = session;
  }

  static async begin(session: Session, options: TransactionOptions = {}, call?: IoCall): Promise<Transaction> {
    const modes = [
      `isolation level ${options.isolation ?? "read committed"}`,
      options.readOnly === true ? "read only" : "read write",
    ];
    try {
      await session.run(`begin ${modes.join(", ")}`, [], call);
      return new Transaction(session);
    } catch (error) {
      session.close();
      throw error;
    }
  }

  async query<Row extends object>(sql: string, values?: readonly unknown[], call?: StatementCall): Promise<Row[]> {
    return (await this.#session.run<Row>(sql, values, call)).rows;
  }

  /** A savepoint. Isolation and mode are those of the outermost transaction. */
  async transaction<T>(work: (tx: Database) => Promise<T>): Promise<T> {
    const name = this.#newName("point");
    await this.query(`savepoint ${name}`);
    try {
      const result = await work(this);
      await this.query(`release savepoint ${name}`);
      return result;
    } catch (error) {
      // Where this fails, the outer transaction cannot be committed either.
      await this.query(`rollback to savepoint ${name}; release savepoint ${name}`).catch(() => undefined);
      throw error;
    }
  }

  /** A cursor of the server's, so that other statements may come between its batches. */
  async *stream<Row extends object>(
    sql: string,
    values?: readonly unknown[],
    call: IoCall & { batch?: number } = {},
  ): AsyncGenerator<Row[]> {
    const batch = call.batch ?? BATCH;
    if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batches of ${batch} rows`);
    const name = this.#newName("cursor");
    await this.query(`declare ${name} no scroll cursor for ${sql}`, values, call);
    let isFailed = false;
    try {
      for (;;) {
        const rows = await this.query<Row>(`fetch ${batch} from ${name}`, [], call);
        if (rows.length > 0) yield rows;
        if (rows.length < batch) break;
      }
    } catch (error) {
      isFailed = true;
      throw error;
    } finally {
      // A failed transaction takes no statement any more.
      if (!isFailed) await this.query(`close ${name}`);
    }
  }

  /** PostgreSQL answers the commit of a failed transaction by rolling it back: that must not pass for success. */
  async commit(): Promise<void> {
    try {
      const { command } = await this.#session.run("commit");
      if (command !== "COMMIT")
        throw new GyreError("Conflict", "A statement failed before: the transaction was rolled back");
    } finally {
      this.#session.close();
    }
  }

  async rollback(): Promise<void> {
    try {
      await this.#session.run("rollback");
    } catch {
      // Only a lost connection fails here, and there the server has rolled back itself.
    } finally {
      this.#session.close();
    }
  }

  #newName(kind: string): string {
    this.#names += 1;
    return `gyre_${kind}_${this.#names}`;
  }
}
