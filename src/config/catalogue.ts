import { z } from "zod";

/** Where webhooks may lead. */
export const subscriptions = z.strictObject({
  allow: z.array(z.url()).default([]).describe("where webhooks may lead: beginnings of addresses; none without it"),
  private: z.boolean().default(false).describe("webhooks may lead to this machine and its network"),
});

/** Which documents are good enough. */
export const validation = z.strictObject({
  policy: z
    .enum(["off", "warn", "refuse"])
    .default("warn")
    .describe("for published schemas; STAC itself is always checked"),
  collections: z.record(z.string(), z.enum(["off", "warn", "refuse"])).default({}),
  schemas: z
    .string()
    .min(1)
    .optional()
    .describe("where schemas are kept: a folder or s3://bucket/prefix; default in dataDir"),
});

/** The catalogue as clients see it. */
export const catalogue = z.strictObject({
  id: z.string().min(1).max(200).optional(),
  title: z.string().max(500).optional(),
  description: z.string().max(5000).optional(),
  writable: z.boolean().default(true).describe("false: the node only follows, and writes answer 405"),
});
