import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Pool } from "../../src/db/database.ts";
import { type EmbeddedServer, startEmbedded } from "../../src/db/embedded.ts";
import { migrate } from "../../src/db/migrate.ts";
import { connect, type ServerAddress } from "../../src/db/postgres.ts";
import { postgresMissing, startPostgres } from "./postgres-server.ts";

/** What a test, or a suite's own list, does when it ends: `t` of node:test is one. */
export interface Ending {
  after(work: () => Promise<void>): void;
}

export interface TestDatabaseOptions {
  /** Sets of `sql/` to apply: `["log", "node"]`. */
  readonly migrations?: readonly string[];
  readonly max?: number;
}

/** A kind of server to run a contract on. */
export interface TestDatabases {
  readonly name: string;
  /** Why there is none here. */
  readonly unavailable: string | undefined;
  /** A pool on an empty schema of its own, which is dropped when `ending` ends. */
  make(ending: Ending, options?: TestDatabaseOptions): Promise<Pool>;
  /** Where it is, for those who start other processes on it. */
  address(): Promise<ServerAddress>;
}

interface Running {
  readonly address: ServerAddress;
  stop(): Promise<unknown>;
}

let embedded: Promise<Running> | undefined;
let server: Promise<Running> | undefined;

after(async () => {
  for (const running of [embedded, server]) await (await running)?.stop();
});

/** A pool on an empty schema of this process's private server. */
export async function testDatabase(ending: Ending, options: TestDatabaseOptions = {}): Promise<Pool> {
  embedded ??= startOwn();
  return inNewSchema((await embedded).address, ending, options);
}

/** The servers that suites run on: the private one always, a PostgreSQL server where there is one. */
export function testDatabases(): readonly TestDatabases[] {
  const makeOnServer: TestDatabases["make"] = async (ending, options = {}) => {
    server ??= findServer();
    return inNewSchema((await server).address, ending, options);
  };
  const address = async (): Promise<ServerAddress> => {
    server ??= findServer();
    return (await server).address;
  };
  return [
    { name: "embedded", unavailable: undefined, make: testDatabase, address: testServer },
    { name: "PostgreSQL server", unavailable: noServer(), make: makeOnServer, address },
  ];
}

/** Where the private server of this process's tests is, for those who start other processes on it. */
export async function testServer(): Promise<ServerAddress> {
  embedded ??= startOwn();
  return (await embedded).address;
}

async function inNewSchema(address: ServerAddress, ending: Ending, options: TestDatabaseOptions): Promise<Pool> {
  const { migrations = [], max = 5 } = options;
  const pool = await connect({ ...address, schema: `test_${randomBytes(6).toString("hex")}`, max });
  ending.after(async () => {
    // Who is still at work would wait for the drop, and the drop for them.
    await pool.close();
    const admin = await connect({ ...address, schema: "public", max: 1 });
    // Statements of processes that were killed may go on for a while, and meet it in a deadlock.
    await admin.transaction((tx) => tx.query(`drop schema if exists ${pool.schema} cascade`), { retries: 5 });
    await admin.close();
  });
  for (const name of migrations) await migrate(pool, { name });
  return pool;
}

async function startOwn(): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-db-"));
  // The server's user must be able to enter it.
  await chmod(folder, 0o755);
  const own: EmbeddedServer = await startEmbedded({ folder });
  const stop = async (): Promise<void> => {
    await own.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { address: own.address, stop };
}

/** The server that the test run was given, or Debian's. */
async function findServer(): Promise<Running> {
  const given = process.env.GYRE_TEST_POSTGRES;
  if (given !== undefined) return { address: { url: given }, stop: async () => undefined };
  const started = await startPostgres();
  if (started.unavailable !== undefined) throw new Error(started.unavailable);
  return { address: { url: started.url.href }, stop: started.stop };
}

function noServer(): string | undefined {
  return process.env.GYRE_TEST_POSTGRES === undefined ? postgresMissing() : undefined;
}
