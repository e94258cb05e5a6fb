import { badSource, type GyreError } from "../../errors.ts";
import { Recent } from "../recent.ts";
import { readTreeRecords } from "./btree-v2.ts";
import { verifyChecksum } from "./checksum.ts";
import { Cursor } from "./cursor.ts";
import { decodeFiltered } from "./decode.ts";
import type { H5File } from "./file.ts";
import { type Filter, readFilters } from "./messages/filters.ts";

/** III.G Fractal Heap: objects by ID. Links, attributes and shared messages of "dense" objects lie here. */
export interface FractalHeap {
  readonly idLength: number;
  object(id: Uint8Array): Promise<Cursor>;
}

interface Header {
  readonly address: number;
  readonly idLength: number;
  readonly width: number;
  readonly startSize: number;
  readonly directSize: number;
  /** Bytes of an offset into the heap's address space, and of a managed object's length. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly filters: readonly Filter[];
  readonly rootAddress: number | undefined;
  readonly rootRows: number;
  readonly rootFilteredSize: number;
  readonly rootMask: number;
  readonly hugeTree: number | undefined;
}

/** A direct block that covers an offset of the heap's space. */
interface Block {
  readonly address: number;
  readonly start: number;
  readonly size: number;
  /** Stored bytes and filter mask, in a filtered heap. */
  readonly stored?: number;
  readonly mask?: number;
}

/** Largest object that may come out of a heap: messages have 64 KiB at most, dense attributes more. */
const MOST_BYTES = 256 * 1024 * 1024;
/** Direct blocks are 64 KiB by default; the decoded ones of a filtered heap are kept while its objects are read. */
const LARGEST_BLOCK = 16 * 1024 * 1024;
const KEPT_BLOCKS = 4;
const MOST_ROWS = 64;

export async function openFractalHeap(file: H5File, address: number): Promise<FractalHeap> {
  const header = await readHeader(file, address);
  let huge: Promise<Map<number, Uint8Array>> | undefined;
  const decoded = new Recent<Uint8Array>(KEPT_BLOCKS);
  const indirect = new Map<number, Promise<Indirect>>();
  const readOnce: ReadIndirect = (at, rows, directRows) => {
    let block = indirect.get(at);
    if (block === undefined) indirect.set(at, (block = readIndirect(file, header, at, rows, directRows)));
    return block;
  };

  async function object(id: Uint8Array): Promise<Cursor> {
    const cursor = new Cursor(id, file, file.offset(address));
    const first = cursor.u8();
    if (first >> 6 !== 0) throw cursor.fail(`heap ID version ${first >> 6} is unknown`);
    switch ((first >> 4) & 0x03) {
      case 0:
        return managed(cursor.uint(header.offsetBytes), cursor.uint(header.lengthBytes));
      case 1:
        return hugeObject(cursor);
      case 2:
        return tiny(cursor, first);
      default:
        throw cursor.fail("unknown type of heap ID");
    }
  }

  async function managed(offset: number, length: number): Promise<Cursor> {
    const block = await findBlock(file, header, offset, readOnce);
    const within = offset - block.start;
    if (within + length > block.size) throw failure("an object reaches beyond its block");
    if (block.stored === undefined) return file.at(block.address + within, length);
    const bytes = await decoded.get(String(block.address), () => readFiltered(block));
    // A copy: an attribute must not hold the whole block.
    return new Cursor(bytes.slice(within, within + length), file, file.offset(block.address));
  }

  async function readFiltered(block: Block): Promise<Uint8Array> {
    const { bytes } = await file.at(block.address, block.stored!);
    return decodeFiltered(file, header.filters, block.mask!, bytes, block.size);
  }

  /** III.G "Sub-type 1 and 2 ID for Huge Objects": the place itself, or a key into a B-tree. */
  async function hugeObject(id: Cursor): Promise<Cursor> {
    const filtered = header.filters.length > 0;
    const direct = file.offsetSize + file.lengthSize + (filtered ? 4 + file.lengthSize : 0) <= header.idLength - 1;
    let place = id;
    if (!direct) {
      huge ??= readHugeTree(file, header);
      const key = id.uint(Math.min(file.lengthSize, header.idLength - 1));
      const record = (await huge).get(key);
      if (record === undefined) throw failure(`huge object ${key} is in no record`);
      place = new Cursor(record, file, file.offset(address));
    }
    const at = place.address();
    const length = place.length();
    if (at === undefined || length > MOST_BYTES) throw failure(`a huge object of ${length} bytes`);
    const stored = await file.at(at, length);
    if (!filtered) return stored;
    const mask = place.u32();
    const size = place.length();
    if (size > MOST_BYTES) throw failure(`a huge object of ${size} bytes`);
    return new Cursor(await decodeFiltered(file, header.filters, mask, stored.bytes, size), file, stored.at);
  }

  /** III.G "Sub-type 1 and 2 ID for Tiny Objects": the object is in the ID. */
  function tiny(id: Cursor, first: number): Cursor {
    const extended = header.idLength - 1 > 16;
    const length = (extended ? ((first & 0x0f) << 8) | id.u8() : first & 0x0f) + 1;
    return id.sub(length);
  }

  function failure(reason: string): GyreError {
    return badSource(file.url, file.offset(address), `fractal heap: ${reason}`);
  }

  return { idLength: header.idLength, object };
}

async function readHeader(file: H5File, address: number): Promise<Header> {
  const cursor = await file.upTo(address, 4096);
  cursor.expect("FRHP");
  cursor.version(0);
  const idLength = cursor.u16();
  const filterLength = cursor.u16();
  cursor.u8();
  const largestManaged = cursor.u32();
  cursor.length();
  const hugeTree = cursor.address();
  cursor.length();
  cursor.address();
  cursor.skip(8 * file.lengthSize);
  const width = cursor.u16();
  const startSize = cursor.length();
  const directSize = cursor.length();
  const bits = cursor.u16();
  cursor.u16();
  const rootAddress = cursor.address();
  const rootRows = cursor.u16();
  let rootFilteredSize = 0;
  let rootMask = 0;
  let filters: readonly Filter[] = [];
  if (filterLength > 0) {
    rootFilteredSize = cursor.length();
    rootMask = cursor.u32();
    filters = readFilters(cursor.sub(filterLength));
  }
  verifyChecksum(cursor);
  const sane = width > 0 && powerOfTwo(startSize) && powerOfTwo(directSize) && startSize <= directSize;
  if (!sane || bits > 64 || rootRows > MOST_ROWS || directSize > LARGEST_BLOCK)
    throw cursor.fail("impossible block sizes");
  return {
    address,
    idLength,
    width,
    startSize,
    directSize,
    offsetBytes: Math.ceil(bits / 8),
    lengthBytes: Math.min(Math.ceil(Math.log2(directSize) / 8), byteLength(largestManaged)),
    filters,
    rootAddress,
    rootRows,
    rootFilteredSize,
    rootMask,
    hugeTree,
  };
}

function powerOfTwo(n: number): boolean {
  return n > 0 && Number.isInteger(Math.log2(n));
}

/** Bytes that hold numbers up to `limit`. */
function byteLength(limit: number): number {
  return Math.floor(Math.log2(Math.max(limit, 1)) / 8) + 1;
}

/** The doubling table: rows 0 and 1 have blocks of the starting size, every further row twice as large ones. */
function rowSize(header: Header, row: number): number {
  return header.startSize * 2 ** Math.max(0, row - 1);
}

/** Goes down from the root to the direct block; indirect blocks get smaller on the way, so that this ends. */
async function findBlock(file: H5File, header: Header, offset: number, read: ReadIndirect): Promise<Block> {
  const { width, startSize, directSize } = header;
  let address = header.rootAddress;
  let start = 0;
  let rows = header.rootRows;
  const missing = (): GyreError =>
    badSource(file.url, file.offset(header.address), `offset ${offset} is not in the heap`);
  if (address === undefined) throw missing();
  if (rows === 0) {
    const filtered = header.filters.length > 0 ? { stored: header.rootFilteredSize, mask: header.rootMask } : {};
    return { address, start: 0, size: startSize, ...filtered };
  }
  const directRows = Math.log2(directSize) - Math.log2(startSize) + 2;
  for (;;) {
    let row = 0;
    let rowStart = start;
    while (row < rows && offset >= rowStart + rowSize(header, row) * width) rowStart += rowSize(header, row++) * width;
    if (row >= rows) throw missing();
    const size = rowSize(header, row);
    const column = Math.floor((offset - rowStart) / size);
    const block = await read(address, rows, Math.min(rows, directRows));
    start = rowStart + column * size;
    const index = row * width + column;
    if (row < directRows) {
      const child = block.direct(index);
      if (child.address === undefined) throw missing();
      return { ...child, address: child.address, start, size };
    }
    address = block.indirect(index);
    if (address === undefined) throw missing();
    const below = Math.log2(size) - Math.log2(startSize * width) + 1;
    if (!Number.isInteger(below) || below < 1 || below >= rows + directRows) throw missing();
    rows = below;
  }
}

type ReadIndirect = (address: number, rows: number, directRows: number) => Promise<Indirect>;

interface Indirect {
  direct(index: number): { address: number | undefined; stored?: number; mask?: number };
  indirect(index: number): number | undefined;
}

/** III.G Fractal Heap Indirect Block. */
async function readIndirect(
  file: H5File,
  header: Header,
  address: number,
  rows: number,
  directRows: number,
): Promise<Indirect> {
  const filtered = header.filters.length > 0;
  const entry = file.offsetSize + (filtered ? file.lengthSize + 4 : 0);
  const prefix = 5 + file.offsetSize + header.offsetBytes;
  const direct = directRows * header.width;
  const indirect = (rows - directRows) * header.width;
  const cursor = await file.at(address, prefix + direct * entry + indirect * file.offsetSize + 4);
  cursor.expect("FHIB");
  cursor.version(0);
  cursor.pos = cursor.bytes.byteLength - 4;
  verifyChecksum(cursor);
  return {
    direct(index) {
      cursor.pos = prefix + index * entry;
      const child = cursor.address();
      return filtered ? { address: child, stored: cursor.length(), mask: cursor.u32() } : { address: child };
    },
    indirect(index) {
      cursor.pos = prefix + direct * entry + (index - direct) * file.offsetSize;
      return cursor.address();
    },
  };
}

/** III.A.2 records of type 1 and 2: places of huge objects, by the key that ends each record. */
async function readHugeTree(file: H5File, header: Header): Promise<Map<number, Uint8Array>> {
  const places = new Map<number, Uint8Array>();
  if (header.hugeTree === undefined) return places;
  await readTreeRecords(file, header.hugeTree, [1, 2], (nodes) => {
    for (let i = 0; i < nodes.count; i++) {
      const record = nodes.record(i);
      const cursor = new Cursor(record, file, nodes.at);
      cursor.pos = record.byteLength - file.lengthSize;
      places.set(cursor.length(), record);
    }
  });
  return places;
}
