import type { Json } from "../../core/array.ts";
import type { Call } from "../../core/principal.ts";
import type { Boundary } from "../boundaries/boundary.ts";
import type { Estimate, StepContext } from "../flow.ts";

export interface Licence {
  /** SPDX identifier where there is one. */
  readonly name: string;
  /** Address of its text. */
  readonly path: string;
  readonly title: string;
}

/** What people are told of one version of a dataset; the founding system's fields. */
export interface ProcessorMetadata {
  /** `[a-z0-9_]+`: the dataset. */
  readonly dataset: string;
  /** `[a-z0-9_]+`: its version. */
  readonly version: string;
  readonly description: string;
  readonly author: string;
  readonly title: string;
  readonly titleLong: string;
  readonly summary: string;
  readonly citation: string;
  readonly license: Licence;
  readonly originUrl: string;
  /** As the founding system names them: `GeoTIFF`, `GEOPKG`, `NetCDF`, `CSV`, ... */
  readonly formats: readonly string[];
  /** Shown only with `includeTestProcessors`. */
  readonly isTest?: boolean;
}

/** A file that a processor made in its folder. */
export interface MadeFile {
  /** Relative to the folder: `<dataset>-<version>[-<sub>]-<boundary>.<ext>`; for stores of many files the folder's name. */
  readonly name: string;
  /** One of the metadata's `formats`. */
  readonly format: string;
  readonly mediaType: string;
  /** What is in it, for people; and more for machines. */
  readonly title?: string;
  /** EPSG code or WKT of its coordinates. */
  readonly crs?: string;
}

export interface Generated {
  readonly files: readonly MadeFile[];
  /** The source has nothing inside of the boundary: a package says so, and is complete. */
  readonly isEmpty: boolean;
  /** Into the package's provenance: what was done, in order. */
  readonly notes: readonly string[];
}

export interface ProcessorJob {
  readonly boundary: Boundary;
  /** Where files are to be written; empty, and gone after the try. */
  readonly folder: string;
  /** `fileName("tif")`, `fileName("tif", "drought_1990")`: the founding system's names. */
  fileName(extension: string, sub?: string): string;
}

/** Makes one version of a dataset for a boundary. */
export interface Processor {
  readonly metadata: ProcessorMetadata;
  /** Name of the queue that it runs in; default `core`. */
  readonly queue?: string;
  /** How it was told to make it: into the package's recipe. No secrets. */
  readonly options?: Json;
  /** Digest of the source's state now; what was made from another one is out of date. Fetches nothing large. */
  sourceDigest(call: Call): Promise<string>;
  estimate(boundary: Boundary, call: Call): Promise<Estimate>;
  /** Writes files into `job.folder`; the caller moves them into the package when all are whole. */
  generate(job: ProcessorJob, context: StepContext): Promise<Generated>;
}

/** Processors by `dataset.version`. */
export interface Processors {
  /** In the order of their names; without test processors unless the node shows them. */
  list(): readonly Processor[];
  get(name: string): Processor | undefined;
}

/** `dataset.version`. */
export function processorName({ dataset, version }: ProcessorMetadata): string {
  return `${dataset}.${version}`;
}
