import { fileURLToPath } from "node:url";
import type { Config } from "./config.ts";
import { GyreError } from "./errors.ts";
import type { Files } from "./files/files.ts";
import { folderUrl } from "./places.ts";
import type { Publishing } from "./publication/publishing.ts";

export interface HalvesOptions {
  /** Folder that relative paths of the configuration start from. */
  readonly folder: string;
  readonly dataDir: URL;
  readonly files: Files;
  readonly onError: (error: unknown, where: string) => void;
  readonly onNotice: (message: string) => void;
}

/** What a node with a database does besides serving its archive. */
export interface Halves {
  readonly publishing: Publishing;
  close(): Promise<void>;
}

/** Both halves over one database. Loaded only where there is one. */
export async function halvesOf(config: Config, options: HalvesOptions): Promise<Halves> {
  const { folder, dataDir, files, onError, onNotice } = options;
  if (dataDir.protocol !== "file:") {
    throw new GyreError("BadRequest", "dataDir must be a folder of this machine where the node has a catalogue");
  }
  const { schemas } = config.validation;
  const [{ createNodeDatabase }, { createPublishing }, { FileSchemas }] = await Promise.all([
    import("./publication/node-database.ts"),
    import("./publication/publishing.ts"),
    import("./catalog/validate/schema-store.ts"),
  ]);
  const place = schemas === undefined ? new URL("schemas/", dataDir) : await folderUrl(schemas, folder);
  const database = createNodeDatabase(config, { folder: fileURLToPath(dataDir), onError, tell: onNotice });
  const publishing = createPublishing(config, {
    database,
    schemas: new FileSchemas(files, place),
    onError,
    tell: onNotice,
  });
  return {
    publishing,
    async close() {
      await publishing.close();
      await database.close();
    },
  };
}
