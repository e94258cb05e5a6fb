import { fileURLToPath } from "node:url";
import type { Config } from "../config.ts";
import type { Access } from "../core/access.ts";
import type { Pool } from "../db/database.ts";
import type { Engine } from "../engine.ts";
import type { BoundaryAdmin } from "../flows/boundaries/admin.ts";
import type { Boundaries } from "../flows/boundaries/boundary.ts";
import type { PackageFlows } from "../flows/jobs/package-flow.ts";
import type { PackageStore } from "../flows/packages/package-store.ts";
import type { Processors } from "../flows/processors/processor.ts";
import type { Runs } from "../flows/runs.ts";
import type { FlowPlaces } from "../places.ts";

export interface PartsOptions {
  readonly pool: Pool;
  /** Reads and writes all of the places. */
  readonly engine: Engine;
  readonly access: Access;
  /** Of the configuration. */
  readonly folder: string;
  readonly places: FlowPlaces;
  /** Prefixes of addresses that sources may have, beside those that the configuration names. */
  readonly allow: readonly URL[];
  /** Where clients find packages. */
  readonly publicUrl: URL;
  /** Of the engine that runs the flows. */
  runs(): Runs;
  readonly onError: (error: unknown, where: string) => void;
}

/** What flows are about. */
export interface Parts {
  readonly boundaries: Boundaries & BoundaryAdmin;
  readonly processors: Processors;
  readonly store: PackageStore;
  readonly flows: PackageFlows;
}

/** Loaded at the first need: a node that nobody asks for packages does not hold what makes them. */
export async function openParts(config: Config, options: PartsOptions): Promise<Parts> {
  const [{ createBoundaries }, { createPackageStore }, { createPackageFlows }, { createProcessors }] =
    await Promise.all([
      import("../flows/boundaries/create-boundaries.ts"),
      import("../flows/packages/create-package-store.ts"),
      import("../flows/jobs/package-flow.ts"),
      import("../flows/processors/create-processors.ts"),
    ]);
  const { pool, engine, access, folder, places, allow, publicUrl, runs, onError } = options;
  const { files, decoder, formats } = engine;
  const boundaries = createBoundaries(pool);
  const store = createPackageStore({ files, root: places.packages, publicUrl });
  const processors = await createProcessors({
    ...{ config: config.processors, includeTest: config.packages.includeTestProcessors },
    ...{ files, access, allow, folder, root: places.sources, scratch: fileURLToPath(places.scratch) },
    reader: { files, decoder },
    open: (url, call) => formats.open(url, call),
  });
  for (const { source, error } of processors.problems) onError(error, source);
  const flows = createPackageFlows({ boundaries, processors, store, runs });
  return { boundaries, processors, store, flows };
}
