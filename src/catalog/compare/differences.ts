import { createHash } from "node:crypto";
import type { Call } from "../../core/principal.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import { type CollectionLeaf, type HashTree, type Leaf, LONGEST_PREFIX, type TreeNode } from "./tree.ts";

/** What two nodes do not have alike. */
export interface Difference {
  readonly kind: "missingHere" | "missingThere" | "differing";
  readonly collection: string;
  /** Of the item; absent: the document of the collection itself. */
  readonly id?: string;
  readonly here?: Leaf;
  readonly there?: Leaf;
}

export interface Compared {
  /** Collections; all without it. */
  readonly named?: readonly string[] | undefined;
  /** Told why the items alone are compared: one of the nodes does not tell what its collections are. */
  readonly onItemsAlone?: (reason: string) => void;
}

const DIGITS = [..."0123456789abcdef"];
const NOTHING: TreeNode<never> = { items: 0, branches: [], leaves: [] };

/** The documents of collections and the items that differ, by exchanges for the branches that differ alone. */
export async function* allDifferences(
  here: HashTree,
  there: HashTree,
  { named, onItemsAlone }: Compared,
  call: Call,
): AsyncGenerator<Difference> {
  try {
    yield* catalogueDifferences(here, there, named, call);
    return;
  } catch (error) {
    if (!isGyreError(error, "Unsupported")) throw error;
    onItemsAlone?.(error.message);
  }
  const both = named ?? (await Promise.all([here.collections(call), there.collections(call)])).flat();
  for (const collection of [...new Set(both)].sort()) yield* differences(here, there, collection, call);
}

async function* catalogueDifferences(
  here: HashTree,
  there: HashTree,
  named: readonly string[] | undefined,
  call: Call,
): AsyncGenerator<Difference> {
  const of = "the collections";
  const at = async (tree: HashTree, prefix: string): Promise<TreeNode<CollectionLeaf>> =>
    checked(await tree.catalogue(prefix, call), prefix, of);
  const wanted = named === undefined ? undefined : new Set(named);
  const starts = wanted === undefined ? [""] : [...wanted].map((id) => pathOf(id).slice(0, LONGEST_PREFIX));
  for await (const { id, ...pair } of unlike(
    (prefix) => Promise.all([at(here, prefix), at(there, prefix)]),
    starts,
    of,
  )) {
    if (wanted?.has(id) === false) continue;
    const documents = { here: documentLeaf(pair.here), there: documentLeaf(pair.there) };
    if (documents.here?.digest !== documents.there?.digest) yield difference(id, documents);
    if ((pair.here?.items ?? null) !== (pair.there?.items ?? null)) yield* differences(here, there, id, call);
  }
}

function documentLeaf(collection: CollectionLeaf | undefined): Leaf | undefined {
  if (!collection?.document) return undefined;
  return { id: collection.id, ...collection.document, isRetracted: false };
}

/**
 * Finds the items of a collection that differ: one difference among n items costs as many exchanges as the logarithm of n
 * to base 16. What changes meanwhile may or may not be told.
 */
export async function* differences(
  here: HashTree,
  there: HashTree,
  collection: string,
  call: Call,
): AsyncGenerator<Difference> {
  const of = `collection ${collection}`;
  const at = async (tree: HashTree, prefix: string): Promise<TreeNode> =>
    checked((await tree.node(collection, prefix, call)) ?? NOTHING, prefix, of);
  for await (const { id, ...pair } of unlike(
    (prefix) => Promise.all([at(here, prefix), at(there, prefix)]),
    [""],
    of,
  )) {
    yield { ...difference(collection, pair), id };
  }
}

interface Pair<L> {
  readonly here?: L | undefined;
  readonly there?: L | undefined;
}

function difference(collection: string, { here, there }: Pair<Leaf>): Difference {
  const kind = here === undefined ? "missingHere" : there === undefined ? "missingThere" : "differing";
  return { kind, collection, ...(here && { here }), ...(there && { there }) };
}

/** Walks down two trees from some prefixes, where they differ. */
async function* unlike<L extends { readonly id: string; readonly digest: string }>(
  nodesAt: (prefix: string) => Promise<readonly [TreeNode<L>, TreeNode<L>]>,
  starts: readonly string[],
  of: string,
): AsyncGenerator<Pair<L> & { readonly id: string }> {
  const open = [...starts];
  for (let prefix = open.pop(); prefix !== undefined; prefix = open.pop()) {
    const [own, other] = await nodesAt(prefix);
    if (own.leaves !== undefined && other.leaves !== undefined) {
      yield* unlikeLeaves(own.leaves, other.leaves);
      continue;
    }
    if (prefix.length === LONGEST_PREFIX) throw new GyreError("BadSource", `${of}: too many share the path ${prefix}`);
    const differing = DIGITS.filter((digit) => hashOf(own, digit) !== hashOf(other, digit));
    open.push(...differing.reverse().map((digit) => prefix + digit));
  }
}

function checked<L extends { readonly id: string }>(node: TreeNode<L>, prefix: string, of: string): TreeNode<L> {
  const misplaced = node.leaves?.find(({ id }) => !pathOf(id).startsWith(prefix));
  if (misplaced === undefined) return node;
  throw new GyreError("BadSource", `${of}: ${JSON.stringify(misplaced.id)} does not lie below ${prefix}`);
}

/** As `id_hash` of sql/node has it. */
function pathOf(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 16);
}

function hashOf({ branches }: TreeNode<unknown>, wanted: string): string | undefined {
  return branches.find(({ digit }) => digit === wanted)?.hash;
}

function* unlikeLeaves<L extends { readonly id: string; readonly digest: string }>(
  own: readonly L[],
  other: readonly L[],
): Generator<Pair<L> & { readonly id: string }> {
  const others = new Map(other.map((leaf) => [leaf.id, leaf]));
  for (const here of own) {
    const there = others.get(here.id);
    others.delete(here.id);
    if (there?.digest !== here.digest) yield { id: here.id, here, there };
  }
  for (const there of others.values()) yield { id: there.id, there };
}
