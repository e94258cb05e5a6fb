import type { Call } from "../../core/principal.ts";

/** One item as a comparison sees it. */
export interface Leaf {
  readonly id: string;
  /** Of the document as it was published: equal on every node that has the same. */
  readonly digest: string;
  /** The last event. */
  readonly etag: string;
  /** When that was accepted somewhere; where that is forgotten, when it was applied here. */
  readonly time: Date;
  readonly isRetracted: boolean;
}

/** Items whose path goes on with one digit. */
export interface Branch {
  readonly digit: string;
  readonly items: number;
  readonly hash: string;
}

/**
 * The items of a collection below a prefix of their paths. A path is the hash of an item's id in hexadecimal digits, so
 * that it is the same on every node; a hash is of all digests below, in the order of their paths.
 */
export interface TreeNode {
  readonly items: number;
  /** Those that have items, in the order of their digits. */
  readonly branches: readonly Branch[];
  /** All items, where there are few: `MOST_LEAVES`. */
  readonly leaves?: readonly Leaf[];
}

/** What can be compared: the items of this node, or of another. */
export interface HashTree {
  /** Collections that have items or a description. */
  collections(call: Call): Promise<readonly string[]>;
  /** Undefined: there is no such collection. */
  node(collection: string, prefix: string, call: Call): Promise<TreeNode | undefined>;
}

/** A list of leaves ends the walk: some dozens of kB in one answer. */
export const MOST_LEAVES = 256;
/** Paths have 16 digits; so many items never share twelve. */
export const LONGEST_PREFIX = 12;
/** Of one node. */
export const MOST_COLLECTIONS = 100_000;
