import type { Json } from "../../core/array.ts";
import type { Licence } from "../processors/processor.ts";

/** Of the descriptors that this node writes. */
export const PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json";

/** One file of a resource: what `path`, `bytes` and `hashes` say of all of them, and more. */
export interface PackageFile {
  /** Relative to `datapackage.json`. */
  readonly path: string;
  readonly bytes: number;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly hash: string;
  /** As ZIP has it, so that an archive can be streamed whose size is known beforehand. */
  readonly crc32: number;
  readonly mediatype: string;
  readonly format: string;
  readonly title?: string | undefined;
  readonly crs?: string | undefined;
}

/** One dataset version in a package: a Data Resource (Data Package v2), with the founding system's fields beside. */
export interface Resource {
  /** The dataset; `dataset.version` where the package already has another version of it: names are unique. */
  readonly name: string;
  readonly version: string;
  readonly title?: string | undefined;
  readonly description: string;
  /** Relative to `datapackage.json`. */
  readonly path: readonly string[];
  readonly format: string;
  readonly mediatype?: string | undefined;
  /** Of all files. */
  readonly bytes: number;
  /** Of the only file. */
  readonly hash?: string | undefined;
  /** `sha256:...` of each file, in the order of `path`. */
  readonly hashes: readonly string[];
  readonly licenses: readonly Licence[];
  readonly sources: readonly { readonly title: string; readonly path?: string | undefined }[];
  readonly files: readonly PackageFile[];
  /** What Gyre knows of a dataset version; the boundary, which is a resource as well, has none of it. */
  readonly gyre?: DatasetFacts | undefined;
  readonly [field: string]: unknown;
}

/** How a dataset version of a package came to be, and what its pages tell. */
export interface DatasetFacts {
  readonly dataset: string;
  readonly titleLong: string;
  readonly summary: string;
  readonly citation: string;
  readonly author: string;
  readonly originUrl: string;
  readonly sourceDigest: string;
  readonly boundaryDigest: string;
  readonly run: string;
  /** What the processor was told. */
  readonly options?: Json | undefined;
  readonly notes: readonly string[];
  /** The source has nothing inside of the boundary: the only file says so. */
  readonly isEmpty: boolean;
  /** Of Gyre. */
  readonly software: string;
  readonly created: string;
}

/** What became of a dataset version with a state of the package. */
export interface DatasetChange {
  readonly change: "added" | "replaced" | "removed";
  /** `dataset.version`. */
  readonly dataset: string;
  /** Files that are named no longer; for as long as they are kept. */
  readonly left?: readonly string[] | undefined;
}

/** One state of a package. */
export interface PackageState {
  readonly version: string;
  readonly time: string;
  readonly changes: readonly DatasetChange[];
}

/** `datapackage.json`. */
export interface DataPackage {
  readonly name: string;
  readonly title: string;
  /** `N.0.0`: each state may take files away. */
  readonly version: string;
  /** Of the package, and of this state. */
  readonly created: string;
  readonly updated: string;
  readonly licenses: readonly Licence[];
  readonly resources: readonly Resource[];
  readonly boundary: BoundaryFacts;
  /** States, the newest first, as far as they are kept. */
  readonly history: readonly PackageState[];
  readonly [field: string]: unknown;
}

/** The area of a package; its geometry is a resource. */
export interface BoundaryFacts {
  readonly name: string;
  readonly nameLong: string;
  readonly adminLevel: number;
  readonly bbox: readonly [number, number, number, number];
  readonly digest: string;
}

/** A resource that is a dataset version. */
export interface DatasetResource extends Resource {
  readonly gyre: DatasetFacts;
}

/** Dataset versions of a package: all resources but the boundary. */
export function datasetsOf({ resources }: DataPackage): readonly DatasetResource[] {
  return resources.filter((one): one is DatasetResource => one.gyre !== undefined);
}

/** `dataset.version`, as processors are named. */
export function datasetName({ version, gyre }: DatasetResource): string {
  return `${gyre.dataset}.${version}`;
}

/** Where its pages and files are, relative to the package. */
export function datasetFolder({ version, gyre }: DatasetResource): string {
  return `datasets/${gyre.dataset}/${version}/`;
}

/** All files that the package names. */
export function filesOf({ resources }: DataPackage): readonly PackageFile[] {
  return resources.flatMap(({ files }) => files);
}

/** The number of a state: 3 for `3.0.0`. */
export function stateNumber(version: string): number {
  return Number.parseInt(version, 10);
}
