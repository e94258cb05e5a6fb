import { z } from "zod";
import type { Boundaries } from "../boundaries/boundary.ts";
import type { Retry, Step } from "../flow.ts";
import type { PackageStore, ProvenanceLog } from "../packages/package-store.ts";
import type { Processors } from "../processors/processor.ts";
import { boundaryOf, boundaryRef } from "./boundary-ref.ts";
import { processorOf } from "./dataset-flow.ts";
import { outcome, type PackageInput, packageInput } from "./package-input.ts";

export interface PackageStepOptions {
  readonly boundaries: Boundaries;
  readonly processors: Processors;
  readonly store: PackageStore;
  readonly retry: Retry;
}

/** What changes a package as a whole: one at a time for each boundary. */
export const PACKAGE_QUEUE = "packages";

/** Makes the package where there is none; the digest pins the boundary for all that follows. */
export function setUpStep(options: PackageStepOptions): Step<PackageInput, { digest: string }> {
  const { boundaries, processors, store, retry } = options;
  return {
    name: "package-setup",
    input: packageInput,
    output: z.strictObject({ digest: z.string() }),
    queue: PACKAGE_QUEUE,
    key: ({ boundary }) => boundary.name,
    retry,
    async run({ boundary: ref, processors: names }, { signal, who }) {
      for (const name of names) processorOf(processors, name);
      const boundary = await boundaryOf(ref, boundaries, { signal, who });
      await store.setUp(boundary, { signal });
      return { digest: boundary.digest };
    },
  };
}

const finaliseInput = z.strictObject({ boundary: boundaryRef, run: z.string(), processors: z.array(outcome) });
type FinaliseInput = z.output<typeof finaliseInput>;

/** Writes down what became of each processor, whatever failed. */
export function finaliseStep({ store, retry }: PackageStepOptions): Step<FinaliseInput, { uri: string }> {
  return {
    name: "package-finalise",
    input: finaliseInput,
    output: z.strictObject({ uri: z.string() }),
    queue: PACKAGE_QUEUE,
    key: ({ boundary }) => boundary.name,
    retry,
    async run({ boundary: { name, digest }, run, processors }, { signal }) {
      const logs: ProvenanceLog[] = [
        { boundary_processor: { boundary: name, digest, run } },
        ...processors.map(({ processor, result }) => ({ [processor]: result })),
        { provenance_processor: { "updated in backend": true } },
      ];
      await store.addProvenance(name, logs, { signal });
      return { uri: store.url(name).href };
    },
  };
}
