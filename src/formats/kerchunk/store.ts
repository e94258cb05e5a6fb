import type { ChunkRef, IoCall } from "../../core/array.ts";
import { badSource, GyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { encodeKey } from "../../files/keys.ts";
import { MAX_DOCUMENT } from "../zarr/json.ts";
import { readPart, type Store } from "../zarr/store.ts";
import type { Reference, References } from "./references.ts";

/** A Zarr store whose keys are references. `files` decides which other files may be read. */
export function createReferenceStore(files: Files, url: URL, references: References): Store {
  async function locate(key: string, call?: IoCall): Promise<ChunkRef | undefined> {
    const reference = await references.get(key);
    return reference && placeOf(files, url, reference, call);
  }
  let tree: Map<string, Set<string>> | undefined;
  return {
    url,
    mutable: false,
    locate,
    async read(key, call) {
      const ref = await locate(key, call);
      if (ref === undefined) return undefined;
      const length = "inline" in ref ? ref.inline.byteLength : ref.length;
      if (length > MAX_DOCUMENT) throw badSource(url, undefined, `${key} is a metadata document of ${length} bytes`);
      return readPart(files, ref, 0, length, call);
    },
    async folders(prefix) {
      tree ??= foldersOf(references.keys());
      return [...(tree.get(prefix) ?? [])];
    },
  };
}

async function placeOf(files: Files, base: URL, reference: Reference, call?: IoCall): Promise<ChunkRef | undefined> {
  if (reference instanceof Uint8Array) return { inline: reference };
  const url = resolveHref(reference.href, base);
  const { offset, length } = reference;
  if (length !== undefined) return { url, offset, length };
  const info = await files.head(url, call);
  if (info === undefined) return undefined;
  return { url, offset: 0, length: info.size, ...(info.etag === undefined ? {} : { etag: info.etag }) };
}

/**
 * The address that a reference means: fsspec's are URLs with http(s), elsewhere plain paths or keys in which `#` and
 * `%` are themselves. Relative ones stand beside the reference set.
 */
export function resolveHref(href: string, base: URL): URL {
  const [, scheme, rest = href] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(href) ?? [];
  const refuse = (reason: string): GyreError =>
    badSource(base, undefined, `reference to ${href.slice(0, 200)}: ${reason}`);
  if (href.includes("::"))
    throw new GyreError("Unsupported", `chained address ${href.slice(0, 200)}`, { source: base.href });
  if (!href.isWellFormed() || href.includes("\0")) throw refuse("is no address");
  const isWeb = scheme !== undefined && /^https?$/i.test(scheme);
  const text =
    scheme === undefined
      ? (rest.startsWith("/") ? "" : "./") + encodeKey(rest)
      : `${scheme}://${isWeb ? rest : encodeKey(rest)}`;
  const url = URL.parse(text, base.href);
  if (url === null) throw refuse("is no address");
  // Whoever writes references into a bucket must not choose among the files of this machine.
  if (url.protocol === "file:" && base.protocol !== "file:")
    throw new GyreError("Denied", `${base} refers to a local file`);
  return url;
}

/** Folders by the folder that holds them, as far as metadata documents prove them. */
function foldersOf(keys: Iterable<string>): Map<string, Set<string>> {
  const tree = new Map<string, Set<string>>();
  for (const key of keys) {
    const [, path] = /^(.+)\/(?:\.zarray|\.zgroup|zarr\.json)$/s.exec(key) ?? [];
    if (path === undefined) continue;
    const cut = path.lastIndexOf("/") + 1;
    const parent = path.slice(0, cut);
    const names = tree.get(parent) ?? new Set();
    tree.set(parent, names.add(path.slice(cut)));
  }
  return tree;
}
