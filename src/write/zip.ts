import { crc32 } from "node:zlib";
import type { IoCall } from "../core/array.ts";
import { badSource, GyreError } from "../errors.ts";
import { centralEntry, descriptor, endRecords, type Header, localHeader, NEEDS_64 } from "./zip/records.ts";

/** A file of a ZIP archive. */
export interface ZipEntry {
  /** Path with slashes, as it is unpacked. */
  readonly name: string;
  readonly modified?: Date;
  /** Bytes, where that is known. */
  readonly size?: number;
  /** With `size`: the header says all before the bytes come, and readers that cannot seek can read it too. */
  readonly crc32?: number;
  /** Default false: what is stored as it is has a length that is known beforehand. */
  readonly deflate?: boolean;
  open(call?: IoCall): AsyncIterable<Uint8Array>;
}

/** Room for what deflate adds to bytes that do not compress. */
const DEFLATED_MOST = NEEDS_64 - 2 ** 24;
const MOST_NAME = 0xffff;

/**
 * A ZIP archive (APPNOTE 6.3.10), as it is built: of one entry after the other, whose bytes are held nowhere. Zip64
 * wherever sizes, offsets or their number want it.
 */
export async function* writeZip(
  entries: Iterable<ZipEntry> | AsyncIterable<ZipEntry>,
  call: IoCall = {},
): AsyncGenerator<Uint8Array, void> {
  const directory: Uint8Array[] = [];
  let offset = 0;
  for await (const entry of entries) {
    call.signal?.throwIfAborted();
    const start = offset;
    const header = headerOf(entry);
    const first = localHeader(header);
    yield first;
    offset += first.byteLength;
    const sum = { size: 0, crc32: 0 };
    let stored = 0;
    for await (const part of entry.deflate ? deflated(summed(entry, sum, call)) : summed(entry, sum, call)) {
      stored += part.byteLength;
      yield part;
    }
    offset += stored;
    const done: Header = { ...header, ...sum, compressed: stored };
    if (header.isOpen) {
      const last = descriptor(done);
      yield last;
      offset += last.byteLength;
    }
    directory.push(centralEntry(done, start));
  }
  const records = Buffer.concat(directory);
  yield records;
  yield endRecords(directory.length, offset, records.byteLength);
}

/** The length of the archive of these entries; undefined where it is known only when it is written. */
export function zipLength(entries: readonly ZipEntry[]): number | undefined {
  let offset = 0;
  let directory = 0;
  for (const entry of entries) {
    const { size } = entry;
    if (entry.deflate || size === undefined) return undefined;
    const header = headerOf(entry);
    const done = { ...header, size, compressed: size };
    directory += centralEntry(done, offset).byteLength;
    offset += localHeader(header).byteLength + size + (header.isOpen ? descriptor(done).byteLength : 0);
  }
  return offset + directory + endRecords(entries.length, offset, directory).byteLength;
}

function headerOf({ name, modified = new Date(0), size, crc32: sum, deflate = false }: ZipEntry): Header {
  const encoded = new TextEncoder().encode(name);
  if (name === "" || encoded.byteLength > MOST_NAME || /^\/|\\|\0|(?:^|\/)\.\.?(?:\/|$)/.test(name)) {
    throw new GyreError("BadRequest", `${JSON.stringify(name)} is no name for a file in an archive`, { subject: name });
  }
  const isOpen = deflate || size === undefined || sum === undefined;
  return {
    name: encoded,
    modified,
    isOpen,
    isDeflated: deflate,
    is64: size === undefined || size >= (deflate ? DEFLATED_MOST : NEEDS_64),
    size: isOpen ? 0 : size,
    compressed: isOpen ? 0 : size,
    crc32: isOpen ? 0 : sum,
  };
}

/** The bytes of an entry, which must be those that were announced. */
async function* summed(
  entry: ZipEntry,
  sum: { size: number; crc32: number },
  call: IoCall,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { name, size = Number.MAX_SAFE_INTEGER } = entry;
  for await (const part of entry.open(call)) {
    call.signal?.throwIfAborted();
    sum.size += part.byteLength;
    if (sum.size > size) throw badSource(name, size, "has more bytes than were announced");
    sum.crc32 = crc32(part, sum.crc32);
    yield part as Uint8Array<ArrayBuffer>;
  }
  if (entry.size !== undefined && sum.size !== size) throw badSource(name, sum.size, `ends before byte ${size}`);
  if (entry.crc32 !== undefined && sum.crc32 !== entry.crc32) throw badSource(name, undefined, "has changed");
}

async function* deflated(bytes: AsyncGenerator<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array> {
  try {
    yield* ReadableStream.from(bytes).pipeThrough(new CompressionStream("deflate-raw"));
  } finally {
    // The streams in between would tell it only later.
    await bytes.return(undefined);
  }
}
