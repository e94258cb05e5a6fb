import { realpath } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { IoCall } from "../../core/array.ts";
import { decodedPath, globPattern, hasGlob } from "../../core/glob.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import type { FileInfo, Files, Listed } from "../../files/files.ts";

/** Something that may be a dataset: a file, or a folder that is one (its address ends in `/`). */
export interface Found {
  readonly url: URL;
  /** Below the source's root, decoded: what the id is made of. */
  readonly path: string;
  readonly info?: FileInfo;
}

/** Files whose presence makes a folder one dataset, whatever else lies in it. */
const MARKERS = new Set(["zarr.json", ".zgroup", ".zarray", ".zmetadata"]);
const MAX_DEPTH = 64;

/** Whether a file of this name makes its folder a dataset. */
export function isStoreMarker(name: string): boolean {
  return MARKERS.has(name);
}

/** A source that is one file, neither a folder nor a pattern. */
export function isOne(source: URL): boolean {
  return !source.pathname.endsWith("/") && !hasGlob(decodedPath(source.pathname));
}

/** Told of a folder below the source that cannot be listed; the others are walked. */
export type FolderFailed = (folder: URL, error: unknown) => void;

function rethrow(_folder: URL, error: unknown): never {
  throw error;
}

/**
 * Everything below a source: a file, a folder (its address ends in `/`), or a pattern. Folders that are Zarr stores are
 * one thing and not walked; names that begin with a dot are passed over.
 */
export async function* walk(
  files: Files,
  source: URL,
  call?: IoCall,
  failed: FolderFailed = rethrow,
): AsyncGenerator<Found> {
  const path = decodedPath(source.pathname);
  if (hasGlob(path)) {
    yield* walkPattern(files, source, path, failed, call);
    return;
  }
  if (!path.endsWith("/")) {
    const info = await files.head(source, call);
    if (info === undefined) throw new GyreError("NotFound", `${source} is not there`, { source: source.href });
    yield { url: source, path: path.slice(path.lastIndexOf("/") + 1), info };
    return;
  }
  const own = path.split("/").at(-2) ?? "";
  yield* walkFolder(files, source, source, own, [], failed, call);
}

/** The fixed part of the pattern is the root; the pattern must fit the whole path. */
async function* walkPattern(
  files: Files,
  source: URL,
  path: string,
  failed: FolderFailed,
  call?: IoCall,
): AsyncGenerator<Found> {
  const fixed = path.slice(0, path.search(/[*?[{]/));
  const root = new URL(source.href);
  root.pathname = fixed
    .slice(0, fixed.lastIndexOf("/") + 1)
    .split("/")
    .map(encodeURIComponent)
    .join("/");
  const pattern = globPattern(path.replace(/\/$/, ""));
  const depth = path.includes("**") ? MAX_DEPTH : path.split("/").length - root.pathname.split("/").length;
  for await (const found of walkFolder(files, root, root, "", [], failed, call, depth)) {
    if (pattern.test(decodedPath(found.url.pathname).replace(/\/$/, ""))) yield found;
  }
}

async function* walkFolder(
  files: Files,
  root: URL,
  folder: URL,
  own: string,
  above: readonly string[],
  failed: FolderFailed,
  call?: IoCall,
  depth = MAX_DEPTH,
): AsyncGenerator<Found> {
  if (files.list === undefined) {
    throw new GyreError("Unsupported", `${folder} cannot be listed: name its files or a catalogue`, {
      source: folder.href,
    });
  }
  const below: Listed[] = [];
  try {
    for await (const listed of files.list(folder, call)) {
      if (MARKERS.has(lastPart(listed.url))) {
        yield { url: folder, path: folder.href === root.href ? own : pathBelow(root, folder) };
        return;
      }
      below.push(listed);
    }
  } catch (error) {
    if (!isGyreError(error) || folder.href === root.href) throw error;
    failed(folder, error);
  }
  if (await hasHiddenMarker(files, folder, below, call)) {
    yield { url: folder, path: folder.href === root.href ? own : pathBelow(root, folder) };
    return;
  }
  const real = await realFolder(folder);
  // A link to a folder that is being walked would never end.
  if (real !== undefined && above.includes(real)) return;
  const chain = real === undefined ? above : [...above, real];
  for (const { url, info } of below) {
    call?.signal?.throwIfAborted();
    if (lastPart(url).startsWith(".")) continue;
    if (!url.pathname.endsWith("/")) yield { url, path: pathBelow(root, url), ...(info === undefined ? {} : { info }) };
    else if (depth > 0) yield* walkFolder(files, root, url, own, chain, failed, call, depth - 1);
  }
}

/**
 * Web servers leave names that begin with a dot out of their index pages, and so what makes a folder a Zarr v2 store.
 * Asked for only where no other files lie than chunks may be called.
 */
async function hasHiddenMarker(files: Files, folder: URL, below: readonly Listed[], call?: IoCall): Promise<boolean> {
  const isLikeStore = ({ url }: Listed): boolean => url.pathname.endsWith("/") || /^\d+(\.\d+)*$/.test(lastPart(url));
  if (!/^https?:$/.test(folder.protocol) || below.length === 0 || !below.every(isLikeStore)) return false;
  const hidden = [...MARKERS].filter((name) => name.startsWith("."));
  const found = await Promise.all(
    hidden.map((name) =>
      files.head(new URL(name, folder), call).catch((error: unknown) => {
        // Some servers refuse what they hide, whether it is there or not.
        if (isGyreError(error, "BadSource")) return undefined;
        throw error;
      }),
    ),
  );
  return found.some((info) => info !== undefined);
}

async function realFolder(folder: URL): Promise<string | undefined> {
  if (folder.protocol !== "file:") return undefined;
  return realpath(fileURLToPath(folder)).catch(() => undefined);
}

function lastPart(url: URL): string {
  const parts = url.pathname.split("/");
  return decodedPath(parts.at(-1) === "" ? (parts.at(-2) ?? "") : parts.at(-1)!);
}

function pathBelow(root: URL, url: URL): string {
  return decodedPath(url.pathname.slice(root.pathname.length)).replace(/\/$/, "");
}
