import { type ArraySpec, type Block, chunkExtent, type IoCall, product, type Variable } from "../../core/array.ts";
import { forEachLimited } from "../../core/concurrency.ts";
import { allocate, entriesPerElement, itemSize, type Values } from "../../core/dtype.ts";
import { type Selection, selectionCount, selectionShape } from "../../core/selection.ts";
import { createCache } from "../../read/cache.ts";
import { type ChunkReader, decodedChunk } from "../../read/chunk.ts";
import { copyPicked } from "../../read/copy.ts";
import { cellsOf } from "../../read/select.ts";
import type { RasterGrid } from "./grid.ts";

/** Values on a grid: those of a file, or such as were computed from them. */
export interface GridValues {
  readonly grid: RasterGrid;
  readonly spec: ArraySpec;
  /**
   * The caller's own; what lies in chunks of which `isWanted` says that nobody looks at them may be anything. `into` is
   * memory for the values, where they are not computed.
   */
  read(selection: Selection, isWanted: IsWanted, call?: IoCall, into?: Values): Promise<Block>;
}

/** Whether something is needed of the cells from `row` and `column` on, in `rows` rows of `columns` each. */
export type IsWanted = (row: number, column: number, rows: number, columns: number) => boolean;

/** Decoded chunks that the next rows need as well. */
const CACHE_BYTES = 128 << 20;
/** Bytes of decoded chunks under way at once. */
const BYTES_IN_FLIGHT = 64 << 20;

/** A variable of a dataset, read chunk by chunk; those that the next rows of an image need again are kept. */
export function storedValues(variable: Variable, grid: RasterGrid, reader: ChunkReader): GridValues {
  const { spec } = variable;
  const cache = createCache<Block>(CACHE_BYTES);
  const { xDim, yDim } = grid;
  const chunkBytes = product(spec.chunks) * (itemSize(spec.dtype) ?? 1);
  const inFlight = Math.min(64, Math.max(4, Math.floor(BYTES_IN_FLIGHT / chunkBytes)));

  function* wantedCells(selection: Selection, isWanted: IsWanted): ReturnType<typeof cellsOf> {
    for (const cell of cellsOf(spec, selection)) {
      const extent = chunkExtent(spec, cell.chunk);
      const [row, column] = [cell.chunk[yDim]! * spec.chunks[yDim]!, cell.chunk[xDim]! * spec.chunks[xDim]!];
      if (isWanted(row, column, extent[yDim]!, extent[xDim]!)) yield cell;
    }
  }

  return {
    grid,
    spec,
    async read(selection, isWanted, call, into) {
      if (variable.read !== undefined) {
        const block = await variable.read(selection, call);
        // Others may look at it.
        return { ...block, data: block.data.slice() as Block["data"] };
      }
      const target = into ?? allocate(spec.dtype, product(selection.map(selectionCount)));
      await forEachLimited(wantedCells(selection, isWanted), inFlight, async ({ chunk, picksOf }) => {
        call?.signal?.throwIfAborted();
        const { shape, data } = await cache.get(chunk.join("."), async () => {
          const value = await decodedChunk(reader, variable, chunk, call);
          return { value, bytes: chunkBytes };
        });
        copyPicked(target, data, picksOf(shape), entriesPerElement(spec.dtype));
      });
      return { dtype: spec.dtype, shape: selectionShape(selection), data: target };
    },
  };
}
