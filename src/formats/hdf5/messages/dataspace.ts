import type { Cursor } from "../cursor.ts";

/** IV.A.2.b Dataspace. */
export interface Dataspace {
  /** `null` spaces have no elements, `scalar` ones exactly one. */
  readonly kind: "null" | "scalar" | "simple";
  readonly shape: readonly number[];
  /** `Infinity` for unlimited dimensions. */
  readonly limits: readonly number[];
}

/** H5S_MAX_RANK. */
export const MOST_DIMENSIONS = 32;

export function readDataspace(cursor: Cursor): Dataspace {
  const version = cursor.version(1, 2);
  const rank = cursor.u8();
  const flags = cursor.u8();
  if (rank > MOST_DIMENSIONS) throw cursor.fail(`${rank} dimensions`);
  const type = version === 2 ? cursor.u8() : Math.min(rank, 1);
  if (version === 1) cursor.skip(5);
  const shape = Array.from({ length: rank }, () => cursor.length());
  const limits = flags & 0x01 ? shape.map(() => cursor.limit()) : shape;
  if (type === 2) return { kind: "null", shape: [], limits: [] };
  return { kind: rank === 0 ? "scalar" : "simple", shape, limits };
}
