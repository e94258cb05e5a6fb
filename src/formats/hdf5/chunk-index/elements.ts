import type { Cursor } from "../cursor.ts";
import type { H5File } from "../file.ts";
import type { Grid } from "./grid.ts";
import type { PlacesBuilder } from "./places.ts";

/** How an array-like index stores one chunk: its address and, where chunks are filtered, its size and filter mask. */
export interface ElementForm {
  readonly size: number;
  readonly filtered: boolean;
}

/** The form that the index's header announces: client 1 stands for filtered chunks. */
export function elementForm(cursor: Cursor, file: H5File, client: number, size: number): ElementForm {
  const filtered = client === 1;
  const sizeBytes = size - file.offsetSize - 4;
  if (client > 1 || (filtered ? sizeBytes < 1 || sizeBytes > 8 : size !== file.offsetSize)) {
    throw cursor.fail(`elements of ${size} bytes in a chunk index of client ${client}`);
  }
  return { size, filtered };
}

/** Reads `count` elements at the cursor, which stand for chunks `first`, `first + 1`, ... in the index's numbering. */
export function readElements(
  cursor: Cursor,
  file: H5File,
  form: ElementForm,
  first: number,
  count: number,
  grid: Grid,
  cellOf: (index: number) => number,
  into: PlacesBuilder,
): void {
  const start = cursor.skip(count * form.size);
  const end = cursor.pos;
  const sizeBytes = form.size - file.offsetSize - 4;
  for (let i = 0; i < count; i++) {
    cursor.pos = start + i * form.size;
    const address = cursor.address();
    if (address === undefined) continue;
    const length = form.filtered ? cursor.uint(sizeBytes) : grid.chunkBytes;
    const mask = form.filtered ? cursor.u32() : 0;
    const cell = cellOf(first + i);
    if (cell >= 0) into.add(cell, file.offset(address), length, mask);
  }
  cursor.pos = end;
}
