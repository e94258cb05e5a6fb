import type { Config } from "../config.ts";
import { createFlows } from "../http/routes/flows/flows.ts";
import { createHealth } from "../http/routes/health.ts";
import { createBoundaryRoutes } from "../http/routes/packages/boundaries.ts";
import { createPackageFiles } from "../http/routes/packages/files.ts";
import { createJobs } from "../http/routes/packages/jobs.ts";
import { createPackageRoutes } from "../http/routes/packages/packages.ts";
import { createProcessorRoutes } from "../http/routes/packages/processors.ts";
import { createProcesses } from "../http/routes/processes/processes.ts";
import type { Protocol } from "../protocols/protocol.ts";
import type { Trouble } from "../publication/consumers.ts";
import { Starting } from "../publication/starting.ts";
import { aborted } from "./aborted.ts";
import { type Processing, type ProcessingOptions, startProcessing } from "./processing.ts";

/** The processing half as a node wires it: what comes before it is there waits for it. */
export interface ProcessingHalf {
  readonly protocols: readonly Protocol[];
  /** Once it is there; see `Processing.work`. */
  work(signal: AbortSignal, onStart: () => void): Promise<string | undefined>;
  /** Works on runs as soon as it is there, whenever there are any. */
  begin(): void;
  /** What keeps it from being there. */
  troubles(): readonly Trouble[];
  close(): Promise<void>;
}

export interface ProcessingHalfOptions extends ProcessingOptions {
  /** Told why it is not there yet. */
  readonly onFailure: (error: unknown) => void;
}

export function createProcessing(config: Config, options: ProcessingHalfOptions): ProcessingHalf {
  const starting = new Starting({
    name: "the processing",
    start: (signal) => startProcessing(config, options, signal),
    onError: options.onFailure,
  });
  const processing = (): Promise<Processing> => starting.value();
  const runs = async () => (await processing()).runs();
  const parts = async () => (await processing()).parts();
  const boundaries = async () => (await parts()).boundaries;
  const store = async () => (await parts()).store;
  const processors = async () => (await parts()).processors;
  return {
    protocols: [
      createFlows({ runs }),
      createProcesses({ runs }),
      createBoundaryRoutes({ boundaries }),
      createProcessorRoutes({ processors }),
      createJobs({
        runs,
        flows: async () => (await parts()).flows,
        boundaries,
        processors,
        acceptsJobs: config.packages.jobs === "on",
      }),
      createPackageRoutes({
        store,
        processors,
        executing: async (boundary, call) => (await processing()).executing(boundary, call),
      }),
      createPackageFiles({ store }),
      createHealth({ isReady: async () => (await processing()).isReady() }),
    ],
    async work(signal, onStart) {
      const processing = await Promise.race([starting.started, aborted(signal)]);
      return processing?.work(signal, onStart);
    },
    begin: () => void starting.started.then((one) => one.begin()).catch(() => undefined),
    troubles() {
      const { failure } = starting;
      if (failure === undefined) return [];
      return [{ source: "processing", reason: failure.reason, since: failure.since.toISOString() }];
    },
    close: () => starting.close(),
  };
}
