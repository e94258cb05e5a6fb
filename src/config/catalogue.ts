import { z } from "zod";

/** Where webhooks may lead. */
export const subscriptions = z.strictObject({
  allow: z.array(z.url()).default([]).describe("where webhooks may lead: beginnings of addresses; none without it"),
  private: z.boolean().default(false).describe("webhooks may lead to this machine and its network"),
});

/** What secrets in the database are sealed with. */
export const secretKeys = z
  .array(z.string().regex(/^[0-9a-fA-F]{64}$/, "is no key: 64 hexadecimal digits, as of openssl rand -hex 32"))
  .max(20)
  .describe("seal the secrets of webhooks: the first does, all open; default in dataDir");

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

const languageTag = z.string().regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/, "is no language tag (RFC 5646)");

/** The catalogue as clients see it. */
export const catalogue = z.strictObject({
  id: z.string().min(1).max(200).optional(),
  title: z.string().max(500).optional(),
  description: z.string().max(5000).optional(),
  language: languageTag.default("en").describe("of title and description"),
  translations: z
    .record(
      languageTag,
      z.strictObject({ title: z.string().max(500).optional(), description: z.string().max(5000).optional() }),
    )
    .default({})
    .describe("title and description in other languages, for clients that ask for them"),
  writable: z.boolean().default(true).describe("false: the node only follows, and writes answer 405"),
});
