import type { Licence } from "../processors/processor.ts";

/** One dataset version in a package: a Data Resource (Data Package v2), with the founding system's fields beside. */
export interface Resource {
  /** The dataset; the founding system's `name`. */
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  readonly description: string;
  /** Relative to `datapackage.json`. */
  readonly path: readonly string[];
  readonly format: string;
  readonly mediatype?: string;
  /** Of all files. */
  readonly bytes: number;
  /** `sha256:...` of each file, in the order of `path`. */
  readonly hashes: readonly string[];
  readonly licenses: readonly Licence[];
  readonly sources: readonly { readonly title: string; readonly path: string }[];
  readonly [field: string]: unknown;
}

/** `datapackage.json`. */
export interface DataPackage {
  readonly name: string;
  readonly title: string;
  readonly licenses: readonly Licence[];
  readonly resources: readonly Resource[];
  readonly [field: string]: unknown;
}
