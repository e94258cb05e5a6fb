import { type ArraySpec, type Block, chunkExtent, type IoCall, product, type Variable } from "../../core/array.ts";
import { allocate, itemSize } from "../../core/dtype.ts";
import type { Selection } from "../../core/selection.ts";
import { createCache } from "../../read/cache.ts";
import { type ChunkReader, decodedChunk } from "../../read/chunk.ts";
import { selectFrom } from "../../read/select.ts";
import type { RasterGrid } from "./grid.ts";

/** Values on a grid: those of a file, or such as were computed from them. */
export interface GridValues {
  readonly grid: RasterGrid;
  readonly spec: ArraySpec;
  /** Chunks of which `isWanted` says that nobody looks at them may hold anything. */
  read(selection: Selection, isWanted: IsWanted, call?: IoCall): Promise<Block>;
}

/** Whether something is needed of the cells from `row` and `column` on, in `rows` rows of `columns` each. */
export type IsWanted = (row: number, column: number, rows: number, columns: number) => boolean;

/** Decoded chunks that the next rows need as well. */
const CACHE_BYTES = 128 << 20;

/** A variable of a dataset, read chunk by chunk; those that the next rows of an image need again are kept. */
export function storedValues(variable: Variable, grid: RasterGrid, reader: ChunkReader): GridValues {
  const { spec } = variable;
  const cache = createCache<Block>(CACHE_BYTES);
  const { xDim, yDim } = grid;
  return {
    grid,
    spec,
    async read(selection, isWanted, call) {
      if (variable.read !== undefined) {
        const block = await variable.read(selection, call);
        // Others may look at it.
        return { ...block, data: block.data.slice() as Block["data"] };
      }
      const readChunk = (chunk: readonly number[]): Promise<Block> => {
        const extent = chunkExtent(spec, chunk);
        const [rows, columns] = [extent[yDim]!, extent[xDim]!];
        if (!isWanted(chunk[yDim]! * spec.chunks[yDim]!, chunk[xDim]! * spec.chunks[xDim]!, rows, columns)) {
          return Promise.resolve({ dtype: spec.dtype, shape: extent, data: nothing(spec, product(extent)) });
        }
        return cache.get(chunk.join("."), async () => {
          const value = await decodedChunk(reader, variable, chunk, call);
          return { value, bytes: product(value.shape) * (itemSize(spec.dtype) ?? 1) };
        });
      };
      return selectFrom(variable, selection, readChunk, call);
    },
  };
}

const nothings = new WeakMap<ArraySpec, Block["data"]>();

/** Zeros that nobody keeps: the same ones for every chunk of a variable. */
function nothing(spec: ArraySpec, count: number): Block["data"] {
  const kept = nothings.get(spec);
  if (kept !== undefined && kept.length >= count) return kept;
  const made = allocate(spec.dtype, count);
  nothings.set(spec, made);
  return made;
}
