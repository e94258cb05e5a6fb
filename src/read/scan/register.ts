import type { CubePart } from "../../core/cube.ts";
import { isGyreError } from "../../errors.ts";
import type { SourceEntry } from "../../formats/catalogs/expand.ts";
import { idText } from "../registry/ids.ts";
import type { Registration, Registry } from "../registry.ts";

/** A DRS folder is one cube by its DRS id, beside the files in it. */
export function registerDrs(
  registry: Registry,
  source: URL,
  { folder, id, parts }: { readonly folder: string; readonly id: string; readonly parts: readonly CubePart[] },
  met: Set<string>,
): void {
  const key = `cube:${folder}`;
  met.add(key);
  const cube = { rules: { concat: "time" }, parts };
  addWithId(registry, { key, kind: "cube", source: folder, root: source.href, path: id, cube }, id);
}

/** Entries of a catalogue as datasets: their ids in it become canonical. */
export async function registerCatalog(
  registry: Registry,
  url: URL,
  entries: AsyncIterable<SourceEntry>,
): Promise<number> {
  const met = new Set<string>();
  for await (const { id, part, drop } of entries) {
    const common = { root: url.href, path: id, ...(drop === undefined ? {} : { drop }) };
    const registration: Registration =
      typeof part === "string"
        ? { ...common, key: part, kind: "file", source: part }
        : {
            ...common,
            key: `cube:${url.href}#${id}`,
            kind: "cube",
            source: `${url.href}#${id}`,
            cube: withDrop(part, drop),
          };
    met.add(registration.key);
    addWithId(registry, registration, idText(id));
  }
  vanishOthers(registry, url, met);
  return met.size;
}

function withDrop(part: Exclude<CubePart, string>, drop: readonly string[] | undefined): Exclude<CubePart, string> {
  return drop === undefined ? part : { ...part, rules: { ...part.rules, drop } };
}

/** The id is wished for, not demanded: where another has it the source gets one of its own, and a word is said. */
function addWithId(registry: Registry, registration: Registration, id: string): void {
  const known = registry.byKey(registration.key);
  const hasIt = known !== undefined && (known.id === id || known.aliases.includes(id));
  try {
    registry.add(hasIt ? registration : { ...registration, id });
  } catch (error) {
    if (!isGyreError(error, "Conflict")) throw error;
    registry.report(registration.source, error);
    registry.add(registration);
  }
}

/** What was found below a source before and not this time. */
export function vanishOthers(registry: Registry, source: URL, met: ReadonlySet<string>): void {
  for (const entry of [...registry.entries()]) {
    if (entry.root === source.href && !met.has(entry.key)) registry.vanished(entry.key);
  }
}
