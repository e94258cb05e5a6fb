import { z } from "zod";
import { bytes } from "./units.ts";

const MiB = 1024 * 1024;

/** The port that the node is reached at. */
export const listen = z.strictObject({
  host: z.string().default("127.0.0.1"),
  port: z.int().min(0).max(65535).default(8080),
});

/** What bounds memory. */
export const limits = z.strictObject({
  selection: bytes.prefault(256 * MiB).describe("most bytes that one selection answers"),
  cache: bytes.prefault(256 * MiB).describe("bytes of decoded chunks that are kept"),
  block: bytes.prefault(8 * MiB).describe("bytes of one block of a streamed reply"),
  body: bytes.prefault(16 * MiB).describe("bytes of one request's body"),
  openDatasets: z.int().positive().default(256),
  openFiles: z.int().positive().default(256),
  scanConcurrency: z.int().min(1).max(256).default(8),
});

/** Further ports. */
export const also = z.strictObject({ port: z.int().min(0).max(65535), serves: z.enum(["redirect", "ingest"]) });
