import type { CodecSpec, Variable } from "../../core/array.ts";

/**
 * Where every stored chunk of a variable lies, in typed arrays: 12 bytes a chunk, 20 where only part of a large grid is
 * written. Row-major over the chunk grid.
 */
export interface ChunkTable {
  readonly url: URL;
  readonly etag: string | undefined;
  /** Linear cell of each entry, ascending. Absent: entry `i` is cell `i`, and cells without a chunk have offset -1. */
  readonly cells?: Float64Array;
  /** Offset in the file. */
  readonly offsets: Float64Array;
  /** Stored bytes. */
  readonly lengths: Uint32Array | Float64Array;
  /** Absent: every chunk has the variable's own codecs. Else 0 for those, or 1 + an index into `codecs`. */
  readonly variants?: Uint8Array;
  readonly codecs: readonly (readonly CodecSpec[])[];
}

const TABLES = new WeakMap<Variable, () => Promise<ChunkTable>>();

/** Makes `chunkTable` know how to ask for this variable's table. */
export function offerChunkTable(variable: Variable, load: () => Promise<ChunkTable>): Variable {
  TABLES.set(variable, load);
  return variable;
}

/**
 * The whole chunk index of an HDF5 variable, to be kept elsewhere. Undefined where `locate` needs no index: contiguous
 * and compact storage; or cannot be one: virtual datasets and values that lie outside their chunk.
 */
export async function chunkTable(variable: Variable): Promise<ChunkTable | undefined> {
  return TABLES.get(variable)?.();
}
