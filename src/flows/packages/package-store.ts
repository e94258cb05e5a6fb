import type { IoCall } from "../../core/array.ts";
import type { ByteRange, FileInfo } from "../../files/files.ts";
import type { Boundary } from "../boundaries/boundary.ts";
import type { Generated, ProcessorMetadata } from "../processors/processor.ts";
import type { DataPackage } from "./datapackage.ts";

/** A dataset version that a package has. */
export interface PackagedDataset {
  readonly dataset: string;
  readonly version: string;
  /** Of the source that it was made from, and of the boundary that it was made for. */
  readonly sourceDigest: string;
  readonly boundaryDigest: string;
}

/** What a processor made, on its way into a package. */
export interface NewDataset {
  readonly boundary: Boundary;
  readonly metadata: ProcessorMetadata;
  readonly sourceDigest: string;
  /** The local folder with the files. */
  readonly folder: string;
  readonly generated: Generated;
  /** Run that made it, and what it was told: the recipe. */
  readonly run: string;
  readonly signal: AbortSignal;
}

/**
 * Packages where clients find them: a folder or a bucket, by `Files`. `datapackage.json` is written last and
 * conditionally: what it does not name is not there, so no half package is ever seen, and two writers never lose each
 * other's work.
 */
export interface PackageStore {
  /** Names of boundaries that have a package, in order; from storage alone. */
  list(call?: IoCall): AsyncIterable<string>;
  /** Undefined: there is no such package. */
  datapackage(boundary: string, call?: IoCall): Promise<DataPackage | undefined>;
  /** Dataset versions of a package. */
  datasets(boundary: string, call?: IoCall): Promise<readonly PackagedDataset[]>;
  /** Makes the package where there is none: the boundary, pages, an empty `datapackage.json`. Safe to repeat. */
  setUp(boundary: Boundary, call?: IoCall): Promise<{ readonly isNew: boolean }>;
  /** Uploads what was made and then names it in `datapackage.json`, in the place of what was there of that dataset version. */
  publish(made: NewDataset): Promise<{ readonly replaced: boolean; readonly bytes: number; readonly files: number }>;
  /** Appends to `provenance.json`: UTC time to a list of logs. */
  addProvenance(boundary: string, logs: readonly ProvenanceLog[], call?: IoCall): Promise<void>;
  /** Writes pages, metadata and hashes anew, from the files that are there. */
  redescribe(boundary: Boundary, metadata: readonly ProcessorMetadata[], call?: IoCall): Promise<void>;
  /** One file; path is relative to the package and checked. Undefined: it is not there, or the package does not name it. */
  file(boundary: string, path: string, call?: IoCall): Promise<PackagedFile | undefined>;
  /** Its address for clients. */
  url(boundary: string, path?: string): URL;
}

export type ProvenanceLog = { readonly [name: string]: unknown };

export interface PackagedFile {
  readonly info: FileInfo;
  readonly mediaType: string;
  read(range: ByteRange, call?: IoCall): ReadableStream<Uint8Array>;
}
