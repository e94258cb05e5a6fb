import { z } from "zod";

/** Where data packages lie, and who may have them made. */
export const packages = z.strictObject({
  storage: z
    .string()
    .min(1)
    .optional()
    .describe("a folder or s3://bucket/prefix; default `packages` beside the indexes (objects, or dataDir)"),
  publicUrl: z
    .url()
    .optional()
    .describe("where clients find them: a static host or the bucket itself; default this node's /packages"),
  jobs: z.enum(["on", "off"]).default("on").describe("off: packages are only read"),
  includeTestProcessors: z.boolean().default(false).describe("test_processor and test_fail_processor are shown"),
});
