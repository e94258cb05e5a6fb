import type { Attrs, CodecSpec, Json, Scalar } from "../../core/array.ts";
import type { DType } from "../../core/dtype.ts";

/** What a metadata document says of an array, v2 or v3 alike. */
export interface ArrayLayout {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly chunks: readonly number[];
  readonly codecs: readonly CodecSpec[];
  readonly fill: Scalar | null;
  /** Null where a dimension has no name. */
  readonly dims: readonly (string | null)[];
  readonly attrs: Attrs;
  /** Key of a chunk below the array. */
  key(chunk: readonly number[]): string;
}

export const MAX_RANK = 64;

/** Attributes that carry Zarr's or NCZarr's own bookkeeping. */
export function isHidden(name: string): boolean {
  return name === "_ARRAY_DIMENSIONS" || /^_nczarr_/i.test(name);
}

/** Names of dimensions by xarray's convention or NCZarr's; undefined when there are none for this rank. */
export function namedDims(attributes: { readonly [key: string]: Json }, rank: number): string[] | undefined {
  const own = attributes._ARRAY_DIMENSIONS;
  if (isNames(own, rank)) return own;
  const nczarr = attributes._nczarr_array ?? attributes._NCZARR_ARRAY;
  if (typeof nczarr !== "object" || nczarr === null || Array.isArray(nczarr)) return undefined;
  const { dimension_references: long, dimrefs: short } = nczarr as { readonly [key: string]: Json };
  const references = long ?? short;
  return isNames(references, rank) ? references.map((path) => path.slice(path.lastIndexOf("/") + 1)) : undefined;
}

function isNames(value: Json | undefined, rank: number): value is string[] {
  return Array.isArray(value) && value.length === rank && value.every((name) => typeof name === "string");
}
