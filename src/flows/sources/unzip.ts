import { createReadStream, createWriteStream } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import type { IoCall } from "../../core/array.ts";
import { badSource, GyreError, isGyreError } from "../../errors.ts";
import { urlOfKey } from "../../files/keys.ts";
import { type Member, readDirectory } from "../../files/zip-directory.ts";
import { withoutRoom } from "./download.ts";
import { Checksums } from "./wanted.ts";

const STORED = 0;
const DEFLATED = 8;
const LOCAL_HEADER = 30;
const ROOT = new URL("zip:///");

/** Members of a fetched ZIP archive whose names are names of files; `source` is what errors call it. */
export async function membersOf(path: string, source: URL): Promise<readonly Member[]> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const directory = await readDirectory(source, size, async (offset, length) => {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, offset);
      if (bytesRead !== length) throw badSource(source, offset, `${length} bytes are not there: cut off`);
      return buffer;
    });
    return directory.filter(({ name }) => !name.endsWith("/") && urlOfKey(ROOT, name) !== undefined);
  } finally {
    await handle.close();
  }
}

/** Unpacks one member, never beyond the size that the directory says, and answers its `sha256:...`. */
export async function unpack(
  archive: string,
  member: Member,
  target: string,
  { source, checksum, signal }: { readonly source: URL; readonly checksum?: string } & IoCall,
): Promise<string> {
  const refuse = (reason: string): GyreError => badSource(source, member.offset, `member ${member.name} ${reason}`);
  if (member.encrypted || (member.method !== STORED && member.method !== DEFLATED)) {
    const how = member.encrypted ? "encrypted" : `packed by method ${member.method}`;
    throw new GyreError("Unsupported", `member ${member.name} of ${source} is ${how}`, { source: source.href });
  }
  const start = await dataOffset(archive, member, refuse);
  const checksums = new Checksums(checksum);
  let bytes = 0;
  let crc = 0;
  async function* checked(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of parts) {
      bytes += part.byteLength;
      if (bytes > member.size) throw refuse(`holds more than the ${member.size} bytes it says`);
      crc = crc32(part, crc);
      checksums.update(part);
      yield part;
    }
  }
  try {
    if (member.compressed === 0) await writeFile(target, "");
    else {
      const packed = createReadStream(archive, { start, end: start + member.compressed - 1 });
      const plain = member.method === STORED ? new PassThrough() : createInflateRaw();
      await pipeline(packed, plain, checked, createWriteStream(target), signal === undefined ? {} : { signal });
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (isGyreError(cause) || isOfSystem(cause)) throw withoutRoom(cause, source);
    throw refuse(`cannot be inflated: ${(cause as Error).message}`);
  }
  if (bytes !== member.size) throw refuse(`holds ${bytes} bytes and not ${member.size}`);
  if (crc !== member.crc32) throw refuse("has another checksum than the directory says");
  return checksums.finish(`${source}/${member.name}`);
}

/** The local header repeats the name and has extra fields of its own length (APPNOTE 4.3.7). */
async function dataOffset(path: string, member: Member, refuse: (reason: string) => GyreError): Promise<number> {
  const handle = await open(path);
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(LOCAL_HEADER), 0, LOCAL_HEADER, member.offset);
    const header = new DataView(buffer.buffer, buffer.byteOffset, bytesRead);
    if (bytesRead < LOCAL_HEADER || header.getUint32(0, true) !== 0x04034b50)
      throw refuse("does not begin where it should");
    const offset = member.offset + LOCAL_HEADER + header.getUint16(26, true) + header.getUint16(28, true);
    if (offset + member.compressed > (await handle.stat()).size) throw refuse("goes on beyond the end of the archive");
    return offset;
  } finally {
    await handle.close();
  }
}

/** Of the disk, not of the archive; zlib's errors have codes that begin with Z or ERR_. */
function isOfSystem(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== undefined;
}
