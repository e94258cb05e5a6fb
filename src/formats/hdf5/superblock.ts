import { badSource } from "../../errors.ts";
import { verifyChecksum } from "./checksum.ts";
import { Cursor } from "./cursor.ts";
import type { Reader } from "./reader.ts";

/** II.A Disk Format: Level 0A - Format Signature and Superblock. */
export interface Superblock {
  readonly version: number;
  /** Where addresses count from: the superblock's own offset, whatever the file says (a user block may have moved). */
  readonly base: number;
  readonly offsetSize: number;
  readonly lengthSize: number;
  /** Address of the root group's object header. */
  readonly root: number;
  /** Address of the superblock extension's object header. */
  readonly extension: number | undefined;
  /** Half the entries of a chunk B-tree's full node, from which its size follows; the extension may say another. */
  readonly chunkTreeRank: number;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** Longest superblock: version 1 with 8-byte offsets. */
const LONGEST = 100;
const DEFAULT_CHUNK_RANK = 32;

/** Where in these first bytes of a file its superblock begins: at 0, 512, 1024, 2048, ... */
export function findSignature(head: Uint8Array): number | undefined {
  for (let at = 0; at + SIGNATURE.length <= head.byteLength; at = nextPlace(at)) {
    if (SIGNATURE.every((byte, i) => head[at + i] === byte)) return at;
  }
  return undefined;
}

function nextPlace(at: number): number {
  return at === 0 ? 512 : at * 2;
}

export async function readSuperblock(reader: Reader): Promise<Superblock> {
  const base = await locate(reader);
  const bytes = await reader.read(base, Math.min(LONGEST, reader.size - base));
  const version = bytes[8]!;
  const modern = version >= 2;
  if (version > 3) throw badSource(reader.url, base + 8, `superblock version ${version} is unknown`);
  const offsetSize = bytes[modern ? 9 : 13] ?? 0;
  const lengthSize = bytes[modern ? 10 : 14] ?? 0;
  if (![2, 4, 8].includes(offsetSize) || ![2, 4, 8].includes(lengthSize)) {
    throw badSource(reader.url, base + (modern ? 9 : 13), `offsets of ${offsetSize}, lengths of ${lengthSize} bytes`);
  }
  const cursor = new Cursor(bytes, { url: reader.url, offsetSize, lengthSize }, base);
  const found = modern ? readModern(cursor) : readOld(cursor, version);
  const end = base + found.end - found.base;
  if (end > reader.size) {
    throw badSource(reader.url, reader.size, `truncated: the superblock says that the file has ${end} bytes`);
  }
  const { root, extension, chunkTreeRank } = found;
  return { version, base, offsetSize, lengthSize, root, extension, chunkTreeRank };
}

async function locate(reader: Reader): Promise<number> {
  for (let at = 0; at + SIGNATURE.length <= reader.size; at = nextPlace(at)) {
    const bytes = await reader.read(at, SIGNATURE.length);
    if (SIGNATURE.every((byte, i) => bytes[i] === byte)) return at;
  }
  throw badSource(reader.url, 0, "no HDF5 signature");
}

interface Found {
  readonly base: number;
  readonly end: number;
  readonly root: number;
  readonly extension: number | undefined;
  readonly chunkTreeRank: number;
}

/** Versions 2 and 3. */
function readModern(cursor: Cursor): Found {
  cursor.skip(12);
  const base = required(cursor, "base address");
  const extension = cursor.address();
  const end = required(cursor, "end-of-file address");
  const root = required(cursor, "root group address");
  verifyChecksum(cursor);
  return { base, end, root, extension, chunkTreeRank: DEFAULT_CHUNK_RANK };
}

/** Versions 0 and 1. */
function readOld(cursor: Cursor, version: number): Found {
  cursor.skip(24);
  const chunkTreeRank = version === 1 ? cursor.u16() : DEFAULT_CHUNK_RANK;
  if (version === 1) cursor.skip(2);
  const base = required(cursor, "base address");
  cursor.address();
  const end = required(cursor, "end-of-file address");
  cursor.address();
  // The root group's symbol table entry: its link name counts for nothing.
  cursor.address();
  const root = required(cursor, "root group address");
  return { base, end, root, extension: undefined, chunkTreeRank };
}

function required(cursor: Cursor, what: string): number {
  const address = cursor.address();
  if (address === undefined) throw cursor.fail(`the ${what} is undefined`);
  return address;
}
