import { Client, type ClientConfig, Pool as Connections } from "pg";
import type { IoCall } from "../core/array.ts";
import { GyreError } from "../errors.ts";
import type { Database, Pool, StatementCall, TransactionOptions } from "./database.ts";
import { busy, isPassing, isRepeatable, sqlState } from "./failure.ts";
import { Listener } from "./listener.ts";
import { Session } from "./session.ts";
import { Transaction } from "./transaction.ts";
import { COLUMN_TYPES } from "./types.ts";

/** Where a server is: its URL (`postgres://user:password@host/database`), or its parts; a path as host is a socket's folder. */
export type ServerAddress =
  | { readonly url: string }
  | {
      readonly host: string;
      readonly port?: number;
      readonly user: string;
      readonly password: string;
      readonly database: string;
    };

export type ConnectOptions = ServerAddress & {
  /** The node's schema, made when it is missing: a lower-case name. */
  readonly schema: string;
  /** Connections at most; 10 unless told otherwise. */
  readonly max?: number;
  /** Milliseconds after which the server ends a statement; none unless told. */
  readonly statementTimeout?: number;
  /** Told of idle connections that were lost, which the pool replaces by itself. */
  readonly onError?: (error: unknown) => void;
};

const OLDEST_SERVER = 150_000;
const CONNECTIONS = 10;
/** A new connection knows nothing: its first statements take ten times as long. */
const IDLE_MS = 600_000;
/** But it is a process with some 20 MB, which a private server has to share with all else on the machine. */
const PRIVATE_IDLE_MS = 3_000;
/** How long a caller waits for a connection, free or new, before it is told that the database is busy. */
const PATIENCE_MS = 30_000;
/** Such a name is its own quoted form, in SQL and in connection settings. */
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;
/** Gyre's advisory locks: with a schema's hash its migrations, alone the private server. "gyre" in ASCII. */
export const LOCK_SPACE = 0x67797265;

/** Connects to a PostgreSQL server (15 or newer) and makes the schema when it is missing. */
export async function connect(options: ConnectOptions): Promise<Pool> {
  const { schema } = options;
  if (!SCHEMA_NAME.test(schema) || schema.startsWith("pg_"))
    throw new GyreError("BadRequest", `"${schema}" is no name for a schema: [a-z_][a-z0-9_]*, without pg_ in front`, {
      subject: schema,
    });
  const pool = new PostgresPool(options);
  try {
    await pool.prepare();
    return pool;
  } catch (error) {
    await pool.close();
    throw error;
  }
}

class PostgresPool implements Pool {
  readonly schema: string;
  readonly #server: string;
  readonly #config: ClientConfig;
  readonly #connections: Connections;
  readonly #listener: Listener;
  #closing: Promise<void> | undefined;

  constructor(options: ConnectOptions) {
    this.schema = options.schema;
    this.#server = nameOf(options);
    this.#config = configOf(options);
    this.#connections = new Connections({
      ...this.#config,
      max: options.max ?? CONNECTIONS,
      idleTimeoutMillis: "url" in options ? IDLE_MS : PRIVATE_IDLE_MS,
    });
    // Lost in the very packet that made it ready, a connection has no other listener yet, and would end the process.
    this.#connections.on("connect", (client) => client.on("error", () => undefined));
    this.#connections.on("error", (error) => {
      // The server may end sooner than connections that were told to.
      if (this.#closing === undefined) options.onError?.(busy(error, this.#server));
    });
    this.#listener = new Listener(this.#config, this.#server);
  }

  /** Refuses a server that is too old and a database that cannot have every text, and makes the schema. */
  async prepare(): Promise<void> {
    const [server] = await this.query<{ number: number; version: string; path: string; encoding: string }>(
      `select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
        current_setting('search_path') as path, current_setting('server_encoding') as encoding`,
    );
    if (server === undefined || server.number < OLDEST_SERVER)
      throw new GyreError("Unsupported", `PostgreSQL 15 or newer is needed; ${this.#server} is ${server?.version}`);
    if (server.path !== searchPath(this.schema))
      throw new GyreError(
        "Unsupported",
        `Connections to ${this.#server} do not keep their settings: connect without a pooler, and without options= in the address`,
      );
    if (server.encoding !== "UTF8")
      throw new GyreError(
        "Unsupported",
        `${this.#server} is encoded as ${server.encoding}, not as UTF8: create database ... encoding 'UTF8' template template0`,
      );
    const exists = "select 1 from pg_namespace where nspname = $1";
    if ((await this.query(exists, [this.schema])).length > 0) return;
    await this.transaction(async (tx) => {
      // Two processes that make one schema at once would meet in the server's own tables.
      await tx.query("select pg_advisory_xact_lock($1, hashtext($2))", [LOCK_SPACE, this.schema]);
      await tx.query(`create schema if not exists ${this.schema}`);
    });
  }

  async query<Row extends object>(sql: string, values?: readonly unknown[], call?: StatementCall): Promise<Row[]> {
    const session = await this.#checkOut(call);
    try {
      return (await session.run<Row>(sql, values, call)).rows;
    } finally {
      session.close();
    }
  }

  async transaction<T>(work: (tx: Database) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    for (let retries = options.retries ?? 0; ; retries--) {
      try {
        return await this.#transact(work, options);
      } catch (error) {
        if (retries <= 0 || !isRepeatable(error)) throw error;
      }
    }
  }

  async *stream<Row extends object>(
    sql: string,
    values?: readonly unknown[],
    call?: IoCall & { batch?: number },
  ): AsyncGenerator<Row[]> {
    const tx = await Transaction.begin(await this.#checkOut(call), { readOnly: true }, call);
    try {
      yield* tx.stream<Row>(sql, values, call);
    } finally {
      await tx.rollback();
    }
  }

  async version(): Promise<string> {
    const [row] = await this.query<{ version: string }>("select version()");
    return row?.version ?? "";
  }

  listen(channel: string, onPayload: (payload: string) => void, onReconnect: () => void): Promise<AsyncDisposable> {
    return this.#listener.listen(channel, onPayload, onReconnect);
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#listener.close(), this.#connections.end()]).then(() => undefined);
    return this.#closing;
  }

  async #transact<T>(work: (tx: Database) => Promise<T>, options: TransactionOptions): Promise<T> {
    const tx = await Transaction.begin(await this.#checkOut(), options);
    let result: T;
    try {
      result = await work(tx);
    } catch (error) {
      await tx.rollback();
      throw error;
    }
    await tx.commit();
    return result;
  }

  async #checkOut({ signal }: IoCall = {}): Promise<Session> {
    signal?.throwIfAborted();
    try {
      const client = await this.#connections.connect();
      return new Session(client, { name: this.#server, cancel: (id) => this.#cancel(id) });
    } catch (error) {
      // Refused for good: a wrong password, no such database.
      if (sqlState(error) !== undefined && !isPassing(error)) throw error;
      throw busy(error, this.#server);
    }
  }

  /** On a connection of its own, since all others may be in use. */
  async #cancel(processId: number): Promise<void> {
    const client = new Client(this.#config);
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.query("select pg_cancel_backend($1)", [processId]);
    } catch {
      // A server that cannot be reached has ended the statement.
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

function configOf(options: ConnectOptions): ClientConfig {
  const { schema, statementTimeout } = options;
  return {
    ...("url" in options ? { connectionString: options.url } : pick(options)),
    application_name: `gyre ${schema}`,
    options: settingsOf(schema)
      .map((setting) => `-c ${setting}`)
      .join(" "),
    connectionTimeoutMillis: PATIENCE_MS,
    keepAlive: true,
    types: COLUMN_TYPES,
    ...(statementTimeout === undefined ? {} : { statement_timeout: statementTimeout }),
  };
}

function settingsOf(schema: string): readonly string[] {
  return [
    `search_path=${searchPath(schema)}`,
    "timezone=UTC",
    "datestyle=ISO",
    // Statements are short: to start workers or a compiler would take longer than most of them.
    "jit=off",
    "max_parallel_workers_per_gather=0",
    // What is answered was written, whatever is the custom of this server.
    "synchronous_commit=on",
  ];
}

function searchPath(schema: string): string {
  return `${schema},public`;
}

function pick(address: Exclude<ServerAddress, { url: string }>): ClientConfig {
  const { host, port, user, password, database } = address;
  return { host, user, password, database, ...(port === undefined ? {} : { port }) };
}

/** The server as a person knows it; without the password. */
function nameOf(options: ServerAddress): string {
  if (!("url" in options)) return `${options.host}/${options.database}`;
  if (!URL.canParse(options.url)) return "the configured address";
  const { host, pathname } = new URL(options.url);
  return `${host}${pathname}`;
}
