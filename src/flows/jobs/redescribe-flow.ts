import { z } from "zod";
import type { IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import type { Boundaries, Boundary } from "../boundaries/boundary.ts";
import type { Flow, Handle, Retry, Step } from "../flow.ts";
import type { PackageStore } from "../packages/package-store.ts";
import type { Processors } from "../processors/processor.ts";
import { boundaryRef } from "./boundary-ref.ts";
import { PACKAGE_QUEUE } from "./package-steps.ts";

export interface RedescribeFlowOptions {
  readonly boundaries: Boundaries;
  readonly processors: Processors;
  readonly store: PackageStore;
  readonly retry: Retry;
}

const MOST_PACKAGES = 20_000;
const AT_ONCE = 8;

const name = boundaryRef.shape.name;
const names = z.array(name).max(MOST_PACKAGES);
const input = z.strictObject({
  packages: z.union([z.literal("all"), names.min(1)]).describe("names of their boundaries, or all of them"),
});
const output = z.strictObject({ described: z.int(), failures: z.array(z.string()) });

export type RedescribeInput = z.output<typeof input>;
export type RedescribeOutput = z.output<typeof output>;

/** Pages, metadata and hashes of packages anew, from the files that are there: nothing is processed. */
export function createRedescribeFlow(options: RedescribeFlowOptions): Flow<RedescribeInput, RedescribeOutput> {
  const list = listStep(options);
  const describe = describeStep(options);
  return {
    name: "redescribe",
    title: "Describe packages anew",
    description: "Writes pages, metadata and hashes of packages anew, from the files that are there",
    input,
    output,
    steps: [list, describe],
    isPublic: true,
    async run(wanted, context) {
      const all = await (await context.step(list, "packages", wanted)).get();
      const failures: string[] = [];
      const going: { name: string; handle: Handle<null> }[] = [];
      const finishFirst = async (): Promise<void> => {
        const first = going.shift();
        const end = await first?.handle.settle();
        if (end?.ok === false) failures.push(`${first?.name}: ${end.error.message}`.slice(0, 500));
      };
      for (const one of all) {
        if (going.length === AT_ONCE) await finishFirst();
        going.push({ name: one, handle: await context.step(describe, one, { name: one }) });
      }
      while (going.length > 0) await finishFirst();
      return { described: all.length - failures.length, failures };
    },
  };
}

function listStep({ store, retry }: RedescribeFlowOptions): Step<RedescribeInput, string[]> {
  return {
    name: "list-packages",
    input,
    output: names,
    queue: PACKAGE_QUEUE,
    key: () => "",
    retry,
    async run({ packages }, { signal }) {
      if (packages !== "all") return [...new Set(packages)];
      return Array.fromAsync(store.list({ signal }));
    },
  };
}

function describeStep(options: RedescribeFlowOptions): Step<{ name: string }, null> {
  const { boundaries, processors, store, retry } = options;
  return {
    name: "redescribe-package",
    input: z.strictObject({ name }),
    output: z.null(),
    queue: PACKAGE_QUEUE,
    key: ({ name: boundary }) => boundary,
    retry,
    async run({ name: wanted }, { signal, who }) {
      const boundary =
        (await boundaries.get(wanted, { signal, who })) ?? (await ownBoundary(store, wanted, { signal }));
      if (boundary === undefined) throw new GyreError("NotFound", `Package ${wanted} not found`, { subject: wanted });
      const metadata = processors.list().map((processor) => processor.metadata);
      await store.redescribe(boundary, metadata, { signal });
      return null;
    },
  };
}

/** The area that came with the job that made a package. */
async function ownBoundary(store: PackageStore, name: string, call: IoCall): Promise<Boundary | undefined> {
  const [datapackage, geometry] = [await store.datapackage(name, call), await store.geometry(name, call)];
  return datapackage === undefined || geometry === undefined ? undefined : { ...datapackage.boundary, geometry };
}
