import { z } from "zod";
import { boundaryRef } from "./boundary-ref.ts";
import { partOutput } from "./part-flow.ts";

/** Of one job. */
export const MOST_PROCESSORS = 200;

/** `dataset.version` of each processor, once. */
export const processorNames = z
  .array(z.string().min(1).max(200))
  .min(1)
  .max(MOST_PROCESSORS)
  .refine((names) => new Set(names).size === names.length, "duplicate processors not allowed")
  .describe("dataset.version of each");

/** What a package is asked for with. */
export const packageInput = z.strictObject({ boundary: boundaryRef, processors: processorNames });

const failed = z.strictObject({ status: z.literal("failed"), reason: z.string() });
/** What became of one processor. */
export const outcome = z.strictObject({ processor: z.string(), result: z.union([partOutput, failed]) });
export const packageOutput = z.strictObject({
  boundary: z.string(),
  uri: z.string(),
  processors: z.array(outcome),
});

export type PackageInput = z.output<typeof packageInput>;
export type PackageOutput = z.output<typeof packageOutput>;
export type Outcome = z.output<typeof outcome>;
