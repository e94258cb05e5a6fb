import type { Config } from "../config.ts";
import type { Opened } from "../core/access.ts";
import { ANONYMOUS } from "../core/principal.ts";
import { isGyreError } from "../errors.ts";
import { createNode, type Node } from "../node.ts";
import type { CommandIo } from "./command.ts";
import { scanProgress } from "./progress.ts";
import { here, type SourceFlags, settingsOf } from "./settings.ts";

/** A node over some sources for the time of a command. Of the configuration it has all but what is served. */
export async function nodeOver(
  sources: readonly string[],
  flags: SourceFlags,
  { isTransient, ...more }: Partial<Config> & { readonly isTransient: boolean },
  io: CommandIo,
): Promise<Node> {
  const { config, folder } = await settingsOf(flags, io);
  const served = { sources: sources.map(here), datasets: {}, cubes: [], catalogs: [] };
  return createNode(
    { ...config, ...more, ...served, rescanSeconds: 0 },
    { folder, isTransient, isAlone: true, onScan: scanProgress(io) },
  );
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
  for (const { source, reason } of node.registry.problems()) {
    const bare = source.replace(/#.*$/, "");
    io.err(reason.startsWith(bare) ? reason : `${bare}: ${reason}`);
  }
}
