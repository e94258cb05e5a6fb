import type { Call } from "../../core/principal.ts";
import type { Boundaries } from "../boundaries/boundary.ts";
import type { Estimate, Flow, Handle, QueueSpec, Retry } from "../flow.ts";
import type { PackageStore } from "../packages/package-store.ts";
import type { Processors } from "../processors/processor.ts";
import type { Runs } from "../runs.ts";
import { boundaryOf } from "./boundary-ref.ts";
import { createDatasetFlow, processorOf } from "./dataset-flow.ts";
import { estimateOf } from "./estimate.ts";
import { type Outcome, type PackageInput, type PackageOutput, packageInput, packageOutput } from "./package-input.ts";
import { finaliseStep, PACKAGE_QUEUE, setUpStep } from "./package-steps.ts";
import { createPackagesFlow, type PackagesInput, type PackagesOutput } from "./packages-flow.ts";
import { createPartFlow, LOOK_QUEUE, type PartOutput } from "./part-flow.ts";
import { createRedescribeFlow, type RedescribeInput, type RedescribeOutput } from "./redescribe-flow.ts";

export interface PackageFlowOptions {
  readonly boundaries: Boundaries;
  readonly processors: Processors;
  /** Shared by all workers. */
  readonly store: PackageStore;
  /** Of the engine that runs these flows. */
  runs(): Pick<Runs, "get">;
  /** How steps that fail are tried again. */
  readonly retry?: Retry;
}

/** Packages of boundaries, made by durable flows. */
export interface PackageFlows {
  /** The package of one boundary. */
  readonly package: Flow<PackageInput, PackageOutput>;
  /** Those of many boundaries. */
  readonly packages: Flow<PackagesInput, PackagesOutput>;
  /** Metadata and pages of packages that are there. */
  readonly redescribe: Flow<RedescribeInput, RedescribeOutput>;
  /** Besides those that processors name. */
  readonly queues: readonly QueueSpec[];
}

const RETRY: Retry = { tries: 5, waitMs: 5_000, grow: 3, mostMs: 300_000 };

/** The flows that make packages. */
export function createPackageFlows(options: PackageFlowOptions): PackageFlows {
  const { boundaries, processors, retry = RETRY } = options;
  const dataset = createDatasetFlow({ ...options, retry });
  const part = createPartFlow({ ...options, retry, dataset });
  const setUp = setUpStep({ ...options, retry });
  const finalise = finaliseStep({ ...options, retry });

  const one: Flow<PackageInput, PackageOutput> = {
    name: "package",
    title: "Package of a boundary",
    description: "Cuts datasets out for a boundary and puts them into its data package",
    input: packageInput,
    output: packageOutput,
    steps: [setUp, finalise],
    flows: [part],
    isPublic: true,
    estimate,
    async run({ boundary: ref, processors: names }, context) {
      const { digest } = await (await context.step(setUp, "setup", { boundary: ref, processors: names })).get();
      const boundary = { ...ref, digest };
      const parts: [string, Handle<PartOutput>][] = [];
      for (const processor of names) {
        parts.push([processor, await context.flow(part, processor, { boundary, processor })]);
      }
      const outcomes: Outcome[] = [];
      for (const [processor, handle] of parts) outcomes.push({ processor, result: await resultOf(handle) });
      const input = { boundary, run: context.id, processors: outcomes };
      const { uri } = await (await context.step(finalise, "finalise", input)).get();
      return { boundary: ref.name, uri, processors: outcomes };
    },
  };

  async function estimate({ boundary: ref, processors: names }: PackageInput, call: Call): Promise<Estimate> {
    const wanted = names.map((name) => processorOf(processors, name));
    return estimateOf(wanted, await boundaryOf(ref, boundaries, call), call);
  }

  return {
    package: one,
    packages: createPackagesFlow({ boundaries, one, retry }),
    redescribe: createRedescribeFlow({ ...options, retry }),
    queues: [
      { name: PACKAGE_QUEUE, perKey: 1 },
      { name: LOOK_QUEUE, perWorker: 8 },
    ],
  };
}

/** A processor that failed does not stop the others. */
async function resultOf(handle: Handle<PartOutput>): Promise<Outcome["result"]> {
  const end = await handle.settle();
  return end.ok ? end.value : { status: "failed", reason: end.error.message };
}
