import { z } from "zod";
import { GyreError } from "../../errors.ts";
import type { Boundaries } from "../boundaries/boundary.ts";
import type { Flow, Retry, Step, StepContext } from "../flow.ts";
import type { PackageStore } from "../packages/package-store.ts";
import type { Processor, Processors } from "../processors/processor.ts";
import { boundaryOf, boundaryRef } from "./boundary-ref.ts";

export interface DatasetFlowOptions {
  readonly boundaries: Boundaries;
  readonly processors: Processors;
  readonly store: PackageStore;
  /** How a dataset that failed is tried again. */
  readonly retry: Retry;
}

/** The queue of processors that name none. */
const CORE = "core";
const MOST_NOTES = 100;
const MOST_NOTE = 500;

const input = z.strictObject({
  boundary: boundaryRef,
  processor: z.string().max(200),
  sourceDigest: z.string().max(500),
  queue: z.string().max(100),
});
const output = z.strictObject({
  /** Where it is in the package. */
  uri: z.string(),
  files: z.int(),
  bytes: z.int(),
  isEmpty: z.boolean(),
  /** There was one of an earlier source or boundary. */
  replaced: z.boolean(),
  notes: z.array(z.string()),
});

export type DatasetInput = z.output<typeof input>;
export type Made = z.output<typeof output>;

/** The queue that a processor's work waits in. */
export function queueOf({ queue = CORE }: Processor): string {
  return queue;
}

/** Throws BadRequest with the founding system's text when there is none. */
export function processorOf(processors: Processors, name: string): Processor {
  const found = processors.get(name);
  if (found === undefined) throw new GyreError("BadRequest", `Invalid processor.version: ${name}`, { subject: name });
  return found;
}

/** The unit of work: one dataset version for one boundary from one state of its source. */
export function createDatasetFlow(options: DatasetFlowOptions): Flow<DatasetInput, Made> {
  const queues = new Set([CORE, ...options.processors.list().map(queueOf)]);
  const steps = new Map([...queues].map((queue) => [queue, generateStep(queue, options)]));
  return {
    name: "dataset",
    title: "A dataset of a package",
    description: "Makes one version of a dataset for a boundary and puts it into the boundary's package",
    input,
    output,
    steps: [...steps.values()],
    async run(wanted, context) {
      const step = steps.get(wanted.queue);
      if (step === undefined) throw new GyreError("NotFound", `no processor works in queue ${wanted.queue}`);
      return (await context.step(step, "generate", { ...wanted, run: context.id })).get();
    },
  };
}

const generateInput = input.extend({ run: z.string() });
type GenerateInput = z.output<typeof generateInput>;

/** A step's queue is fixed, so there is one for each. */
function generateStep(
  queue: string,
  { boundaries, processors, store, retry }: DatasetFlowOptions,
): Step<GenerateInput, Made> {
  return {
    name: queue === CORE ? "generate" : `generate-${queue}`,
    input: generateInput,
    output,
    queue,
    key: ({ boundary }) => boundary.name,
    retry,
    async run({ boundary: ref, processor: name, sourceDigest, run }, context) {
      const { signal, who } = context;
      const boundary = await boundaryOf(ref, boundaries, { signal, who });
      const processor = processorOf(processors, name);
      const folder = await context.scratch();
      const { metadata, options } = processor;
      const generated = await processor.generate({ boundary, folder, fileName: namesOf(processor, ref.name) }, context);
      await checkSource(processor, sourceDigest, context);
      context.progress({ percent: 95, text: "Moving into the package" });
      const made = { boundary, metadata, sourceDigest, folder, generated, run, signal, ...(options && { options }) };
      const { replaced, bytes, files } = await store.publish(made);
      const uri = store.url(boundary.name, `datasets/${metadata.dataset}/${metadata.version}/`).href;
      context.generated({ id: uri, bytes });
      const notes = generated.notes.slice(0, MOST_NOTES).map((note) => note.slice(0, MOST_NOTE));
      return { uri, files, bytes, isEmpty: generated.isEmpty, replaced, notes };
    },
  };
}

/** What was read while it changed is of no state at all. Not tried again here: it is another unit of work now. */
async function checkSource(processor: Processor, expected: string, { signal, who }: StepContext): Promise<void> {
  const now = await processor.sourceDigest({ signal, who });
  if (now === expected) return;
  const { dataset, version } = processor.metadata;
  throw new GyreError("PreconditionFailed", `the source of ${dataset}.${version} changed while it was read`);
}

/** The founding system's names: `<dataset>-<version>[-<sub>]-<boundary>.<ext>`. */
function namesOf({ metadata: { dataset, version } }: Processor, boundary: string) {
  return (extension: string, sub?: string): string =>
    `${[dataset, version, ...(sub === undefined ? [] : [sub]), boundary].join("-")}.${extension}`;
}
