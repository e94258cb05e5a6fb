import { z } from "zod";
import type { Boundaries } from "../boundaries/boundary.ts";
import type { Flow, FlowContext, Retry, Step } from "../flow.ts";
import type { PackageStore } from "../packages/package-store.ts";
import type { Processors } from "../processors/processor.ts";
import type { Runs } from "../runs.ts";
import { boundaryOf, boundaryRef } from "./boundary-ref.ts";
import { type DatasetInput, type Made, processorOf, queueOf } from "./dataset-flow.ts";
import { attemptsOf, unitName } from "./unit.ts";

export interface PartFlowOptions {
  readonly boundaries: Boundaries;
  readonly processors: Processors;
  readonly store: PackageStore;
  /** Of the engine that runs these flows. */
  runs(): Pick<Runs, "get">;
  readonly dataset: Flow<DatasetInput, Made>;
  readonly retry: Retry;
}

/** Of steps that only look: they wait for no work. */
export const LOOK_QUEUE = "looks";

/** A source that changes more often than it can be read is given up. */
const MOST_LOOKS = 3;

const input = z.strictObject({ boundary: boundaryRef, processor: z.string().max(200) });
const made = z.strictObject({
  status: z.literal("made"),
  /** That made it. */
  run: z.string(),
  uri: z.string(),
  files: z.int(),
  bytes: z.int(),
  isEmpty: z.boolean(),
  replaced: z.boolean(),
  notes: z.array(z.string()),
});
const skipped = z.strictObject({
  status: z.literal("skipped"),
  reason: z.string(),
  /** That makes it, or made it, where it is known still. */
  run: z.string().optional(),
});
const cancelled = z.strictObject({ status: z.literal("cancelled"), run: z.string() });
/** What became of one processor of a job. */
export const partOutput = z.discriminatedUnion("status", [made, skipped, cancelled]);

export type PartInput = z.output<typeof input>;
export type PartOutput = z.output<typeof partOutput>;

const lookOutput = z.strictObject({
  sourceDigest: z.string(),
  queue: z.string(),
  /** The run that makes it, or is to. */
  unit: z.string(),
  /** It is in the package already; made by this run, where it is known still. */
  present: z.strictObject({ run: z.string().optional() }).optional(),
});
type Look = z.output<typeof lookOutput>;

/** One processor of a job: finds out what is to be made, and makes it unless it is there or another run makes it. */
export function createPartFlow(options: PartFlowOptions): Flow<PartInput, PartOutput> {
  const look = lookStep(options);
  return {
    name: "package-part",
    title: "One processor of a job",
    description: "Makes a dataset unless the package has it or another run makes it",
    input,
    output: partOutput,
    steps: [look],
    flows: [options.dataset],
    async run(wanted, context) {
      for (let round = 1; ; round++) {
        const found = await (await context.step(look, `look-${round}`, wanted)).get();
        if (found.present !== undefined) return skip("the package has it", found.present.run);
        const child = await startDataset(wanted, found, round, context);
        if (!child.isNew) return skip("another run makes it", child.id);
        const settled = await child.settle();
        if (!settled.ok && settled.isCancelled) return { status: "cancelled", run: child.id };
        const isStale = !settled.ok && settled.error.tag === "PreconditionFailed" && round < MOST_LOOKS;
        if (!isStale) return { status: "made", run: child.id, ...(await child.get()) };
      }
    },
  };

  function startDataset(
    { boundary, processor }: PartInput,
    { sourceDigest, queue, unit }: Look,
    round: number,
    context: FlowContext,
  ) {
    return context.flow(
      options.dataset,
      `dataset-${round}`,
      { boundary, processor, sourceDigest, queue },
      { id: unit },
    );
  }
}

function skip(reason: string, run: string | undefined): PartOutput {
  return { status: "skipped", reason, ...(run === undefined ? {} : { run }) };
}

function lookStep({ boundaries, processors, store, runs, retry }: PartFlowOptions): Step<PartInput, Look> {
  return {
    name: "look",
    input,
    output: lookOutput,
    queue: LOOK_QUEUE,
    retry,
    async run({ boundary: ref, processor: name }, context) {
      const { signal, who } = context;
      const call = { signal, who };
      const boundary = await boundaryOf(ref, boundaries, call);
      const processor = processorOf(processors, name);
      const sourceDigest = await processor.sourceDigest(call);
      context.used({ id: processor.metadata.originUrl, digest: sourceDigest });
      const { name: packageName, digest: boundaryDigest } = boundary;
      const unit = unitName({ boundary: packageName, boundaryDigest, processor: name, sourceDigest });
      const attempts = await attemptsOf(unit, async (id) => (await runs().get(id, call))?.state);
      const look: Look = { sourceDigest, queue: queueOf(processor), unit: attempts.id };
      // After the runs: what ended before they were asked is in the package by now.
      const { dataset, version } = processor.metadata;
      const isPresent = (await store.datasets(packageName, { signal })).some(
        (one) =>
          one.dataset === dataset &&
          one.version === version &&
          one.sourceDigest === sourceDigest &&
          one.boundaryDigest === boundaryDigest,
      );
      if (!isPresent || attempts.goesOn) return look;
      return { ...look, present: attempts.ended === undefined ? {} : { run: attempts.ended } };
    },
  };
}
