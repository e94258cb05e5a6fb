import type { IoCall } from "../../core/array.ts";
import type { CubePart } from "../../core/cube.ts";
import { decodedPath, hasGlob } from "../../core/glob.ts";
import { isGyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import type { SourceEntry } from "../../formats/catalogs/expand.ts";
import type { Entry } from "../registry/entry.ts";
import { identityOf, infoOf } from "../registry/identity.ts";
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

export interface ConfiguredDataset {
  readonly id: string;
  readonly url: URL;
  readonly tape?: boolean;
  readonly drop?: readonly string[];
  /** What it is registered below, unless a source has it already; it vanishes with that. */
  readonly root: string;
}

/** A source with a given id. What is known of it is kept, so that it is not read again while it is the same. */
export async function registerDataset(
  { registry, files }: { readonly registry: Registry; readonly files: Files },
  { id, url, tape, drop, root }: ConfiguredDataset,
  call?: IoCall,
): Promise<Entry> {
  const info = await infoOf(files, url, call);
  const before = known(registry, url.href, root);
  const identity = info === undefined ? undefined : identityOf(info);
  const state = identity === before.identity ? before : { root: before.root, ...(identity && { identity }) };
  const more = { ...(tape === undefined ? {} : { tape }), ...(drop === undefined ? {} : { drop }) };
  registry.add({ ...state, key: url.href, kind: "file", source: url.href, path: id, id, ...more });
  if (info === undefined) registry.vanished(url.href);
  return registry.byKey(url.href)!;
}

/** What a source was when it was last looked at. One that lies below a root that is served stays below it. */
function known(registry: Registry, key: string, root: string): Pick<Entry, "root" | "identity" | "verified" | "item"> {
  const entry = registry.byKey(key);
  if (entry === undefined || entry.missing !== undefined) return { root };
  const { identity, verified, item } = entry;
  return {
    root: entry.root ?? root,
    ...(identity === undefined ? {} : { identity }),
    ...(verified === undefined ? {} : { verified }),
    ...(item === undefined ? {} : { item }),
  };
}

/** What a configured cube is recognised by. */
export function cubeKey(id: string): string {
  return `cube:${id}`;
}

/** Entries of a catalogue as datasets: their ids in it become canonical. What may not be read is left out and told. */
export async function registerCatalog(
  { registry, files, allows }: { readonly registry: Registry; readonly files: Files; allows(url: URL): boolean },
  url: URL,
  entries: AsyncIterable<SourceEntry>,
  call?: IoCall,
): Promise<number> {
  const met = new Set<string>();
  const outside = createOutside(allows);
  for await (const { id, part: given, drop } of entries) {
    if (outside.holds(given)) continue;
    const part = await found(files, given, call).catch((error) => registry.report(`${url.href}#${id}`, error));
    if (part === undefined) continue;
    const common = { path: id, ...(drop === undefined ? {} : { drop }) };
    const registration: Registration =
      typeof part === "string"
        ? { ...common, ...known(registry, part, url.href), key: part, kind: "file", source: part }
        : {
            ...common,
            root: url.href,
            key: `cube:${url.href}#${id}`,
            kind: "cube",
            source: `${url.href}#${id}`,
            cube: withDrop(part, drop),
          };
    met.add(registration.key);
    addWithId(registry, registration, idText(id));
  }
  vanishOthers(registry, url.href, met);
  const denied = `${url.href}#allow`;
  if (outside.count === 0) registry.resolved(denied);
  else registry.report(denied, outside.message(met.size));
  return met.size;
}

interface Outside {
  readonly count: number;
  /** Whether a part lies outside what may be read; it is counted then. */
  holds(part: CubePart): boolean;
  message(served: number): string;
}

/** Collects the datasets of a catalogue that may not be read, and what would have to be allowed for them. */
function createOutside(allows: (url: URL) => boolean): Outside {
  let count = 0;
  /** The folder that holds all that was met, by host. */
  const folders = new Map<string, string>();
  return {
    get count() {
      return count;
    },
    holds(part) {
      const addresses = [...leaves(part)].filter((address) => !allows(new URL(address)));
      for (const address of addresses) {
        const { protocol, host, href } = new URL(address);
        const store = `${protocol}//${host}`;
        folders.set(store, commonFolder(folders.get(store) ?? href, href));
      }
      if (addresses.length > 0) count++;
      return addresses.length > 0;
    },
    message(served) {
      const flags = [...folders.values()].map((folder) => `--allow ${folder}`).join(" ");
      return `${count} of its ${count + served} datasets lie outside what may be read; serve them with ${flags}`;
    },
  };
}

function* leaves(part: CubePart): Generator<string> {
  if (typeof part === "string") yield part;
  else for (const one of part.parts) yield* leaves(one);
}

/** The deepest folder that holds both addresses. */
function commonFolder(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, a.lastIndexOf("/", length - 1) + 1);
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

/** What was registered below a root before and not this time. */
export function vanishOthers(registry: Registry, root: string, met: ReadonlySet<string>): void {
  for (const entry of [...registry.entries()]) {
    if (entry.root === root && !met.has(entry.key)) registry.vanished(entry.key);
  }
}
