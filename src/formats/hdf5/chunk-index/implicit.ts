import type { H5File } from "../file.ts";
import { type Grid, numbering } from "./grid.ts";
import { type Places, PlacesBuilder } from "./places.ts";

/** VII.C Implicit Index: all chunks of the largest shape one after the other, unfiltered. */
export function readImplicit(file: H5File, address: number, grid: Grid): Places {
  const cellOf = numbering(grid, [...grid.counts.keys()]);
  const total = grid.limits.reduce((n, count) => n * count, 1);
  // All of them are allocated at once; this also bounds the loop by the size of the file.
  file.reader.check(file.offset(address), total * grid.chunkBytes);
  const places = new PlacesBuilder(Math.max(1, Math.min(total, grid.cells)));
  for (let i = 0; i < total; i++) {
    const cell = cellOf(i);
    if (cell >= 0) places.add(cell, file.offset(address) + i * grid.chunkBytes, grid.chunkBytes, 0);
  }
  return places.finish(grid.cells);
}
