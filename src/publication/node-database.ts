import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Pool } from "../db/database.ts";
import { startEmbedded } from "../db/embedded.ts";
import { migrate } from "../db/migrate.ts";
import { connect, type ServerAddress } from "../db/postgres.ts";
import { GyreError } from "../errors.ts";

/** The database of a node once it is there. */
export interface OpenDatabase {
  readonly address: ServerAddress;
  /** On the node's schema, which is up to date. */
  readonly pool: Pool;
}

/** The one database of all halves of a node. */
export interface NodeDatabase {
  /** Opens it for the first who asks; after a failure the next one tries again. */
  open(): Promise<OpenDatabase>;
  /** Of the embedded server; after whoever uses it has ended. */
  close(): Promise<void>;
}

export interface NodeDatabaseOptions {
  /** Of the embedded database. */
  readonly folder: string;
  /** Told of idle connections that were lost. */
  readonly onError: (error: unknown, where: string) => void;
  /** Told what a person should know: where files were placed, that the server was lost and is back. */
  readonly tell: (message: string) => void;
}

/** Nothing is started before somebody asks. */
export function createNodeDatabase(
  config: Pick<Config, "database" | "databaseFolder" | "name">,
  { folder, onError, tell }: NodeDatabaseOptions,
): NodeDatabase {
  let opening: Promise<OpenDatabase> | undefined;
  let closing: (() => Promise<void>)[] = [];
  let isClosed = false;

  async function start(): Promise<OpenDatabase> {
    const address = await serverAddress();
    if (isClosed) throw new GyreError("Busy", "the node ends");
    const pool = await connect({ ...address, schema: config.name, onError: (error) => onError(error, "database") });
    closing.push(() => pool.close());
    await migrate(pool, { name: "node" });
    return { address, pool };
  }

  async function serverAddress(): Promise<ServerAddress> {
    if (config.database !== "embedded") return { url: config.database };
    const server = await startEmbedded({ folder: config.databaseFolder ?? join(folder, "postgres"), tell });
    closing.push(() => server.close());
    return server.address;
  }

  async function letGo(): Promise<void> {
    const stops = closing.reverse();
    closing = [];
    for (const stop of stops) await stop();
  }

  return {
    open() {
      opening ??= start().catch(async (error) => {
        await letGo();
        opening = undefined;
        throw error;
      });
      return opening;
    },
    async close() {
      isClosed = true;
      await opening?.catch(() => undefined);
      await letGo();
    },
  };
}
