import { randomBytes } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { badSource, GyreError } from "../errors.ts";
import type { FileInfo, Files, Listed } from "./files.ts";
import { resolveRange } from "./range.ts";

export interface LocalOptions {
  /** Open handles kept at most; the least recently used idle one is closed first. */
  readonly handles?: number;
}

interface Held {
  readonly handle: FileHandle;
  readonly info: FileInfo;
  users: number;
  stale: boolean;
}

const ABSENT = new Set(["ENOENT", "ENOTDIR", "EISDIR"]);

/**
 * Files of this machine (`file:` URLs). A read asks the path for its identity first, so that a replaced file is
 * noticed; handles are pooled by that identity. Writes go to a temporary neighbour and are renamed into place.
 */
export function createLocalFiles({ handles: limit = 256 }: LocalOptions = {}): Files {
  const held = new Map<string, Promise<Held | undefined>>();

  async function acquire(path: string): Promise<Held | undefined> {
    const info = await infoOf(path);
    if (info === undefined) return undefined;
    const known = held.get(path);
    if (known !== undefined) {
      const entry = await known;
      if (entry !== undefined && !entry.stale && entry.info.etag === info.etag) {
        entry.users++;
        held.delete(path);
        held.set(path, known);
        return entry;
      }
      if (held.get(path) === known) drop(path);
    }
    const opening = openAt(path);
    held.set(path, opening);
    opening.then(
      (entry) => entry === undefined && held.get(path) === opening && held.delete(path),
      () => held.get(path) === opening && held.delete(path),
    );
    const entry = await opening;
    if (entry !== undefined) entry.users++;
    while (held.size > limit) drop(held.keys().next().value as string);
    return entry;
  }

  function drop(path: string): void {
    const opening = held.get(path);
    held.delete(path);
    void opening?.then(
      (entry) => {
        if (entry === undefined) return;
        entry.stale = true;
        return release(entry, 0);
      },
      () => undefined,
    );
  }

  async function release(entry: Held, used = 1): Promise<void> {
    entry.users -= used;
    if (entry.stale && entry.users === 0) await entry.handle.close().catch(() => undefined);
  }

  return {
    async read(url, range, options) {
      options?.signal?.throwIfAborted();
      const path = pathOf(url);
      const entry = await failing(url, acquire(path));
      if (entry === undefined) return undefined;
      try {
        if (options?.ifMatch !== undefined && options.ifMatch !== entry.info.etag) {
          throw new GyreError("Conflict", `${url} has changed`, { source: url.href });
        }
        const { start, end } = resolveRange(range, entry.info.size);
        return await failing(url, readFully(entry.handle, start, end - start));
      } finally {
        await release(entry);
      }
    },

    async head(url) {
      return failing(url, infoOf(pathOf(url)));
    },

    async *list(prefix, options) {
      yield* listFolder(prefix, options?.recursive ?? false, options?.signal);
    },

    async write(url, body, options) {
      options?.signal?.throwIfAborted();
      const path = pathOf(url);
      const old = await failing(url, infoOf(path));
      const clash =
        (options?.ifNoneMatch === "*" && old !== undefined) ||
        (options?.ifMatch !== undefined && options.ifMatch !== old?.etag);
      if (clash) throw new GyreError("Conflict", `${url} is there already or has changed`, { source: url.href });
      await mkdir(dirname(path), { recursive: true });
      const temporary = `${path}.${randomBytes(6).toString("hex")}.part`;
      try {
        const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
        try {
          if (body instanceof Uint8Array) await handle.writeFile(body);
          else for await (const part of body) await writeFully(handle, part, options?.signal);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      const info = await infoOf(path);
      if (info === undefined) throw badSource(url, undefined, "vanished while it was written");
      return info;
    },

    async delete(url) {
      await rm(pathOf(url), { force: true });
    },

    async close() {
      for (const path of [...held.keys()]) drop(path);
    },
  };
}

/** The path of a `file:` URL; anything that could be read as another path is refused. */
function pathOf(url: URL): string {
  if (url.protocol !== "file:") throw new GyreError("Denied", `${url} is not a local file`, { source: url.href });
  if (/%(00|2f|5c)/i.test(url.pathname)) {
    throw new GyreError("BadRequest", "encoded slashes and NUL have no place in a file name");
  }
  return fileURLToPath(url);
}

async function openAt(path: string): Promise<Held | undefined> {
  const handle = await open(path, "r");
  const info = infoFrom(await handle.stat({ bigint: true }));
  return { handle, info, users: 0, stale: false };
}

async function infoOf(path: string): Promise<FileInfo | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile() ? infoFrom(stats) : undefined;
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function infoFrom(stats: BigIntStats): FileInfo {
  return {
    size: Number(stats.size),
    etag: `"${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}"`,
    modified: stats.mtime,
  };
}

async function readFully(handle: FileHandle, start: number, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done === length ? buffer : buffer.subarray(0, done);
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  let done = 0;
  while (done < bytes.byteLength) done += (await handle.write(bytes, done)).bytesWritten;
}

async function* listFolder(folder: URL, recursive: boolean, signal?: AbortSignal): AsyncGenerator<Listed> {
  signal?.throwIfAborted();
  const path = pathOf(folder);
  let entries: { name: string; isDirectory(): boolean; isSymbolicLink(): boolean }[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return;
    throw badSource(folder, undefined, (error as Error).message, error);
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    signal?.throwIfAborted();
    const url = new URL(encodeURIComponent(entry.name), folder);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await isDirectory(fileURLToPath(url))));
    if (!isFolder) {
      const info = await infoOf(fileURLToPath(url)).catch(() => undefined);
      if (info !== undefined) yield { url, info };
    } else if (recursive) {
      // A linked folder is not entered again below itself: links in a recursive walk are not followed.
      if (entry.isDirectory()) yield* listFolder(new URL(`${url.href}/`), true, signal);
    } else {
      yield { url: new URL(`${url.href}/`) };
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function failing<T>(url: URL, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EACCES" || code === "EPERM")
      throw badSource(url, undefined, "may not be read by this process", error);
    if (code === "EMFILE" || code === "ENFILE") {
      throw new GyreError("Busy", "too many files are open", { source: url.href, retryAfter: 1, cause: error });
    }
    if (error instanceof Error && code !== undefined && code.startsWith("E") && !error.name.startsWith("GyreError")) {
      throw badSource(url, undefined, error.message, error);
    }
    throw error;
  }
}
