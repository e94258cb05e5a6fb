import { z } from "zod";

/** What names a dataset. */
export const datasetId = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, "has characters other than A-Z a-z 0-9 . _ -, or a dot in front");

const newDimension = z.strictObject({
  name: z.string().min(1),
  values: z.array(z.union([z.number(), z.string()])).optional(),
  pattern: z.string().max(500).optional().describe("a regular expression over the member's address"),
});

/** Many files as one dataset. */
export const cube = z
  .strictObject({
    id: datasetId,
    glob: z.union([z.string(), z.array(z.string()).min(1)]).describe("members: addresses with *, ** and ?"),
    concat: z.string().min(1).optional().describe("the existing dimension along which members follow each other"),
    newDim: newDimension.optional(),
    drop: z.array(z.string()).optional(),
    tape: z.boolean().optional(),
  })
  .refine((c) => c.concat === undefined || c.newDim === undefined, "takes either concat or newDim");

/** A dataset under a name of its own. */
export const dataset = z.strictObject({
  source: z.string().min(1),
  tape: z.boolean().optional().describe("the source lies on tape: faults answer with a long Retry-After"),
  drop: z.array(z.string()).optional().describe("variables left out, by name or pattern"),
});

/** A catalogue whose entries are datasets here. */
export const catalog = z.strictObject({
  source: z.string().min(1),
  id: z.string().optional().describe("pattern for ids: {id} is the entry's own, {name} any of its parameters"),
  allow: z.array(z.string()).optional().describe("entries taken, by name or pattern; all without it"),
  drop: z.array(z.string()).optional(),
  maxEntries: z.int().positive().optional(),
});
