import { fileURLToPath } from "node:url";
import type { Pool } from "../../db/database.ts";
import { startEmbedded } from "../../db/embedded.ts";
import { migrate } from "../../db/migrate.ts";
import { connect } from "../../db/postgres.ts";
import { GyreError } from "../../errors.ts";
import type { BoundaryAdmin } from "../../flows/boundaries/admin.ts";
import type { Boundaries } from "../../flows/boundaries/boundary.ts";
import { createBoundaries } from "../../flows/boundaries/create-boundaries.ts";
import { folderUrl } from "../../places.ts";
import type { CommandIo } from "../command.ts";
import { settingsOf } from "../settings.ts";

/** Options of every action, for `parseArgs`. */
export const OPTIONS = { config: { type: "string", short: "c" }, json: { type: "boolean", default: false } } as const;

/** Runs `work` on the boundaries of the configured node; its private server is started, or attached to where it runs. */
export async function withBoundaries<T>(
  flags: { readonly config?: string | undefined },
  io: CommandIo,
  work: (boundaries: Boundaries & BoundaryAdmin) => Promise<T>,
): Promise<T> {
  const { config, folder } = await settingsOf(flags, io);
  if (config.database === "none")
    throw new GyreError("BadRequest", "this node has no database: boundaries need one", { subject: "database" });
  await using ending = new AsyncDisposableStack();
  const open = async (address: Parameters<typeof connect>[0]): Promise<Pool> => {
    const pool = await connect(address);
    ending.defer(() => pool.close());
    await migrate(pool, { name: "node" });
    return pool;
  };
  const onError = (error: unknown): void => io.err(error instanceof Error ? error.message : String(error));
  const common = { schema: config.name, max: 2, onError };
  if (config.database !== "embedded")
    return await work(createBoundaries(await open({ ...common, url: config.database })));
  const dataDir = fileURLToPath(await folderUrl(config.dataDir, folder));
  const postgres = config.databaseFolder ?? `${dataDir}postgres`;
  const server = await startEmbedded({ folder: postgres, tell: (message) => io.err(message) });
  ending.defer(() => server.close());
  return await work(createBoundaries(await open({ ...common, ...server.address })));
}
