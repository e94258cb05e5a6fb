import type { CodecSpec, Scalar } from "../core/array.ts";
import type { DType, Values } from "../core/dtype.ts";

/** What a codec must know of the array when it is made. `shape` is that of one whole chunk. */
export interface ChunkMeta {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** What an inner chunk that was never written holds (sharding). Zeros when absent. */
  readonly fill?: Scalar | null;
}

/** Decoded elements on their way through array-to-array codecs. */
export interface ChunkValues extends ChunkMeta {
  readonly data: Values;
}

export type MaybePromise<T> = T | Promise<T>;

export interface Limits {
  /** Most bytes that a decoder may produce; beyond it BadSource (a bomb), never an allocation. */
  readonly maxBytes: number;
  /** Where a decoder may write its answer instead of allocating; it is used where it is long enough. */
  readonly into?: Uint8Array;
}

/** Changes values, dtype or axis order: `delta`, `fixedscaleoffset`, `transpose`. */
export interface ArrayArrayCodec {
  readonly kind: "array-array";
  /** What the array looks like after encoding. */
  readonly encoded: ChunkMeta;
  encode(chunk: ChunkValues): MaybePromise<ChunkValues>;
  decode(chunk: ChunkValues): MaybePromise<ChunkValues>;
}

/** Lays values out as bytes: `bytes`, `vlen-utf8`, `sharding_indexed`, `imagecodecs_jpeg`. */
export interface ArrayBytesCodec {
  readonly kind: "array-bytes";
  encode(chunk: ChunkValues): MaybePromise<Uint8Array>;
  /** `shape` is that of the stored chunk: smaller than the regular one where it is stored cut at the edge. */
  decode(bytes: Uint8Array, shape: readonly number[], limits: Limits): MaybePromise<Values>;
}

/** Compresses, shuffles or guards bytes: `zlib`, `shuffle`, `crc32c`. */
export interface BytesBytesCodec {
  readonly kind: "bytes-bytes";
  /** Absent where only decoding is offered. */
  encode?(bytes: Uint8Array): MaybePromise<Uint8Array>;
  decode(bytes: Uint8Array, limits: Limits): MaybePromise<Uint8Array>;
}

export type Codec = ArrayArrayCodec | ArrayBytesCodec | BytesBytesCodec;

/** A codec as it is registered: one file each, heavy ones load what they need inside `create`. */
export interface CodecEntry {
  /** Canonical id: that of numcodecs or imagecodecs, or of the Zarr v3 registry. */
  readonly name: string;
  /** Other ids of the same encoding: `numcodecs.zlib`, HDF5 filter numbers as `hdf5:1`. */
  readonly aliases?: readonly string[];
  readonly kind: Codec["kind"];
  /** One line for `docs/support.md`. */
  readonly summary: string;
  /** Whether `encode` works. */
  readonly encodes: boolean;
  /** Times that a byte takes as long as inflating one, where it is much longer: then little is enough for a thread. */
  readonly effort?: { readonly decode?: number; readonly encode?: number };
  /**
   * Throws BadSource on a bad configuration. `registry` is for codecs made of codecs (sharding).
   */
  create(
    configuration: NonNullable<CodecSpec["configuration"]>,
    meta: ChunkMeta,
    registry: CodecRegistry,
  ): MaybePromise<Codec>;
}

export interface CodecRegistry {
  get(name: string): CodecEntry | undefined;
  entries(): readonly CodecEntry[];
}

/** A chunk's codecs, ready to run. */
export interface Pipeline {
  /** Chunk of `shape` (default: the whole chunk) out of its stored bytes; the values may lie in `into`. */
  decode(bytes: Uint8Array, shape?: readonly number[], into?: Uint8Array): Promise<Values>;
  encode(values: Values, shape?: readonly number[]): Promise<Uint8Array>;
}

/** One of several chunks that are decoded together. */
export interface Part {
  readonly bytes: Uint8Array;
  /** That of the stored chunk where it is cut. */
  readonly shape?: readonly number[];
  /** Where its values go, in their bytes; exactly as long as they are. */
  readonly into: Uint8Array;
}
