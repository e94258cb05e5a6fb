import type { Call } from "../../core/principal.ts";
import type { Area } from "./area.ts";
import type { Boundary } from "./boundary.ts";

/** A boundary on its way into the node. */
export interface BoundaryDraft extends Area {
  readonly name: string;
  readonly nameLong: string;
  readonly adminLevel: number;
}

export interface LoadOptions {
  /** Where they come from, for people. */
  readonly source: string;
  /** All others go out of the lists; their versions are kept. */
  readonly replace?: boolean;
}

export interface Loaded {
  /** Names that were not there. */
  readonly added: number;
  /** Names that were there, with another area. */
  readonly changed: number;
  readonly unchanged: number;
  /** By `replace`. */
  readonly removed: number;
}

/** A boundary as it was from some time on. */
export interface BoundaryVersion {
  readonly digest: string;
  readonly nameLong: string;
  readonly adminLevel: number;
  readonly source: string;
  readonly loaded: Date;
  readonly current: boolean;
  readonly repairs: readonly string[];
}

/** What fills `Boundaries`, and what knows older versions. */
export interface BoundaryAdmin {
  /** All of them or none. Throws Conflict, which names both, where two have one name. */
  load(drafts: AsyncIterable<BoundaryDraft>, options: LoadOptions, call: Call): Promise<Loaded>;
  /**
   * Keeps a boundary that came with a job, so that others find it by its name and digest. It is in no list. Throws
   * Conflict where a boundary of the node has that name and is another area.
   */
  keep(boundary: Boundary, call: Call): Promise<void>;
  /** As it was when it had this digest, current or not. */
  version(name: string, digest: string, call: Call): Promise<Boundary | undefined>;
  /** The newest first; empty for a name that was never there. */
  versions(name: string, call: Call): Promise<readonly BoundaryVersion[]>;
}
