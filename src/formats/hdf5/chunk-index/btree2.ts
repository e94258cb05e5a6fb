import { readTreeRecords, type TreeRecords } from "../btree-v2.ts";
import { Cursor } from "../cursor.ts";
import type { H5File } from "../file.ts";
import type { Grid } from "./grid.ts";
import { type Places, PlacesBuilder } from "./places.ts";

const FILTERED = 11;

/**
 * III.A.2 records of types 10 and 11, for datasets with several unlimited dimensions: address, then for filtered chunks
 * size and filter mask, then the chunk's place in the grid.
 */
export async function readTree2(file: H5File, address: number, grid: Grid): Promise<Places> {
  const places = new PlacesBuilder();
  await readTreeRecords(file, address, [10, FILTERED], (records) => readRecords(file, records, grid, places));
  return places.finish(grid.cells);
}

function readRecords(file: H5File, records: TreeRecords, grid: Grid, into: PlacesBuilder): void {
  const filtered = records.type === FILTERED;
  const sizeBytes = records.recordSize - file.offsetSize - 8 * grid.rank - 4;
  const cursor = new Cursor(records.bytes, file, records.at);
  if (filtered ? sizeBytes < 1 || sizeBytes > 8 : sizeBytes !== -4) throw cursor.fail("records of the wrong size");
  for (let i = 0; i < records.count; i++) {
    cursor.pos = i * records.recordSize;
    const chunk = cursor.address();
    const length = filtered ? cursor.uint(sizeBytes) : grid.chunkBytes;
    const mask = filtered ? cursor.u32() : 0;
    let cell = 0;
    for (let d = 0; d < grid.rank; d++) {
      const index = cursor.uint(8);
      cell = index < grid.counts[d]! && cell >= 0 ? cell + index * grid.strides[d]! : -1;
    }
    if (chunk !== undefined && cell >= 0) into.add(cell, file.offset(chunk), length, mask);
  }
}
