import type { IoCall, Json } from "../../core/array.ts";
import type { ByteRange, FileInfo } from "../../files/files.ts";
import type { Boundary, MultiPolygon } from "../boundaries/boundary.ts";
import type { Generated, ProcessorMetadata } from "../processors/processor.ts";
import type { DataPackage } from "./datapackage.ts";
import type { PackageDelta } from "./delta.ts";

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
  /** What the processor was told besides the boundary, for whoever makes it again. */
  readonly options?: Json;
  readonly signal: AbortSignal;
}

/** What a sweep took away. */
export interface Swept {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Packages where clients find them: a folder or a bucket, by `Files`. `datapackage.json` is written last and
 * conditionally: what it does not name is not there, so no half package is ever seen, and two writers never lose each
 * other's work. A file that it names is never overwritten: what replaces it lies beside it.
 */
export interface PackageStore {
  /** Names of boundaries that have a package, in order; from storage alone. */
  list(call?: IoCall): AsyncIterable<string>;
  /** Undefined: there is no such package. */
  datapackage(boundary: string, call?: IoCall): Promise<DataPackage | undefined>;
  /** Dataset versions of a package. */
  datasets(boundary: string, call?: IoCall): Promise<readonly PackagedDataset[]>;
  /** The area that the package was made for. */
  geometry(boundary: string, call?: IoCall): Promise<MultiPolygon | undefined>;
  /** What changed after a state (`3` for version 3.0.0). Undefined: no package, or it does not remember so far back. */
  delta(boundary: string, since: number, call?: IoCall): Promise<PackageDelta | undefined>;
  /**
   * Makes the package where there is none: the boundary, pages, an empty `datapackage.json`. Safe to repeat: then it
   * takes up a changed boundary, mends pages that a crash left behind, and sweeps.
   */
  setUp(boundary: Boundary, call?: IoCall): Promise<{ readonly isNew: boolean }>;
  /** Uploads what was made and then names it in `datapackage.json`, in the place of what was there of that dataset version. */
  publish(made: NewDataset): Promise<{ readonly replaced: boolean; readonly bytes: number; readonly files: number }>;
  /** Appends to `provenance.json`: UTC time to a list of logs. */
  addProvenance(boundary: string, logs: readonly ProvenanceLog[], call?: IoCall): Promise<void>;
  /** Writes pages, metadata and hashes anew, from the files that are there. */
  redescribe(boundary: Boundary, metadata: readonly ProcessorMetadata[], call?: IoCall): Promise<void>;
  /** Deletes data files that the package has not named for a while: of tries that broke off, and replaced ones. */
  sweep(boundary: string, call?: IoCall): Promise<Swept>;
  /** One file; path is relative to the package and checked. Undefined: it is not there, or the package does not name it. */
  file(boundary: string, path: string, call?: IoCall): Promise<PackagedFile | undefined>;
  /** Its address for clients. */
  url(boundary: string, path?: string): URL;
}

export type ProvenanceLog = { readonly [name: string]: unknown };

export interface PackagedFile {
  readonly info: FileInfo;
  readonly mediaType: string;
  /** `sha256:...` of data files. */
  readonly hash?: string | undefined;
  read(range: ByteRange, call?: IoCall): ReadableStream<Uint8Array>;
}
