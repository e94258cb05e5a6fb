import { createHash } from "node:crypto";
import type { PoolClient, QueryResult } from "pg";
import { GyreError } from "../errors.ts";
import type { StatementCall } from "./database.ts";
import { busy, isPassing } from "./failure.ts";

/** How a session speaks of its server, and stops a statement that runs there. */
export interface Server {
  readonly name: string;
  cancel(processId: number): Promise<void>;
}

/** What one statement gave. */
export interface Answer<Row> {
  readonly rows: Row[];
  /** `SELECT`, `COMMIT`, `ROLLBACK`, ... */
  readonly command: string;
}

/** A connection that one caller has for a while; its statements run one after the other. */
export class Session {
  readonly #client: PoolClient;
  readonly #server: Server;
  #last: Promise<unknown> = Promise.resolve();
  #isOpen = true;
  #isSpoilt = false;
  /** Also keeps Node from ending the process for want of a listener. */
  readonly #onLoss = (): void => {
    this.#isLost = true;
  };
  #isLost = false;

  constructor(client: PoolClient, server: Server) {
    this.#client = client;
    this.#server = server;
    client.on("error", this.#onLoss);
  }

  run<Row extends object>(
    sql: string,
    values: readonly unknown[] = [],
    call: StatementCall = {},
  ): Promise<Answer<Row>> {
    const turn = this.#last.then(() => this.#execute<Row>(sql, values, call));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Gives the connection back. One that was cancelled or lost is closed: a late cancel would hit its next user. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#client.off("error", this.#onLoss);
    this.#client.release(this.#isSpoilt || this.#isLost);
  }

  async #execute<Row extends object>(
    sql: string,
    values: readonly unknown[],
    { signal, prepared = false }: StatementCall,
  ): Promise<Answer<Row>> {
    signal?.throwIfAborted();
    if (!this.#isOpen) throw new GyreError("Conflict", "A statement came after the end of its transaction");
    let cancelled: Promise<void> | undefined;
    const cancel = (): void => {
      this.#isSpoilt = true;
      cancelled = this.#server.cancel(processIdOf(this.#client));
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const statement = { text: sql, values: [...values], ...(prepared && { name: nameOf(sql) }) };
      const result: QueryResult<Row> | QueryResult<Row>[] = await this.#client.query<Row>(statement);
      // A text of several statements, as migrations are, has several results.
      const last = Array.isArray(result) ? (result as QueryResult<Row>[]).at(-1) : result;
      return { rows: last?.rows ?? [], command: last?.command ?? "" };
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#isLost || isPassing(error) ? busy(error, this.#server.name) : error;
    } finally {
      signal?.removeEventListener("abort", cancel);
      await cancelled;
    }
  }
}

/** Of prepared statements, which are constants of the program. */
const NAMES = new Map<string, string>();

/** A prepared statement's name, of which the server takes 63 bytes. */
function nameOf(sql: string): string {
  const name = NAMES.get(sql) ?? createHash("sha256").update(sql).digest("base64url");
  NAMES.set(sql, name);
  return name;
}

/** The server's process for a connection, which the driver has but its types do not tell. */
function processIdOf(client: PoolClient): number {
  const id = "processID" in client ? client.processID : undefined;
  if (typeof id !== "number") throw new TypeError("pg no longer tells the process of a connection");
  return id;
}
