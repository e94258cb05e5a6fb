import { product } from "../core/array.ts";
import type { ChunkMeta } from "./codec.ts";
import type { Configuration } from "./configuration.ts";
import { integerOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";

/** Rows along which a predictor works: `rows` times `length` samples, each predicted by the one `distance` before. */
export interface Rows {
  readonly rows: number;
  readonly length: number;
  readonly distance: number;
}

/**
 * imagecodecs' `axis` (that of the columns; default the last) and `dist`. TIFF tiles with samples side by side have
 * the axis -2, so that each sample is predicted by its like.
 */
export function rowsOf(codec: string, configuration: Configuration, { shape }: ChunkMeta): Rows {
  const rank = shape.length;
  const axis = integerOption(codec, configuration, "axis", -1, { min: -rank, max: rank - 1 });
  const dist = integerOption(codec, configuration, "dist", 1, { min: 1, max: 65_536 });
  if (rank === 0) throw corrupt(codec, "a scalar has no rows");
  const at = axis < 0 ? axis + rank : axis;
  const inner = product(shape.slice(at + 1));
  return { rows: product(shape.slice(0, at)), length: shape[at]! * inner, distance: dist * inner };
}
