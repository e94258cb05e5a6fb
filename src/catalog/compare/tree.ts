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

/** A collection as a comparison sees it. */
export interface CollectionLeaf {
  readonly id: string;
  /** Of its document and of all its items: of nodes that have both alike it is equal. */
  readonly digest: string;
  /** Null: nobody described it, and what is shown is made of its items. */
  readonly document: Pick<Leaf, "digest" | "etag" | "time"> | null;
  /** Of all its items; null: it has none. */
  readonly items: string | null;
}

/** Items whose path goes on with one digit. */
export interface Branch {
  readonly digit: string;
  readonly items: number;
  readonly hash: string;
}

/**
 * The items of a collection below a prefix of their paths. A path is the hash of an item's id in hexadecimal digits, so
 * that it is the same on every node; a hash is of all digests below, in the order of their paths. Collections are in a
 * tree of the same kind.
 */
export interface TreeNode<L = Leaf> {
  readonly items: number;
  /** Those that have items, in the order of their digits. */
  readonly branches: readonly Branch[];
  /** All items, where there are few: `MOST_LEAVES`. */
  readonly leaves?: readonly L[];
}

/** What can be compared: the items of this node, or of another. */
export interface HashTree {
  /** The collections below a prefix of their paths. Throws Unsupported where a node tells of items alone. */
  catalogue(prefix: string, call: Call): Promise<TreeNode<CollectionLeaf>>;
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
