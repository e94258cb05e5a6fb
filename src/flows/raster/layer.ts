import type { Dataset } from "../../core/array.ts";
import type { Call } from "../../core/principal.ts";

/** A dataset that a raster processor cuts: its source has one, or hundreds. */
export interface RasterLayer {
  /** Becomes `sub` in the names of files; empty for a source of one layer. */
  readonly name: string;
  open(call: Call): Promise<Dataset>;
  /** The only variable that is wanted; all with a grid unless told. */
  readonly variable?: string;
}

/** What a raster processor reads: the layers of a source in its present state. */
export interface RasterSource {
  /** In the order in which they are cut. */
  layers(call: Call): Promise<readonly RasterLayer[]>;
  /** Of the source's state now; see `Processor.sourceDigest`. */
  sourceDigest(call: Call): Promise<string>;
}
