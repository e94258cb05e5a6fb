import { createReadStream, createWriteStream } from "node:fs";
import { basename, extname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import type { IoCall } from "../core/array.ts";
import { badSource, GyreError } from "../errors.ts";
import { type Member, readDirectory } from "../files/zip-directory.ts";
import { LocalFile } from "./local-file.ts";

const [STORED, DEFLATED] = [0, 8];
const MOST_MEMBERS = 10_000;

/** What to take out of an archive. */
export interface Wanted {
  /** Extensions in lower case, with a dot. */
  readonly extensions: ReadonlySet<string>;
  /** Bytes of all together, unpacked. */
  readonly mostBytes: number;
}

/**
 * Unpacks members of a ZIP archive into a folder, streamed, and answers their paths. Members of the same name but for the
 * extension, as the parts of a shapefile are, stay so. Folders of the archive make no folders; names are ours.
 */
export async function unpack(
  path: string,
  folder: string,
  wanted: Wanted,
  call: IoCall = {},
): Promise<readonly string[]> {
  await using archive = await LocalFile.open(path);
  const members = await readDirectory(
    new URL(`zip:///${encodeURIComponent(archive.name)}`),
    archive.size,
    (offset, length) => archive.read(offset, length),
  );
  const chosen = members.filter(({ name }) => isOrdinary(name) && wanted.extensions.has(extname(name).toLowerCase()));
  if (chosen.length > MOST_MEMBERS)
    throw new GyreError("TooLarge", `${archive.name} holds ${chosen.length} vector files`);
  const bytes = chosen.reduce((sum, { size }) => sum + size, 0);
  if (bytes > wanted.mostBytes)
    throw new GyreError("TooLarge", `${archive.name} holds ${bytes} bytes, more than the ${wanted.mostBytes} allowed`);
  const paths: string[] = [];
  const stems = new Map<string, string>();
  for (const member of chosen) {
    const target = join(folder, fileName(member.name, stems));
    if (paths.includes(target)) continue;
    await unpackMember(archive, member, target, call);
    paths.push(target);
  }
  return paths;
}

/** Folders, and what macOS adds to an archive, are passed over. */
function isOrdinary(name: string): boolean {
  return !name.endsWith("/") && !/(^|\/)(__MACOSX\/|\.)/.test(name);
}

/** A plain name, the same for the same stem. */
function fileName(name: string, stems: Map<string, string>): string {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  let plain = stems.get(stem.toLowerCase());
  if (plain === undefined) {
    const shown =
      basename(stem.replaceAll("\\", "/"))
        .replace(/[^\p{L}\p{N} ._-]/gu, "_")
        .slice(0, 100) || "layer";
    plain = [...stems.values()].includes(shown) ? `${shown}_${stems.size + 1}` : shown;
    stems.set(stem.toLowerCase(), plain);
  }
  return plain + extension.toLowerCase();
}

async function unpackMember(archive: LocalFile, member: Member, target: string, { signal }: IoCall): Promise<void> {
  if (member.encrypted || ![STORED, DEFLATED].includes(member.method)) {
    const how = member.encrypted ? "encrypted" : `packed by method ${member.method}`;
    throw new GyreError("Unsupported", `member ${member.name} of ${archive.name} is ${how}`);
  }
  const refuse = (reason: string): GyreError =>
    badSource(archive.name, member.offset, `member ${member.name} ${reason}`);
  // The local header repeats the name and has extra fields of its own length (APPNOTE 4.3.7).
  const head = await archive.read(member.offset, 30);
  const view = new DataView(head.buffer);
  if (view.getUint32(0, true) !== 0x04034b50) throw refuse("does not begin where it should");
  const start = member.offset + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + member.compressed > archive.size) throw refuse("is cut off");
  const check = checked(member, refuse);
  const end = start + member.compressed - 1;
  const packed = end < start ? Readable.from([]) : createReadStream(archive.path, { start, end });
  const [output, options] = [createWriteStream(target), signal === undefined ? {} : { signal }];
  const work =
    member.method === STORED
      ? pipeline(packed, check, output, options)
      : pipeline(packed, createInflateRaw(), check, output, options);
  await work.catch((error: unknown) => {
    const isBroken = (error as NodeJS.ErrnoException).code?.startsWith("Z_") === true;
    throw isBroken ? refuse(`cannot be inflated: ${(error as Error).message}`) : error;
  });
}

/** Lets bytes through as long as they are as many, and such, as the directory says. */
function checked(member: Member, refuse: (reason: string) => GyreError) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let [bytes, crc] = [0, 0];
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > member.size) throw refuse(`holds more than ${member.size} bytes`);
      crc = crc32(chunk, crc);
      yield chunk;
    }
    if (bytes !== member.size) throw refuse(`holds ${bytes} bytes and not ${member.size}`);
    if (crc !== member.crc32) throw refuse("has another checksum than the directory says");
  };
}
