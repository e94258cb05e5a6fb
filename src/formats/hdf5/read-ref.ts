import type { ChunkRef, IoCall } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import type { Environment } from "./file.ts";

/** The stored bytes of a chunk, of the same file that it was located in. */
export async function readRef({ files }: Environment, ref: ChunkRef, call: IoCall | undefined): Promise<Uint8Array> {
  if ("inline" in ref) return ref.inline;
  const { url, offset, length, etag } = ref;
  const options = { ...call, ...(etag === undefined ? {} : { ifMatch: etag }) };
  const bytes = await files.read(url, { offset, length }, options);
  if (bytes?.byteLength !== length) throw badSource(url, offset, `${length} bytes of a chunk are not there`);
  return bytes;
}
