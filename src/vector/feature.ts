import type { IoCall } from "../core/array.ts";
import type { Crs } from "../core/crs.ts";
import type { BBox } from "../core/geometry.ts";
import type { Geometry } from "../core/stac.ts";

export type FieldType = "string" | "integer" | "number" | "boolean" | "date" | "datetime" | "binary" | "json";

export interface Field {
  readonly name: string;
  readonly type: FieldType;
}

export type FieldValue = string | number | bigint | boolean | Date | Uint8Array | null | readonly unknown[] | object;

/** One feature. Coordinates are x, y in the layer's CRS. */
export interface Feature {
  readonly id?: string | number;
  readonly geometry: Geometry | null;
  /** Maps, not objects: names come from files. */
  readonly properties: ReadonlyMap<string, FieldValue>;
}

export type { BBox } from "../core/geometry.ts";

/** Features of one kind, streamed. */
export interface Layer {
  readonly name: string;
  /** Undefined where the source says none; GeoJSON is always degrees of WGS 84. */
  readonly crs: Crs | undefined;
  readonly fields: readonly Field[];
  /** Where the source knows it without reading all. */
  readonly count?: number;
  /** Of all features in the layer's CRS, where the source knows it. */
  readonly bbox?: BBox;
  /** All features in the order of the file, or those whose boxes meet `bbox` (by the file's index where it has one). */
  features(options?: IoCall & { readonly bbox?: BBox }): AsyncIterable<Feature>;
}

/** An opened vector file. */
export interface VectorFile extends AsyncDisposable {
  readonly layers: readonly Layer[];
}

/** Reads one kind of vector file from a local path: vector files are fetched whole, as all sources of processors are. */
export interface VectorFormat {
  readonly name: string;
  /** With a dot, lower case. */
  readonly extensions: readonly string[];
  open(path: string, call?: IoCall): Promise<VectorFile>;
}

/** Writes one layer to a local path, streamed. */
export interface VectorWriter {
  readonly name: string;
  /** With a dot. */
  readonly extension: string;
  readonly mediaType: string;
  write(path: string, layer: Layer, call?: IoCall): Promise<{ readonly count: number; readonly bytes: number }>;
}
