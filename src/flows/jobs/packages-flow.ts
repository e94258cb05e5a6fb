import { z } from "zod";
import { GyreError } from "../../errors.ts";
import type { Boundaries } from "../boundaries/boundary.ts";
import type { Flow, Handle, Retry, Step } from "../flow.ts";
import { boundaryRef } from "./boundary-ref.ts";
import { type PackageInput, type PackageOutput, processorNames } from "./package-input.ts";
import { LOOK_QUEUE } from "./part-flow.ts";

export interface PackagesFlowOptions {
  readonly boundaries: Boundaries;
  /** Makes the package of one boundary. */
  readonly one: Flow<PackageInput, PackageOutput>;
  readonly retry: Retry;
}

const MOST_BOUNDARIES = 20_000;
/** Packages on their way at once. */
const AT_ONCE = 8;
/** Reasons that a result has. */
const MOST_TOLD = 100;

const names = z.array(boundaryRef.shape.name).max(MOST_BOUNDARIES);
const input = z.strictObject({
  boundaries: z.union([z.literal("all"), names.min(1)]).describe("names of boundaries, or all of them"),
  processors: processorNames,
});
const output = z.strictObject({
  packages: z.int(),
  made: z.int().describe("datasets"),
  skipped: z.int(),
  failed: z.int(),
  failures: z.array(z.string()).describe("the first of them"),
});

export type PackagesInput = z.output<typeof input>;
export type PackagesOutput = z.output<typeof output>;

/** Packages of many boundaries as one run, which goes on where it was after anything that stops it. */
export function createPackagesFlow({
  boundaries,
  one,
  retry,
}: PackagesFlowOptions): Flow<PackagesInput, PackagesOutput> {
  const list = listStep(boundaries, retry);
  return {
    name: "packages",
    title: "Packages of many boundaries",
    description: "Makes the packages of some or of all boundaries, a few at a time",
    input,
    output,
    steps: [list],
    flows: [one],
    isPublic: true,
    async run({ boundaries: wanted, processors }, context) {
      const all = await (await context.step(list, "boundaries", { boundaries: wanted })).get();
      const tally = new Tally();
      const going: { name: string; handle: Handle<PackageOutput> }[] = [];
      const finishFirst = async (): Promise<void> => {
        const first = going.shift();
        if (first !== undefined) tally.add(first.name, await first.handle.settle());
      };
      for (const name of all) {
        if (going.length === AT_ONCE) await finishFirst();
        going.push({ name, handle: await context.flow(one, name, { boundary: { name }, processors }) });
      }
      while (going.length > 0) await finishFirst();
      return tally.result();
    },
  };
}

type ListInput = Pick<PackagesInput, "boundaries">;

function listStep(boundaries: Boundaries, retry: Retry): Step<ListInput, string[]> {
  return {
    name: "list-boundaries",
    input: input.pick({ boundaries: true }),
    output: names,
    queue: LOOK_QUEUE,
    retry,
    async run({ boundaries: wanted }, { signal, who }) {
      const known = (await boundaries.list({ signal, who })).map(({ name }) => name);
      if (wanted === "all") return known;
      const have = new Set(known);
      const missing = wanted.find((name) => !have.has(name));
      if (missing === undefined) return [...new Set(wanted)];
      throw new GyreError("NotFound", `Requested boundary ${missing} could not be found`, { subject: missing });
    },
  };
}

/** What became of all datasets of all packages. */
class Tally {
  #packages = 0;
  readonly #counts = { made: 0, skipped: 0, failed: 0 };
  readonly #failures: string[] = [];

  add(name: string, settled: Awaited<ReturnType<Handle<PackageOutput>["settle"]>>): void {
    if (!settled.ok) {
      this.#fail(`${name}: ${settled.error.message}`);
      return;
    }
    this.#packages++;
    for (const { processor, result } of settled.value.processors) {
      if (result.status === "made" || result.status === "skipped") this.#counts[result.status]++;
      else this.#fail(`${name}: ${processor}: ${result.status === "failed" ? result.reason : "cancelled"}`);
    }
  }

  result(): PackagesOutput {
    return { packages: this.#packages, ...this.#counts, failures: this.#failures };
  }

  #fail(reason: string): void {
    this.#counts.failed++;
    if (this.#failures.length < MOST_TOLD) this.#failures.push(reason.slice(0, 500));
  }
}
