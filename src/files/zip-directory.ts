import { badSource } from "../errors.ts";

/** One entry of a ZIP archive's central directory. */
export interface Member {
  readonly name: string;
  /** Compression method: 0 stored, 8 deflated. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc32: number;
  readonly compressed: number;
  readonly size: number;
  /** Where its local header lies. */
  readonly offset: number;
}

type Read = (offset: number, length: number) => Promise<Uint8Array>;

interface Extent {
  readonly entries: number;
  readonly offset: number;
  readonly length: number;
}

const END_SIZE = 22;
const LOCATOR_SIZE = 20;
const MAX_COMMENT = 0xffff;
/** About a million members with names of 80 bytes. */
const MAX_DIRECTORY = 128 * 1024 * 1024;

/** Reads the central directory of an archive of `size` bytes (APPNOTE 4.3.12 to 4.3.16). */
export async function readDirectory(archive: URL, size: number, read: Read): Promise<Member[]> {
  const extent = await findDirectory(archive, size, read);
  if (extent.offset + extent.length > size) throw badSource(archive, extent.offset, "the directory is cut off");
  if (extent.length > MAX_DIRECTORY || extent.entries * 46 > extent.length) {
    throw badSource(archive, extent.offset, `a directory of ${extent.entries} members in ${extent.length} bytes`);
  }
  return parseEntries(archive, extent, viewOf(await read(extent.offset, extent.length)));
}

async function findDirectory(archive: URL, size: number, read: Read): Promise<Extent> {
  const tailOffset = Math.max(0, size - END_SIZE - MAX_COMMENT - LOCATOR_SIZE);
  const tail = viewOf(await read(tailOffset, size - tailOffset));
  for (let at = tail.byteLength - END_SIZE; at >= 0; at--) {
    if (tail.getUint32(at, true) !== 0x06054b50) continue;
    if (at + END_SIZE + tail.getUint16(at + 20, true) !== tail.byteLength) continue;
    const locator = at - LOCATOR_SIZE;
    if (locator >= 0 && tail.getUint32(locator, true) === 0x07064b50) {
      return readExtent64(archive, uint64(archive, tail, locator + 8), size, read);
    }
    return {
      entries: tail.getUint16(at + 10, true),
      length: tail.getUint32(at + 12, true),
      offset: tail.getUint32(at + 16, true),
    };
  }
  throw badSource(archive, tailOffset, "no ZIP directory at the end: not a ZIP archive, or cut off");
}

async function readExtent64(archive: URL, offset: number, size: number, read: Read): Promise<Extent> {
  if (offset + 56 > size) throw badSource(archive, offset, "the ZIP64 record lies beyond the end");
  const view = viewOf(await read(offset, 56));
  if (view.getUint32(0, true) !== 0x06064b50) throw badSource(archive, offset, "no ZIP64 record here");
  return {
    entries: uint64(archive, view, 32),
    length: uint64(archive, view, 40),
    offset: uint64(archive, view, 48),
  };
}

function parseEntries(archive: URL, { entries, offset }: Extent, view: DataView): Member[] {
  const members: Member[] = [];
  let at = 0;
  for (let i = 0; i < entries; i++) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== 0x02014b50) {
      throw badSource(archive, offset + at, `member ${i} of ${entries} is not in the directory`);
    }
    const nameEnd = at + 46 + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const end = extraEnd + view.getUint16(at + 32, true);
    if (end > view.byteLength) throw badSource(archive, offset + at, "a member goes on beyond the directory");
    const flags = view.getUint16(at + 8, true);
    const name = new Uint8Array(view.buffer, view.byteOffset + at + 46, nameEnd - at - 46);
    const sizes = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
    const [size, compressed, local] = widened(archive, view, nameEnd, extraEnd, sizes) as [number, number, number];
    members.push({
      name: new TextDecoder(flags & 0x800 ? "utf-8" : "latin1").decode(name),
      method: view.getUint16(at + 10, true),
      encrypted: (flags & 1) !== 0,
      crc32: view.getUint32(at + 16, true),
      compressed,
      size,
      offset: local,
    });
    at = end;
  }
  return members;
}

/** Sizes that do not fit in 32 bits stand in the ZIP64 extra field, in the same order (APPNOTE 4.5.3). */
function widened(archive: URL, view: DataView, start: number, end: number, sizes: readonly number[]): number[] {
  if (!sizes.includes(0xffff_ffff)) return [...sizes];
  for (let at = start; at + 4 <= end; ) {
    const length = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1) {
      let field = at + 4;
      const stop = Math.min(end, field + length);
      return sizes.map((size) => {
        if (size !== 0xffff_ffff || field + 8 > stop) return size;
        field += 8;
        return uint64(archive, view, field - 8);
      });
    }
    at += 4 + length;
  }
  return [...sizes];
}

function uint64(archive: URL, view: DataView, at: number): number {
  const n = view.getBigUint64(at, true);
  if (n > BigInt(Number.MAX_SAFE_INTEGER)) throw badSource(archive, undefined, `a ZIP64 size of ${n}`);
  return Number(n);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
