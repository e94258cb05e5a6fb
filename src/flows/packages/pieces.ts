import type { IoCall } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import type { ByteRange, FileInfo, Files } from "../../files/files.ts";

/** Held of a file at once: large enough that asking a far store for the next one is seldom. */
const PIECE = 4 * 1024 * 1024;

/**
 * The bytes of a stored file, one piece in memory at a time. All are of the state that `info` tells: where the file is
 * replaced in between the stream fails.
 */
export async function* pieces(
  files: Files,
  url: URL,
  info: FileInfo,
  range: ByteRange = { offset: 0 },
  call: IoCall = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { size, etag } = info;
  const from = "suffix" in range ? Math.max(0, size - range.suffix) : Math.min(range.offset, size);
  const length = "suffix" in range ? range.suffix : (range.length ?? size);
  const end = Math.min(size, from + length);
  const options = { ...call, ...(etag === undefined ? {} : { ifMatch: etag }) };
  for (let offset = from; offset < end; ) {
    const part = await files.read(url, { offset, length: Math.min(PIECE, end - offset) }, options);
    if (part === undefined || part.byteLength === 0) throw badSource(url, offset, "went away while it was read");
    offset += part.byteLength;
    yield part as Uint8Array<ArrayBuffer>;
  }
}
