import { promisify } from "node:util";
import { crc32, zstdCompress, zstdDecompress } from "node:zlib";
import type { IoCall } from "../../core/array.ts";
import type { Files } from "../../files/files.ts";

/**
 * The file of an index: magic, version, length and checksum of the head; the head (JSON, zstd); sections (zstd), each
 * with its place, sizes and checksum in the head, so that one variable's table can be read without the others.
 */
const MAGIC = Buffer.from("GYREIDX\n");
/** Part of the address as well: an older node and a newer one do not disturb each other. */
export const INDEX_VERSION = 2;
const PRELUDE = MAGIC.length + 16;
/** Read at once: the head of most files is in it, and the sections of small ones. */
const FIRST_READ = 64 * 1024;
/** Smaller sections are kept as they are, which their length says. */
const WORTH_COMPRESSING = 4096;
const MAX_HEAD = 512 * 1024 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

interface Place {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  readonly size: number;
  readonly crc: number;
}

export interface Container {
  readonly head: unknown;
  /** Undefined: there is no such section, or it is damaged. */
  section(name: string, call?: IoCall): Promise<Uint8Array | undefined>;
}

export async function packContainer(
  head: unknown,
  sections: Iterable<readonly [string, Uint8Array]>,
): Promise<Uint8Array> {
  const places: Place[] = [];
  const bodies: Uint8Array[] = [];
  let offset = 0;
  for (const [name, raw] of sections) {
    const body = raw.length < WORTH_COMPRESSING ? raw : await compress(raw);
    places.push({ name, offset, length: body.length, size: raw.length, crc: crc32(raw) });
    bodies.push(body);
    offset += body.length;
  }
  const text = Buffer.from(JSON.stringify({ head, places }));
  const packed = text.length < WORTH_COMPRESSING ? text : await compress(text);
  const prelude = Buffer.alloc(PRELUDE);
  MAGIC.copy(prelude);
  prelude.writeUInt32LE(INDEX_VERSION, 8);
  prelude.writeUInt32LE(packed.length, 12);
  prelude.writeUInt32LE(text.length, 16);
  prelude.writeUInt32LE(crc32(text), 20);
  return new Uint8Array(Buffer.concat([prelude, packed, ...bodies]));
}

/** Undefined when there is none, when it is of another version, or damaged: then it is built again. */
export async function openContainer(files: Files, url: URL, call?: IoCall): Promise<Container | undefined> {
  const first = await files.read(url, { offset: 0, length: FIRST_READ }, call);
  if (first === undefined || first.length < PRELUDE) return undefined;
  const prelude = Buffer.from(first.buffer, first.byteOffset, PRELUDE);
  if (!prelude.subarray(0, 8).equals(MAGIC) || prelude.readUInt32LE(8) !== INDEX_VERSION) return undefined;
  const [length, size, crc] = [prelude.readUInt32LE(12), prelude.readUInt32LE(16), prelude.readUInt32LE(20)];
  if (size > MAX_HEAD || length > MAX_HEAD) return undefined;
  const start = PRELUDE + length;
  const range = async (offset: number, count: number): Promise<Uint8Array | undefined> =>
    offset + count <= first.length
      ? first.subarray(offset, offset + count)
      : files.read(url, { offset, length: count }, call);
  const text = await unpack(await range(PRELUDE, length), length, size, crc);
  if (text === undefined) return undefined;
  const { head, places } = JSON.parse(Buffer.from(text).toString()) as { head: unknown; places: readonly Place[] };
  const byName = new Map(places.map((place) => [place.name, place]));
  return {
    head,
    async section(name) {
      const place = byName.get(name);
      if (place === undefined) return undefined;
      return unpack(await range(start + place.offset, place.length), place.length, place.size, place.crc);
    },
  };
}

async function unpack(
  bytes: Uint8Array | undefined,
  length: number,
  size: number,
  crc: number,
): Promise<Uint8Array | undefined> {
  if (bytes === undefined || bytes.length !== length) return undefined;
  try {
    const raw = length === size ? bytes : await decompress(bytes, { maxOutputLength: Math.max(1, size) });
    return raw.length === size && crc32(raw) === crc ? raw : undefined;
  } catch {
    return undefined;
  }
}
