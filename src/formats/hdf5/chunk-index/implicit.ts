import { badSource } from "../../../errors.ts";
import type { H5File } from "../file.ts";
import { type Grid, numbering } from "./grid.ts";
import { type Places, PlacesBuilder } from "./places.ts";

/** More chunks than any real dataset has: no byte of this index is in the file that could bound them. */
const MOST_CHUNKS = 2 ** 25;

/** VII.C Implicit Index: all chunks of the largest shape one after the other, unfiltered. */
export function readImplicit(file: H5File, address: number, grid: Grid): Places {
  const cellOf = numbering(grid, [...grid.counts.keys()]);
  const total = grid.limits.reduce((n, count) => n * count, 1);
  if (!(total <= MOST_CHUNKS)) throw badSource(file.url, file.offset(address), `an implicit index of ${total} chunks`);
  // All of them are allocated at once.
  file.reader.check(file.offset(address), total * grid.chunkBytes);
  const places = new PlacesBuilder(Math.max(1, Math.min(total, grid.cells)));
  for (let i = 0; i < total; i++) {
    const cell = cellOf(i);
    if (cell >= 0) places.add(cell, file.offset(address) + i * grid.chunkBytes, grid.chunkBytes, 0);
  }
  return places.finish(grid.cells);
}
