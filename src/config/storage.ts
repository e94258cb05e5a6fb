import { z } from "zod";

/** How buckets of S3 are reached. */
export const s3 = z.strictObject({
  endpoint: z.url().optional(),
  region: z.string().default("us-east-1"),
  accessKeyId: z.string().optional(),
  secretAccessKey: z.string().optional(),
  sessionToken: z.string().optional(),
  pathStyle: z.boolean().default(true),
  anonymous: z.boolean().default(false),
});

/** How containers of OpenStack Swift are reached. */
export const swift = z.strictObject({
  authUrl: z.url(),
  region: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  userDomain: z.string().default("Default"),
  project: z.string().optional(),
  projectDomain: z.string().default("Default"),
  token: z.string().optional(),
});
