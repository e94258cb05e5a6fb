import { fileURLToPath } from "node:url";
import type { Config } from "./config.ts";
import type { Access } from "./core/access.ts";
import type { Engine } from "./engine.ts";
import { GyreError } from "./errors.ts";
import { type FlowPlaces, folderUrl } from "./places.ts";
import type { ProcessingHalf } from "./processing/processing-half.ts";
import { withRetractions } from "./protocols/stac/dataset-item/retractions.ts";
import type { Trouble } from "./publication/consumers.ts";
import type { NodeDatabase } from "./publication/node-database.ts";
import type { Publishing } from "./publication/publishing.ts";

export interface HalvesOptions {
  /** Folder that relative paths of the configuration start from. */
  readonly folder: string;
  readonly dataDir: URL;
  /** Where files of flows lie. */
  readonly places: FlowPlaces;
  readonly engine: Engine;
  /** Prefixes that may be read beside the sources' own. */
  readonly allow: readonly URL[];
  /** The node's datasets, those of retracted items included. */
  readonly access: Access;
  /** The process only works on flows: another one has the catalogue. */
  readonly isWorker: boolean;
  /** The node's root, as clients write it. */
  publicUrl(): URL;
  readonly onError: (error: unknown, where: string) => void;
  readonly onNotice: (message: string) => void;
}

/** What a node with a database does besides serving its archive. */
export interface Halves {
  readonly publishing: Publishing | undefined;
  readonly processing: ProcessingHalf;
  /** Without the datasets of retracted items. */
  readonly access: Access;
  troubles(): readonly Trouble[];
  close(): Promise<void>;
}

/** Both halves over one database. Loaded only where there is one. */
export async function halvesOf(config: Config, options: HalvesOptions): Promise<Halves> {
  const { dataDir, onError, onNotice: tell } = options;
  if (dataDir.protocol !== "file:") {
    throw new GyreError("BadRequest", "dataDir must be a folder of this machine where the node has a database");
  }
  const [{ createNodeDatabase }, { createProcessing }] = await Promise.all([
    import("./publication/node-database.ts"),
    import("./processing/processing-half.ts"),
  ]);
  const database = createNodeDatabase(config, { folder: fileURLToPath(dataDir), onError, tell });
  const publishing = options.isWorker ? undefined : await publishingOf(config, database, options);
  const access = publishing === undefined ? options.access : withRetractions(options.access, publishing.retractions);
  const { engine, folder, places, allow } = options;
  const processing = createProcessing(config, {
    ...{ database, engine, folder, access, places, allow, onError, tell },
    publicUrl: () => new URL(config.packages.publicUrl ?? new URL("packages/", options.publicUrl())),
    // That the database is away is told once.
    onFailure: (error) => publishing === undefined && onError(error, "processing"),
  });
  return {
    publishing,
    processing,
    access,
    troubles: () => publishing?.troubles() ?? processing.troubles(),
    async close() {
      await Promise.all([publishing?.close(), processing.close()]);
      await database.close();
    },
  };
}

async function publishingOf(
  config: Config,
  database: NodeDatabase,
  { folder, dataDir, engine: { files }, onError, onNotice }: HalvesOptions,
): Promise<Publishing> {
  const { schemas } = config.validation;
  const [{ createPublishing }, { FileSchemas }] = await Promise.all([
    import("./publication/publishing.ts"),
    import("./catalog/validate/schema-store.ts"),
  ]);
  const place = schemas === undefined ? new URL("schemas/", dataDir) : await folderUrl(schemas, folder);
  const known = { database, dataDir: fileURLToPath(dataDir), schemas: new FileSchemas(files, place) };
  return createPublishing(config, { ...known, onError, tell: onNotice });
}
