import { verifyChecksum } from "../checksum.ts";
import type { H5File } from "../file.ts";
import { elementForm, readElements } from "./elements.ts";
import { type Grid, numbering } from "./grid.ts";
import { type Places, PlacesBuilder } from "./places.ts";

/** VII.C Fixed Array Index: one block of elements, in pages when there are many, for datasets of limited shape. */
export async function readFixedArray(file: H5File, address: number, grid: Grid): Promise<Places> {
  const header = await file.at(address, 12 + file.lengthSize + file.offsetSize);
  header.expect("FAHD");
  header.version(0);
  const client = header.u8();
  const form = elementForm(header, file, client, header.u8());
  const pageBits = header.u8();
  const total = header.length();
  const block = header.address();
  verifyChecksum(header);
  const places = new PlacesBuilder();
  if (pageBits > 31) throw header.fail(`pages of 2^${pageBits} elements in a fixed array`);
  if (block === undefined) return places.finish(grid.cells);

  const cellOf = numbering(grid, [...grid.counts.keys()]);
  const pageElements = 2 ** pageBits;
  const pages = total > pageElements ? Math.ceil(total / pageElements) : 0;
  const prefixSize = 6 + file.offsetSize + Math.ceil(pages / 8);
  const cursor = await file.at(block, prefixSize + (pages === 0 ? total * form.size : 0) + 4);
  cursor.expect("FADB");
  cursor.version(0);
  cursor.skip(1 + file.offsetSize);
  const initialized = cursor.take(Math.ceil(pages / 8));
  if (pages === 0) readElements(cursor, file, form, 0, total, grid, cellOf, places);
  verifyChecksum(cursor);
  const pageSize = pageElements * form.size + 4;
  for (let page = 0; page < pages; page++) {
    // Most significant bit first; pages not yet written hold anything.
    if (((initialized[page >> 3]! >> (7 - (page & 7))) & 1) === 0) continue;
    const first = page * pageElements;
    const count = Math.min(pageElements, total - first);
    const elements = await file.at(block + prefixSize + 4 + page * pageSize, count * form.size + 4);
    readElements(elements, file, form, first, count, grid, cellOf, places);
    verifyChecksum(elements);
  }
  return places.finish(grid.cells);
}
