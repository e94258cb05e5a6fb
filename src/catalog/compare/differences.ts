import { createHash } from "node:crypto";
import type { Call } from "../../core/principal.ts";
import { GyreError } from "../../errors.ts";
import { type HashTree, type Leaf, LONGEST_PREFIX, type TreeNode } from "./tree.ts";

/** An item that two nodes do not have alike. */
export interface Difference {
  readonly kind: "missingHere" | "missingThere" | "differing";
  readonly collection: string;
  readonly id: string;
  readonly here?: Leaf;
  readonly there?: Leaf;
}

const DIGITS = [..."0123456789abcdef"];
const NOTHING: TreeNode = { items: 0, branches: [], leaves: [] };

/**
 * Finds the items of a collection that differ, by exchanges for the branches that differ alone: one difference among n
 * items costs as many as the logarithm of n to base 16. What changes meanwhile may or may not be told.
 */
export async function* differences(
  here: HashTree,
  there: HashTree,
  collection: string,
  call: Call,
): AsyncGenerator<Difference> {
  const open = [""];
  for (let prefix = open.pop(); prefix !== undefined; prefix = open.pop()) {
    const [own, other] = await Promise.all([
      nodeAt(here, collection, prefix, call),
      nodeAt(there, collection, prefix, call),
    ]);
    if (own.leaves !== undefined && other.leaves !== undefined) {
      yield* unlike(collection, own.leaves, other.leaves);
      continue;
    }
    if (prefix.length === LONGEST_PREFIX) {
      throw new GyreError("BadSource", `collection ${collection}: too many items share the path ${prefix}`);
    }
    const differing = DIGITS.filter((digit) => hashOf(own, digit) !== hashOf(other, digit));
    open.push(...differing.reverse().map((digit) => prefix + digit));
  }
}

/** The same for all collections that one of them has; or for those that are named. */
export async function* allDifferences(
  here: HashTree,
  there: HashTree,
  named: readonly string[] | undefined,
  call: Call,
): AsyncGenerator<Difference> {
  const both = named ?? (await Promise.all([here.collections(call), there.collections(call)])).flat();
  for (const collection of [...new Set(both)].sort()) yield* differences(here, there, collection, call);
}

async function nodeAt(tree: HashTree, collection: string, prefix: string, call: Call): Promise<TreeNode> {
  const node = (await tree.node(collection, prefix, call)) ?? NOTHING;
  for (const { id } of node.leaves ?? []) {
    if (pathOf(id).startsWith(prefix)) continue;
    throw new GyreError("BadSource", `collection ${collection}: ${JSON.stringify(id)} does not lie below ${prefix}`);
  }
  return node;
}

/** As `id_hash` of sql/node has it. */
function pathOf(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 16);
}

function hashOf({ branches }: TreeNode, wanted: string): string | undefined {
  return branches.find(({ digit }) => digit === wanted)?.hash;
}

function* unlike(collection: string, own: readonly Leaf[], other: readonly Leaf[]): Generator<Difference> {
  const others = new Map(other.map((leaf) => [leaf.id, leaf]));
  for (const here of own) {
    const there = others.get(here.id);
    others.delete(here.id);
    if (there === undefined) yield { kind: "missingThere", collection, id: here.id, here };
    else if (there.digest !== here.digest) yield { kind: "differing", collection, id: here.id, here, there };
  }
  for (const there of others.values()) yield { kind: "missingHere", collection, id: there.id, there };
}
