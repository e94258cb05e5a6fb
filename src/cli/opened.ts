import { resolve } from "node:path";
import { type Config, loadConfig } from "../config.ts";
import type { Opened } from "../core/access.ts";
import { ANONYMOUS } from "../core/principal.ts";
import { isGyreError } from "../errors.ts";
import { createNode, type Node } from "../node.ts";
import type { CommandIo } from "./command.ts";

/** What commands that read sources take, for `parseArgs`. */
export const SOURCE_OPTIONS = {
  allow: { type: "string", multiple: true },
  plugin: { type: "string", multiple: true },
} as const;

export interface SourceFlags {
  readonly allow?: readonly string[] | undefined;
  readonly plugin?: readonly string[] | undefined;
}

/** A node over some sources for the time of a command. */
export function nodeOver(
  sources: readonly string[],
  { allow = [], plugin = [] }: SourceFlags,
  more: Partial<Config> & { readonly isTransient: boolean },
): Promise<Node> {
  const { isTransient, ...settings } = more;
  const here = (text: string): string => (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : resolve(text));
  const config: Config = {
    ...loadConfig(""),
    ...settings,
    sources: sources.map(here),
    allow: allow.map(here),
    plugins: [...plugin],
    rescanSeconds: 0,
  };
  return createNode(config, { folder: process.cwd(), isTransient });
}

/** Every dataset that can be read; those that cannot are told. Files that are members of a cube come with it. */
export async function* openedBy(node: Node, io: CommandIo): AsyncGenerator<Opened> {
  const call = { signal: io.signal, who: ANONYMOUS };
  const ids = await Array.fromAsync(node.access.list(call));
  const cubes = ids.filter((id) => node.registry.get(id)?.kind === "cube");
  const members = new Set(cubes.flatMap((id) => node.registry.get(id)?.cube?.parts.flat() ?? []));
  for (const id of ids) {
    if (members.has(node.registry.get(id)?.key ?? "")) continue;
    try {
      const opened = await node.access.open(id, call);
      if (opened !== undefined) yield opened;
    } catch (error) {
      // It is listed with the problems, which are told at the end.
      if (!isGyreError(error)) throw error;
    }
  }
  for (const { source, reason } of node.registry.problems()) io.err(`${source}: ${reason}`);
}
