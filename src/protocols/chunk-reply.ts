import type { Opened, RawChunk } from "../core/access.ts";
import type { Dataset, Variable } from "../core/array.ts";
import type { Call } from "../core/principal.ts";
import { type ErrorTag, GyreError, isGyreError } from "../errors.ts";
import { type Conditions, contentTag, isHeld, notModified, type Reply, replyWith, strongTag } from "./conditional.ts";

/** Chunks change only with the whole source; a client asks again after an hour, and then mostly gets a 304. */
const CHUNK_CACHING = "public, max-age=3600";

const TAPE_RETRY_SECONDS = 10_800;
const RETRY_SECONDS = 30;

/** Of chunks that can change by themselves. */
const MUTABLE_CACHING = "public, max-age=60";

/** A chunk's entity tag, or how it is made of the chunk where the dataset's version does not tell its bytes. */
export type ChunkTag = string | ((chunk: RawChunk) => string);

export function chunkTag({ version }: Dataset, { mutable }: Variable, key: string): ChunkTag {
  if (!mutable) return strongTag(version, key);
  return ({ bytes, etag }) => {
    return etag === undefined ? contentTag(bytes) : strongTag(version, `${key}/${etag.replaceAll('"', "")}`);
  };
}

/** Answers with a chunk; what the client has already is not read. Undefined: never written. */
export async function chunkReply(
  opened: Opened,
  tag: ChunkTag,
  conditions: Conditions,
  read: () => Promise<RawChunk | undefined>,
): Promise<Reply | undefined> {
  const isFixed = typeof tag === "string";
  const headers: Record<string, string> = isFixed
    ? { ETag: tag, "Cache-Control": CHUNK_CACHING, ...modifiedHeader(opened) }
    : { "Cache-Control": MUTABLE_CACHING };
  if (isFixed && isHeld(conditions, tag)) return notModified(headers);
  const chunk = await read();
  if (chunk === undefined) return undefined;
  headers.ETag = isFixed ? tag : tag(chunk);
  headers["Content-Type"] = "application/octet-stream";
  headers["Gyre-Source"] = chunk.source;
  const reply = replyWith(conditions, headers, chunk.bytes);
  const { kept, release } = chunk;
  return { ...reply, ...(kept !== undefined && reply.status === 200 && { kept }), ...(release && { release }) };
}

/** Headers of metadata documents. */
export function documentHeaders(opened: Opened): Readonly<Record<string, string>> {
  return { "Content-Type": "application/json", ...modifiedHeader(opened) };
}

const modifiedHeaders = new WeakMap<Date, { readonly "Last-Modified": string }>();

/** `Last-Modified`, where it is known; made once, since writing a date costs as much as finding a chunk. */
function modifiedHeader({ modified }: Opened): Readonly<Record<string, string>> {
  if (modified === undefined) return {};
  let header = modifiedHeaders.get(modified);
  if (header === undefined) modifiedHeaders.set(modified, (header = { "Last-Modified": modified.toUTCString() }));
  return header;
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
