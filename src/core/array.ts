import type { CubeReport } from "./cube.ts";
import type { DType, Values } from "./dtype.ts";
import type { Selection } from "./selection.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One value: complex numbers are `[re, im]`, byte-like elements are Uint8Array. */
export type Scalar = number | bigint | boolean | string | Uint8Array | readonly [number, number];

/**
 * An attribute with the type it has in its source, so that a DAS, a NetCDF writer and a CDL listing can say it again.
 * `value` is one Scalar, or a list of them; `dtype: "json"` marks the free-form JSON that Zarr allows.
 */
export interface Attr {
  readonly dtype: DType | "json";
  readonly value: Scalar | readonly Scalar[] | Json;
}

/** Maps, not objects: names come from files and may be `__proto__`. */
export type Attrs = ReadonlyMap<string, Attr>;

export interface Dimension {
  readonly size: number;
  readonly unlimited: boolean;
}

/** A codec by its id in the registry, with its configuration; see `codecs/codec.ts`. */
export interface CodecSpec {
  readonly name: string;
  readonly configuration?: { readonly [key: string]: Json };
}

/** What a variable is, in Zarr v3's vocabulary. */
export interface ArraySpec {
  readonly dtype: DType;
  /** Names seen from the variable's group; `/a/x` is x of group a where a nearer dimension has the same name. */
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  /** Shape of a regular chunk; same length as `shape`, every entry at least 1. `[]` for a scalar. */
  readonly chunks: readonly number[];
  /** In encoding order: array-to-array, one array-to-bytes, bytes-to-bytes. */
  readonly codecs: readonly CodecSpec[];
  /** What a missing chunk holds; null where the source defines none (zeros are read then). */
  readonly fill: Scalar | null;
  readonly attrs: Attrs;
}

/** Where the stored bytes of one chunk lie, or the bytes themselves. */
export type ChunkRef = (
  | { readonly url: URL; readonly offset: number; readonly length: number; readonly etag?: string }
  | { readonly inline: Uint8Array }
) & {
  /** Only when this chunk is encoded differently from `spec.codecs` (HDF5 filter masks, mixed mosaics). */
  readonly codecs?: readonly CodecSpec[];
  /** Only when this chunk is stored cut at the array's edge instead of padded (contiguous storage, TIFF strips). */
  readonly shape?: readonly number[];
};

/** A file that is a whole chunk; where there is no such file the chunk was never written. */
export interface WholeFile {
  readonly file: URL;
}

/** Where all stored chunks of a variable lie in one file, in columns. Row-major over the chunk grid. */
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
  readonly variants?: Uint8Array | Uint16Array;
  readonly codecs: readonly (readonly CodecSpec[])[];
}

/** Options of input and output below `Access`: enough to stop it. */
export interface IoCall {
  readonly signal?: AbortSignal;
}

/**
 * An array and the one thing that must be asked of its file: where a chunk lies. Names of variables in groups are
 * paths: `group/sub/name`. Undefined: the chunk was never written and reads as `fill`.
 */
export interface Variable {
  readonly name: string;
  readonly spec: ArraySpec;
  locate(chunk: readonly number[], call?: IoCall): Promise<ChunkRef | undefined>;
  /**
   * `locate` for those who read at once, where looking first would cost a round trip: what it answers may be of a while
   * ago, which the read notices by its entity tag, or a whole file that need not be there.
   */
  locateToRead?(chunk: readonly number[], call?: IoCall): Promise<ChunkRef | WholeFile | undefined>;
  /**
   * `locate` for all chunks at once, where they are known so. Undefined: they are to be asked for one by one. The columns
   * are shared with other callers: they are not to be changed.
   */
  table?(call?: IoCall): Promise<ChunkTable | undefined>;
  /**
   * Chunks are files of their own, or computed of such: they come and change while `Dataset.version` stays. What is kept
   * or tagged of one is then known by the entity tag that `locate` finds, or by its bytes.
   */
  readonly mutable?: boolean;
  /**
   * Only on derived variables (cubes of unequal members, views): their values are computed. Then `locate` answers
   * undefined, and raw service encodes what this answers with `spec.codecs`.
   */
  read?(selection: Selection, call?: IoCall): Promise<Block>;
}

export interface Group {
  readonly attrs: Attrs;
  /** Dimensions that this group defines (not those it sees from its parents). */
  readonly dimensions: ReadonlyMap<string, Dimension>;
}

/** One source in the model that every protocol speaks. The dataset itself is the root group. */
export interface Dataset extends Group {
  /** The format's name: `netcdf4`, `zarr`, ... */
  readonly format: string;
  /** Digest of what the bytes are: part of every ETag and cache key. */
  readonly version: string;
  /** Sub-groups by path (`a`, `a/b`), parents before children; without the root. */
  readonly groups: ReadonlyMap<string, Group>;
  readonly variables: ReadonlyMap<string, Variable>;
  /** `version` is that of other files as well, so that nothing may be kept of it by the state of its source alone. */
  readonly hasOthers?: boolean;
  /** What could not be read and was left out, for `/problems` and `gyre inspect`. */
  readonly problems?: readonly string[];
  /** Of a cube: how its members fit together. */
  readonly cube?: CubeReport;
}

/** Decoded values, contiguous in C order; see `Values` for the element layout. */
export interface Block {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Values;
}

export function product(shape: readonly number[]): number {
  let count = 1;
  for (const n of shape) count *= n;
  return count;
}

/** Chunks along each dimension; a zero-length dimension has none. */
export function chunkGrid(spec: Pick<ArraySpec, "shape" | "chunks">): number[] {
  return spec.shape.map((n, i) => Math.ceil(n / spec.chunks[i]!));
}

/** Shape of the part of a chunk that lies inside the array. */
export function chunkExtent(spec: Pick<ArraySpec, "shape" | "chunks">, chunk: readonly number[]): number[] {
  return spec.shape.map((n, i) => Math.min(spec.chunks[i]!, n - chunk[i]! * spec.chunks[i]!));
}

/** True when `chunk` names a cell of the chunk grid. */
export function inGrid(spec: Pick<ArraySpec, "shape" | "chunks">, chunk: readonly number[]): boolean {
  const grid = chunkGrid(spec);
  return (
    chunk.length === grid.length && chunk.every((c, i) => Number.isSafeInteger(c) && c >= 0 && c < (grid[i] as number))
  );
}

/** C-order strides in elements. */
export function strides(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    out[i] = step;
    step *= shape[i]!;
  }
  return out;
}

/**
 * Cuts the slowest dimensions of contiguous storage until a chunk is at most `limit` bytes: virtual chunks that change
 * no stored byte. Prefers a size that divides the dimension, so that no chunk is short, unless that would make chunks
 * less than half as large.
 */
export function virtualChunks(shape: readonly number[], itemBytes: number, limit = 8 * 1024 * 1024): number[] {
  const chunks = shape.map((n) => Math.max(n, 1));
  for (let i = 0; i < chunks.length; i++) {
    const rest = product(chunks.slice(i + 1)) * itemBytes;
    if (chunks[i]! * rest <= limit) break;
    const most = Math.max(1, Math.floor(limit / rest));
    chunks[i] = most;
    // By the number of chunks, with a bound: trying sizes takes millions of steps for a long prime dimension.
    const fewest = Math.ceil(shape[i]! / most);
    for (let count = fewest; count <= Math.min((2 * shape[i]!) / most, fewest + 4096); count++) {
      if (shape[i]! % count === 0) {
        chunks[i] = shape[i]! / count;
        break;
      }
    }
    if (most > 1) break;
  }
  return chunks;
}
