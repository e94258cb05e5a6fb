import type { IoCall } from "../../core/array.ts";
import type { CubePart } from "../../core/cube.ts";
import { decodedPath, hasGlob } from "../../core/glob.ts";
import { isGyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import type { SourceEntry } from "../../formats/catalogs/expand.ts";
import { idText } from "../registry/ids.ts";
import type { Registration, Registry } from "../registry.ts";
import { walk } from "./walk.ts";

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
  { registry, files }: { readonly registry: Registry; readonly files: Files },
  url: URL,
  entries: AsyncIterable<SourceEntry>,
  call?: IoCall,
): Promise<number> {
  const met = new Set<string>();
  for await (const { id, part: given, drop } of entries) {
    const part = await found(files, given, call).catch((error) => registry.report(`${url.href}#${id}`, error));
    if (part === undefined) continue;
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

/** The part with its patterns filled in. */
async function found(files: Files, part: CubePart, call?: IoCall): Promise<CubePart> {
  if (typeof part === "string") return part;
  const parts: CubePart[] = [];
  for (const one of part.parts) {
    if (typeof one !== "string") parts.push(await found(files, one, call));
    else if (!hasGlob(decodedPath(new URL(one).pathname))) parts.push(one);
    else for await (const { url } of walk(files, new URL(one), call)) parts.push(url.href);
  }
  return { ...part, parts };
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
