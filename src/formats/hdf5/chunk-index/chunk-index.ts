import { badSource } from "../../../errors.ts";
import type { H5File } from "../file.ts";
import type { ChunkIndex } from "../messages/layout.ts";
import { isLeafAtHand, readTree1 } from "./btree1.ts";
import { readTree2 } from "./btree2.ts";
import { readExtensibleArray } from "./extensible-array.ts";
import { readFixedArray } from "./fixed-array.ts";
import type { Grid } from "./grid.ts";
import { readImplicit } from "./implicit.ts";
import { type Places, PlacesBuilder } from "./places.ts";

/** Indexes that number the chunks of the largest shape, so that there must be one. */
const FIXED: ReadonlySet<string> = new Set(["implicit", "fixed-array"]);

/** Whether the index can be read without another request. */
export async function isAtHand(file: H5File, { kind, address }: ChunkIndex, grid: Grid): Promise<boolean> {
  return kind === "btree1" && address !== undefined && isLeafAtHand(file, address, grid);
}

/** Reads where all chunks of a dataset lie, whatever its index. */
export async function readChunkIndex(file: H5File, index: ChunkIndex, grid: Grid): Promise<Places> {
  if (index.address === undefined || grid.cells === 0) return new PlacesBuilder(1).finish(grid.cells);
  const unlimited = grid.limits.filter((n) => n === Number.POSITIVE_INFINITY).length;
  const fitting = index.kind === "extensible-array" ? unlimited === 1 : unlimited === 0 || !FIXED.has(index.kind);
  if (!fitting) {
    const at = file.offset(index.address);
    throw badSource(file.url, at, `an index of kind ${index.kind} for ${unlimited} unlimited dimensions`);
  }
  switch (index.kind) {
    case "btree1":
      return readTree1(file, index.address, grid);
    case "single": {
      const places = new PlacesBuilder(1);
      places.add(0, file.offset(index.address), index.size ?? grid.chunkBytes, index.mask);
      return places.finish(grid.cells);
    }
    case "implicit":
      return readImplicit(file, index.address, grid);
    case "fixed-array":
      return readFixedArray(file, index.address, grid);
    case "extensible-array":
      return readExtensibleArray(file, index.address, grid);
    case "btree2":
      return readTree2(file, index.address, grid);
  }
}
