import { verifyChecksum } from "../checksum.ts";
import type { Cursor } from "../cursor.ts";
import type { H5File } from "../file.ts";
import { type ElementForm, elementForm, readElements } from "./elements.ts";
import { type Grid, numbering } from "./grid.ts";
import { type Places, PlacesBuilder } from "./places.ts";

/** What the header says, and what the reading of every block needs. */
interface ExtensibleArray {
  readonly file: H5File;
  readonly grid: Grid;
  readonly form: ElementForm;
  readonly cellOf: (index: number) => number;
  readonly places: PlacesBuilder;
  /** Elements in the index block itself. */
  readonly indexElements: number;
  readonly blockElements: number;
  readonly minPointers: number;
  /** Elements of a page; larger data blocks are paged. */
  readonly pageElements: number;
  /** Bytes of a block's offset in the array. */
  readonly offsetBytes: number;
  readonly superBlocks: number;
  /** Elements ever set: everything beyond is unwritten. */
  readonly used: number;
  /** Data blocks read: no two places may lead to one. */
  readonly seen: Set<number>;
}

/**
 * VII.C Extensible Array Index, for datasets with one unlimited dimension: that one counts as the slowest. Super block
 * `s` stands for 2^(s/2) data blocks of 2^((s+1)/2) times the smallest size; the first few have no block of their own,
 * their data blocks being listed in the index block.
 */
export async function readExtensibleArray(file: H5File, address: number, grid: Grid): Promise<Places> {
  const header = await file.at(address, 16 + 6 * file.lengthSize + file.offsetSize);
  header.expect("EAHD");
  header.version(0);
  const client = header.u8();
  const form = elementForm(header, file, client, header.u8());
  const indexBits = header.u8();
  const indexElements = header.u8();
  const blockElements = header.u8();
  const minPointers = header.u8();
  const pageBits = header.u8();
  header.skip(4 * file.lengthSize);
  const used = header.length();
  header.length();
  const indexBlock = header.address();
  verifyChecksum(header);
  const sane = indexBits <= 64 && pageBits <= 31 && powerOfTwo(blockElements) && powerOfTwo(minPointers);
  if (!sane) throw header.fail("impossible parameters of an extensible array");
  const places = new PlacesBuilder();
  if (indexBlock !== undefined) {
    const unlimited = grid.limits.indexOf(Number.POSITIVE_INFINITY);
    const others = [...grid.counts.keys()].filter((d) => d !== unlimited);
    const array: ExtensibleArray = {
      file,
      grid,
      form,
      cellOf: numbering(grid, unlimited < 0 ? others : [unlimited, ...others]),
      places,
      indexElements,
      blockElements,
      minPointers,
      pageElements: 2 ** pageBits,
      offsetBytes: Math.ceil(indexBits / 8),
      superBlocks: 1 + indexBits - Math.log2(blockElements),
      used,
      seen: new Set(),
    };
    await readIndexBlock(array, indexBlock);
  }
  return places.finish(grid.cells);
}

function powerOfTwo(n: number): boolean {
  return n > 0 && (n & (n - 1)) === 0;
}

async function readIndexBlock(array: ExtensibleArray, address: number): Promise<void> {
  const { file, form, grid, indexElements, minPointers } = array;
  const direct = Math.min(2 * Math.log2(minPointers), array.superBlocks);
  const dataPointers = 2 * (minPointers - 1);
  const superPointers = array.superBlocks - direct;
  const size = 6 + file.offsetSize + indexElements * form.size + (dataPointers + superPointers) * file.offsetSize + 4;
  const cursor = await file.at(address, size);
  cursor.expect("EAIB");
  cursor.version(0);
  cursor.skip(1 + file.offsetSize);
  readElements(cursor, file, form, 0, indexElements, grid, array.cellOf, array.places);
  let first = indexElements;
  for (let s = 0; s < array.superBlocks; s++) {
    const blocks = 2 ** (s >> 1);
    const elements = 2 ** ((s + 1) >> 1) * array.blockElements;
    if (first >= array.used) break;
    if (s < direct) {
      for (let b = 0; b < blocks; b++, first += elements) {
        const block = cursor.address();
        if (block !== undefined) await readDataBlock(array, block, first, elements, undefined);
      }
    } else {
      const block = cursor.address();
      if (block !== undefined) await readSuperBlock(array, block, first, blocks, elements);
      first += blocks * elements;
    }
  }
  cursor.pos = size - 4;
  verifyChecksum(cursor);
}

/** Bits that say which pages of the data blocks below are written, then the data blocks' addresses. */
async function readSuperBlock(
  array: ExtensibleArray,
  address: number,
  start: number,
  blocks: number,
  elements: number,
): Promise<void> {
  const { file } = array;
  const pages = elements > array.pageElements ? elements / array.pageElements : 0;
  const bitmapSize = blocks * Math.ceil(pages / 8);
  const prefixSize = 6 + file.offsetSize + array.offsetBytes;
  const cursor = await file.at(address, prefixSize + bitmapSize + blocks * file.offsetSize + 4);
  cursor.expect("EASB");
  cursor.pos = prefixSize;
  const bitmap = cursor.take(bitmapSize);
  const first = cursor.pos;
  cursor.skip(blocks * file.offsetSize);
  verifyChecksum(cursor);
  cursor.pos = first;
  for (let b = 0; b < blocks; b++) {
    const block = cursor.address();
    const written = (page: number): boolean => {
      const bit = b * pages + page;
      return ((bitmap[bit >> 3]! >> (7 - (bit & 7))) & 1) === 1;
    };
    if (block !== undefined) await readDataBlock(array, block, start + b * elements, elements, written);
  }
}

async function readDataBlock(
  array: ExtensibleArray,
  address: number,
  first: number,
  elements: number,
  written: ((page: number) => boolean) | undefined,
): Promise<void> {
  const { file, form } = array;
  const prefixSize = 6 + file.offsetSize + array.offsetBytes;
  const paged = elements > array.pageElements;
  const cursor = await file.at(address, prefixSize + (paged ? 0 : elements * form.size) + 4);
  cursor.expect("EADB");
  if (array.seen.has(address)) throw cursor.fail("two places of an extensible array lead to this block");
  array.seen.add(address);
  cursor.pos = prefixSize;
  if (!paged) readInto(array, cursor, first, elements);
  verifyChecksum(cursor);
  if (!paged) return;
  const pageSize = array.pageElements * form.size + 4;
  for (let page = 0; page * array.pageElements < elements; page++) {
    if (written !== undefined && !written(page)) continue;
    const from = address + prefixSize + 4 + page * pageSize;
    const content = await file.at(from, pageSize);
    readInto(array, content, first + page * array.pageElements, array.pageElements);
    verifyChecksum(content);
  }
}

function readInto(array: ExtensibleArray, cursor: Cursor, first: number, count: number): void {
  readElements(cursor, array.file, array.form, first, count, array.grid, array.cellOf, array.places);
}
