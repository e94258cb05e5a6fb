import { parseArgs } from "node:util";
import { allDifferences, type Difference } from "../../catalog/compare/differences.ts";
import { createRemoteTree } from "../../catalog/compare/remote-tree.ts";
import { ANONYMOUS } from "../../core/principal.ts";
import { GyreError } from "../../errors.ts";
import type { CommandIo } from "../command.ts";
import { nodeUrl } from "../publisher.ts";

/** Options of commands about two nodes, for `parseArgs`. */
export const PAIR_OPTIONS = {
  node: { type: "string", default: "east" },
  with: { type: "string" },
  collection: { type: "string", multiple: true },
  json: { type: "boolean", default: false },
} as const;

export interface PairFlags {
  readonly node: string;
  readonly with?: string | undefined;
  readonly collection?: string[] | undefined;
}

const SIGNS = { missingHere: "-", missingThere: "+", differing: "~" } as const;

/**
 * `gyre events compare`: the items and the documents of collections that two nodes do not have alike. Answers 1 where
 * there are some, as `diff` does.
 */
export async function compare(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: PAIR_OPTIONS });
  const counts = { missingHere: 0, missingThere: 0, differing: 0 };
  for await (const difference of differencesOf(values, io)) {
    counts[difference.kind]++;
    io.out(values.json ? JSON.stringify(difference) : `${SIGNS[difference.kind]} ${nameOf(difference)}`);
  }
  const { missingHere, missingThere, differing } = counts;
  const isAlike = missingHere + missingThere + differing === 0;
  if (!values.json) {
    const [here, there] = [values.node, values.with];
    io.out(isAlike ? "alike" : `${differing} differ, ${missingHere} not at ${here}, ${missingThere} not at ${there}`);
  }
  return isAlike ? 0 : 1;
}

/** `collection/item`, or the collection itself. */
export function nameOf({ collection, id }: Difference): string {
  return id === undefined ? collection : `${collection}/${id}`;
}

/** Throws BadRequest where the second node is not named. */
export function differencesOf(flags: PairFlags, { signal, err }: CommandIo): AsyncGenerator<Difference> {
  if (flags.with === undefined) {
    throw new GyreError("BadRequest", "name the node to compare with: --with east|west|URL", { subject: "--with" });
  }
  const [here, there] = [flags.node, flags.with].map((node) => createRemoteTree(nodeUrl(node)));
  const onItemsAlone = (reason: string): void => err(`${reason}: items alone are compared`);
  return allDifferences(here!, there!, { named: flags.collection, onItemsAlone }, { who: ANONYMOUS, signal });
}
