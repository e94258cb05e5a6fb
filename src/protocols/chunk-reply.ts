import type { Opened, RawChunk } from "../core/access.ts";
import type { Call } from "../core/principal.ts";
import { type ErrorTag, GyreError, isGyreError } from "../errors.ts";
import { type Conditions, isHeld, notModified, type Reply, replyWith } from "./conditional.ts";

/** Chunks change only with the whole source; a client asks again after an hour, and then mostly gets a 304. */
const CHUNK_CACHING = "public, max-age=3600";

const TAPE_RETRY_SECONDS = 10_800;
const RETRY_SECONDS = 30;

/** Answers with a chunk; what the client has already is not read. Undefined: never written. */
export async function chunkReply(
  opened: Opened,
  tag: string,
  conditions: Conditions,
  read: () => Promise<RawChunk | undefined>,
): Promise<Reply | undefined> {
  const headers: Record<string, string> = { ETag: tag, "Cache-Control": CHUNK_CACHING, ...modifiedHeader(opened) };
  if (isHeld(conditions, tag)) return notModified(headers);
  const chunk = await read();
  if (chunk === undefined) return undefined;
  headers["Content-Type"] = "application/octet-stream";
  headers["Gyre-Source"] = chunk.source;
  return replyWith(conditions, headers, chunk.bytes);
}

/** Headers of metadata documents. */
export function documentHeaders(opened: Opened): Readonly<Record<string, string>> {
  return { "Content-Type": "application/json", ...modifiedHeader(opened) };
}

/** `Last-Modified`, where it is known. */
function modifiedHeader({ modified }: Opened): Readonly<Record<string, string>> {
  return modified === undefined ? {} : { "Last-Modified": modified.toUTCString() };
}

/**
 * An error of reading as a client of chunks must see it. A Zarr client takes 404 for fill, so a file that has gone is
 * Busy like any other fault of the `tags` given.
 */
export function sourceFault(error: unknown, opened: Opened, call: Call, tags: readonly ErrorTag[]): unknown {
  if (call.signal?.aborted || !isGyreError(error, ...tags)) return error;
  const retryAfter = opened.tape ? TAPE_RETRY_SECONDS : (error.details.retryAfter ?? RETRY_SECONDS);
  return new GyreError("Busy", `${opened.id} cannot be read now: ${error.message}`, { retryAfter, cause: error });
}
