import type { Config } from "../config.ts";
import type { Access } from "../core/access.ts";
import type { Pool } from "../db/database.ts";
import type { Files } from "../files/files.ts";
import type { BoundaryAdmin } from "../flows/boundaries/admin.ts";
import type { Boundaries } from "../flows/boundaries/boundary.ts";
import type { PackageFlows } from "../flows/jobs/package-flow.ts";
import type { PackageStore } from "../flows/packages/package-store.ts";
import type { Processors } from "../flows/processors/processor.ts";
import type { Runs } from "../flows/runs.ts";

/** What flows are about. */
export interface Parts {
  readonly boundaries: Boundaries & BoundaryAdmin;
  readonly processors: Processors;
  readonly store: PackageStore;
  readonly flows: PackageFlows;
}

export interface PartsOptions {
  readonly pool: Pool;
  readonly files: Files;
  readonly access: Access;
  /** Folder or bucket prefix of packages. */
  readonly packages: URL;
  /** Where clients find them. */
  readonly publicUrl: URL;
  /** Of the engine that runs the flows. */
  runs(): Runs;
}

/** Loaded at the first need: a node that nobody asks for packages does not hold what makes them. */
export async function openParts(_config: Config, options: PartsOptions): Promise<Parts> {
  const [{ createBoundaries }, { createPackageStore }, { createPackageFlows }] = await Promise.all([
    import("../flows/boundaries/create-boundaries.ts"),
    import("../flows/packages/create-package-store.ts"),
    import("../flows/jobs/package-flow.ts"),
  ]);
  const { pool, files, packages, publicUrl, runs } = options;
  const boundaries = createBoundaries(pool);
  const store = createPackageStore({ files, root: packages, publicUrl });
  const processors: Processors = { list: () => [], get: () => undefined };
  const flows = createPackageFlows({ boundaries, processors, store, runs });
  return { boundaries, processors, store, flows };
}
