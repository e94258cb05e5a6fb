import { z } from "zod";
import { bytes, duration } from "./units.ts";

const queueName = z.string().regex(/^[a-z0-9_-]{1,50}$/, "has 1 to 50 of a-z 0-9 _ -");
const slots = z.int().min(1).max(10_000);

const queue = z.strictObject({
  perWorker: slots.optional().describe("steps at once in one process"),
  perKey: slots.optional().describe("steps at once for each key"),
  everywhere: slots.optional().describe("steps at once in all processes"),
});

/** How flows are worked on. */
export const flows = z.strictObject({
  queues: z.record(queueName, queue).default({}).describe("limits of work queues, by name"),
  listen: z.array(queueName).min(1).optional().describe("queues that this process works on; all without it"),
  concurrency: z.int().min(1).max(256).default(2).describe("steps at once in this process"),
  recycleAfter: z.int().min(1).optional().describe("steps after which `gyre worker` goes on in a fresh process"),
  expiry: duration.prefault("PT12H").describe("how long a run may wait in a queue: seconds, or like PT12H"),
  retentionDays: z.number().positive().default(30).describe("days after which runs that ended are forgotten"),
  memory: bytes
    .prefault("512MiB")
    .describe("of one step: `gyre worker` goes on in a fresh process beyond `concurrency` times this"),
  scratch: z.string().min(1).optional().describe("folder for what steps write; default in dataDir"),
  logLevel: z
    .enum(["error", "warn", "info", "debug"])
    .default("error")
    .describe("from what on the engine says something"),
});
