import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import type { IoCall } from "../core/array.ts";
import { badSource, GyreError } from "../errors.ts";
import type { FileInfo, Files, Listed } from "./files.ts";
import { byKey, urlOfKey } from "./keys.ts";
import { resolveRange, sliceRange } from "./range.ts";
import { type Member, readDirectory } from "./zip-directory.ts";

/** Where the bytes of a stored (uncompressed) member lie in the archive itself. */
export interface Place {
  readonly url: URL;
  readonly offset: number;
  readonly length: number;
  readonly etag?: string;
}

/** The members of a ZIP archive as files below `root`. */
export interface Zip extends Files {
  readonly root: URL;
  list(prefix: URL, options?: IoCall & { readonly recursive?: boolean }): AsyncIterable<Listed>;
  /** Undefined: there is no such member, or it is compressed. */
  place(url: URL, call?: IoCall): Promise<Place | undefined>;
}

export interface ZipOptions {
  /** Most bytes that a compressed member may hold. */
  readonly maxMember?: number;
}

const inflate = promisify(inflateRaw);
const ROOT = new URL("zip:///");
const STORED = 0;
const DEFLATED = 8;

/**
 * Opens a ZIP archive by ranges (APPNOTE 6.3, with ZIP64): its directory now, members when they are asked for. Names
 * that no URL can say (`..`, backslashes, absolute) are not members.
 */
export async function openZip(
  files: Files,
  archive: URL,
  { maxMember = 256 * 1024 * 1024 }: ZipOptions = {},
  call?: IoCall,
): Promise<Zip> {
  const info = await files.head(archive, call);
  if (info === undefined) throw new GyreError("NotFound", `${archive} is not there`, { source: archive.href });
  const match = info.etag === undefined ? {} : { ifMatch: info.etag };
  const tag = info.etag === undefined ? {} : { etag: info.etag };

  async function readExactly(offset: number, length: number, reader?: IoCall): Promise<Uint8Array> {
    const bytes = await files.read(archive, { offset, length }, { ...reader, ...match });
    if (bytes?.byteLength !== length) throw badSource(archive, offset, `${length} bytes are not there: cut off`);
    return bytes;
  }

  const directory = await readDirectory(archive, info.size, (offset, length) => readExactly(offset, length, call));
  const members = new Map<string, Member>();
  for (const member of directory) {
    const url = urlOfKey(ROOT, member.name);
    if (url !== undefined && !member.name.endsWith("/")) members.set(url.href, member);
  }

  /** The local header repeats the name and has extra fields of its own length (APPNOTE 4.3.7). */
  async function dataOffset(member: Member, reader?: IoCall): Promise<number> {
    const bytes = await readExactly(member.offset, 30, reader);
    const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (header.getUint32(0, true) !== 0x04034b50) throw badSource(archive, member.offset, "no member begins here");
    const offset = member.offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
    if (offset + member.compressed > info!.size) {
      throw badSource(archive, offset, `member ${member.name} goes on beyond the end of the archive`);
    }
    return offset;
  }

  async function place(url: URL, reader?: IoCall): Promise<Place | undefined> {
    const member = members.get(url.href);
    if (member?.method !== STORED || member.encrypted) return undefined;
    if (member.compressed !== member.size) throw badSource(archive, member.offset, `${member.name} has two sizes`);
    return { url: archive, offset: await dataOffset(member, reader), length: member.size, ...tag };
  }

  async function inflated(member: Member, reader?: IoCall): Promise<Uint8Array> {
    const refuse = (reason: string): GyreError => badSource(archive, member.offset, `member ${member.name} ${reason}`);
    if (member.method !== DEFLATED || member.encrypted) {
      const how = member.encrypted ? "encrypted" : `packed by method ${member.method}`;
      throw new GyreError("Unsupported", `member ${member.name} of ${archive} is ${how}`, { source: archive.href });
    }
    if (member.size > maxMember) throw refuse(`says it holds ${member.size} bytes, more than the ${maxMember} allowed`);
    const packed = await readExactly(await dataOffset(member, reader), member.compressed, reader);
    const bytes = await inflate(packed, { maxOutputLength: member.size + 1 }).catch((cause: unknown) => {
      throw refuse(`cannot be inflated: ${(cause as Error).message}`);
    });
    if (bytes.byteLength !== member.size) throw refuse(`holds ${bytes.byteLength} bytes and not ${member.size}`);
    if (crc32(bytes) !== member.crc32) throw refuse("has another checksum than the directory says");
    return bytes;
  }

  return {
    root: ROOT,
    place,
    async read(url, range, options) {
      const member = members.get(url.href);
      if (member === undefined) return undefined;
      const stored = await place(url, options);
      if (stored === undefined) return sliceRange(await inflated(member, options), range);
      const { start, end } = resolveRange(range, stored.length);
      return readExactly(stored.offset + start, end - start, options);
    },
    async head(url): Promise<FileInfo | undefined> {
      const member = members.get(url.href);
      return member === undefined ? undefined : { size: member.size, ...tag };
    },
    async *list(prefix, options) {
      yield* listMembers(members, prefix, tag, options?.recursive ?? false);
    },
  };
}

function listMembers(
  members: ReadonlyMap<string, Member>,
  prefix: URL,
  tag: { readonly etag?: string },
  recursive: boolean,
): Listed[] {
  const found = new Map<string, Listed>();
  for (const [href, { size }] of members) {
    if (!href.startsWith(prefix.href)) continue;
    const cut = recursive ? -1 : href.indexOf("/", prefix.href.length);
    if (cut < 0) found.set(href, { url: new URL(href), info: { size, ...tag } });
    else found.set(href.slice(0, cut + 1), { url: new URL(href.slice(0, cut + 1)) });
  }
  return [...found.values()].sort((a, b) => byKey(a.url, b.url));
}
