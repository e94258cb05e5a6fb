import { randomBytes } from "node:crypto";
import { type BigIntStats, statSync } from "node:fs";
import { type FileHandle, link, mkdir, open, readdir, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { badSource, GyreError, isGyreError } from "../errors.ts";
import { moveOver } from "./claims.ts";
import type { ByteRange, FileInfo, Files, Listed, ReadOptions, WriteOptions } from "./files.ts";
import { GatheredReads, readNow } from "./gathered-reads.ts";
import { HandlePool, isAbsence, type OpenFile, systemMessage } from "./handle-pool.ts";
import { byCodePoint, decodeKey, urlOfKey } from "./keys.ts";
import { Looks } from "./looks.ts";
import { resolveRange } from "./range.ts";

export interface LocalOptions {
  /** Files kept open at most; a read that needs one more waits for another to end. */
  readonly handles?: number;
  /**
   * The process has nothing else to do while it reads: small reads are made at once, which costs a tenth of handing them
   * to a thread. Never for a server, which a slow disk would stop.
   */
  readonly isAlone?: boolean;
}

const TEMPORARY = /^\.[0-9a-f]{12}\.part$/;
const READ_ATTEMPTS = 4;

/**
 * Files of this machine (`file:` URLs), read through pooled handles. Writes go to a temporary neighbour, reach the
 * disk and are moved into place, so that a reader sees the old file or the new one.
 */
export function createLocalFiles({ handles = 256, isAlone = false }: LocalOptions = {}): Files {
  const pool = new HandlePool(handles);
  const looks = isAlone ? { next: statsNow } : new Looks(statsOf);
  const gathered = isAlone ? { read: readNow } : new GatheredReads();
  const writing = new Map<string, Promise<unknown>>();

  /**
   * A pooled read costs one pread and at most one stat of the path, a quarter of open-read-close. The stat comes after
   * the pread: when it shows the inode, time and size that were known before it, the bytes are those of the file that
   * the path named throughout. An fstat would not see a file that was renamed over. Where a handle's file lies is found
   * out once: it stays that file, whatever becomes of the links that led to it.
   */
  function readStable(
    path: string,
    range: ByteRange | undefined,
    { admit, into = unsafe }: ReadOptions,
  ): Promise<Stable | "again" | undefined> {
    return pool.use(path, async (file) => {
      if (admit !== undefined && file.admittedBy !== admit) {
        const isAdmitted = await admitted(file, path, admit).catch(async (error: unknown) => {
          // The path may lead to another file, which is to be asked about anew.
          await pool.forget(path, file);
          throw error;
        });
        if (!isAdmitted) {
          await pool.forget(path, file);
          return "again";
        }
      }
      const before = file.stats;
      const { start, end } = resolveRange(range, Number(before.size));
      const room = into(end - start).subarray(0, end - start);
      const done = await gathered.read(file.handle, room, start);
      const bytes = done === room.byteLength ? room : room.subarray(0, done);
      const after = await looks.next(path);
      if (after === undefined || after.ino !== before.ino || after.dev !== before.dev) {
        await pool.forget(path, file);
        return "again";
      }
      // The object that was known stays: what is derived of it is derived once.
      if (after.mtimeNs === before.mtimeNs && after.size === before.size) return { bytes, stats: before };
      file.stats = after;
      return "again";
    });
  }

  async function readOnce(url: URL, range?: ByteRange, options: ReadOptions = {}): Promise<Stable | undefined> {
    const path = pathOf(url);
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      options.signal?.throwIfAborted();
      const got = await explained(url, readStable(path, range, options));
      if (got === undefined) return undefined;
      if (got === "again") continue;
      if (options.ifMatch !== undefined && options.ifMatch !== etagOf(got.stats)) throw changed(url);
      return got;
    }
    throw new GyreError("Busy", `${url} changes while it is read`, { source: url.href, retryAfter: 1 });
  }

  /** Writers of one path take turns, so that a condition still holds when the file is moved into place. */
  async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
    const turn = (writing.get(path) ?? Promise.resolve()).then(work, work);
    const settled = turn.catch(() => undefined);
    writing.set(path, settled);
    try {
      return await turn;
    } finally {
      if (writing.get(path) === settled) writing.delete(path);
    }
  }

  return {
    asksAdmission: true,

    read: async (url, range, options) => (await readOnce(url, range, options))?.bytes,

    async readWithInfo(url, range, options) {
      const got = await readOnce(url, range, options);
      return got && { bytes: got.bytes, info: infoFrom(got.stats) };
    },

    async head(url, call) {
      call?.signal?.throwIfAborted();
      const stats = await explained(url, statsOf(pathOf(url)));
      return stats && infoFrom(stats);
    },

    list: (prefix, options) => listFolder(prefix, options?.recursive ?? false, options?.signal),

    async write(url, body, options) {
      options?.signal?.throwIfAborted();
      const path = pathOf(url);
      return explained(
        url,
        inTurn(path, () => replace(url, path, body, options)),
      );
    },

    async delete(url, call) {
      call?.signal?.throwIfAborted();
      const path = pathOf(url);
      await explained(url, rm(path, { force: true }));
    },

    close: () => pool.close(),
  };
}

interface Stable {
  readonly bytes: Uint8Array;
  readonly stats: BigIntStats;
}

/** The path of a `file:` URL; anything that could be read as another path is refused. */
function pathOf(url: URL): string {
  if (url.protocol !== "file:") throw new GyreError("Denied", `${url} is not a local file`, { source: url.href });
  if (decodeKey(url.pathname) === undefined) {
    throw new GyreError("BadRequest", `${url}: encoded slashes, backslashes and NUL have no place in a file name`);
  }
  return fileURLToPath(url);
}

async function statsOf(path: string): Promise<BigIntStats | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** The same without leaving this thread. */
async function statsNow(path: string): Promise<BigIntStats | undefined> {
  try {
    const stats = statSync(path, { bigint: true });
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function infoFrom(stats: BigIntStats): FileInfo {
  return {
    size: Number(stats.size),
    etag: etagOf(stats),
    modified: stats.mtime,
  };
}

const etags = new WeakMap<BigIntStats, string>();

function etagOf(stats: BigIntStats): string {
  let etag = etags.get(stats);
  if (etag === undefined) etags.set(stats, (etag = `"${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}"`));
  return etag;
}

/** Asks whether an open file may be read; false where its path leads elsewhere by now. */
async function admitted(file: OpenFile, path: string, admit: NonNullable<ReadOptions["admit"]>): Promise<boolean> {
  const place = await placeOf(file, path);
  if (place === undefined) return false;
  if (place !== path) await admit(pathToFileURL(place));
  file.admittedBy = admit;
  return true;
}

/**
 * Where an open file lies. Its path cannot say so: whoever changes a link to and fro could have one file opened and
 * another one admitted. Linux knows it of the handle; elsewhere the place that the path leads to must hold this file.
 */
async function placeOf({ handle, stats }: OpenFile, path: string): Promise<string | undefined> {
  const place = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => "");
  if (place.startsWith("/")) return place;
  const real = await realpath(path);
  const there = await statsOf(real);
  return there?.ino === stats.ino && there.dev === stats.dev ? real : undefined;
}

/**
 * Every byte is about to be written: zeroing a chunk first would cost as much as reading it. Not a Buffer: its slice()
 * shares memory where that of Uint8Array copies.
 */
function unsafe(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

async function replace(
  url: URL,
  path: string,
  body: Uint8Array | ReadableStream<Uint8Array>,
  options: WriteOptions | undefined,
): Promise<FileInfo> {
  await checkConditions(url, path, options);
  const folder = dirname(path);
  const isDurable = options?.isCache !== true;
  const temporary = join(folder, `.${randomBytes(6).toString("hex")}.part`);
  let isMoved = false;
  try {
    await writeNew(temporary, body, isDurable, options?.signal);
    await checkConditions(url, path, options);
    // A link, other than a rename, fails when another process has made the file in the meantime.
    if (options?.ifNoneMatch === "*") await link(temporary, path);
    else if (options?.ifMatch === undefined) isMoved = await rename(temporary, path).then(() => true);
    else if (!(await moveOver(temporary, path, options.ifMatch, () => tagOf(path)))) throw changed(url);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "EEXIST" ? changed(url) : error;
  } finally {
    if (!isMoved) await rm(temporary, { force: true });
  }
  if (isDurable) await syncFolder(folder);
  const stats = await statsOf(path);
  if (stats === undefined) throw badSource(url, undefined, "vanished while it was written");
  return infoFrom(stats);
}

async function checkConditions(url: URL, path: string, options: WriteOptions | undefined): Promise<void> {
  if (options?.ifMatch === undefined && options?.ifNoneMatch === undefined) return;
  const stats = await statsOf(path);
  if (options.ifNoneMatch === "*" && stats !== undefined) throw changed(url);
  if (options.ifMatch !== undefined && options.ifMatch !== (stats && infoFrom(stats).etag)) throw changed(url);
}

async function tagOf(path: string): Promise<string | undefined> {
  const stats = await statsOf(path);
  return stats && etagOf(stats);
}

async function writeNew(
  path: string,
  body: Uint8Array | ReadableStream<Uint8Array>,
  isDurable: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const handle = await openNew(path);
  try {
    if (body instanceof Uint8Array) await handle.writeFile(body, { signal });
    else await body.pipeTo(new WritableStream({ write: (part) => handle.writeFile(part) }), { signal });
    if (isDurable) await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Its folder is mostly there already. */
async function openNew(path: string): Promise<FileHandle> {
  const create = (): Promise<FileHandle> => open(path, "wx", 0o644);
  return create().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    await mkdir(dirname(path), { recursive: true });
    return create();
  });
}

/** A new name survives a power cut only when its folder is on the disk too; not every system can say so. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

async function* listFolder(folder: URL, recursive: boolean, signal?: AbortSignal): AsyncGenerator<Listed> {
  signal?.throwIfAborted();
  const path = pathOf(folder);
  const entries = await explained(folder, readdir(path, { withFileTypes: true })).catch((error: unknown) => {
    if (isGyreError(error) && isAbsence(error.details.cause)) return [];
    throw error;
  });
  const keys: { key: string; linked: boolean }[] = [];
  for (const entry of entries) {
    const linked = entry.isSymbolicLink();
    const isFolder = linked ? await isDirectory(join(path, entry.name)) : entry.isDirectory();
    if (!TEMPORARY.test(entry.name)) keys.push({ key: isFolder ? `${entry.name}/` : entry.name, linked });
  }
  keys.sort((a, b) => byCodePoint(a.key, b.key));
  for (const { key, linked } of keys) {
    signal?.throwIfAborted();
    const url = urlOfKey(folder, key);
    if (url === undefined) continue;
    if (!key.endsWith("/")) {
      const stats = await statsOf(join(path, key)).catch(() => undefined);
      if (stats !== undefined) yield { url, info: infoFrom(stats) };
    } else if (!recursive) {
      yield { url };
    } else if (!linked) {
      // Links to folders are not followed: a walk ends, also where they form a ring.
      yield* listFolder(url, true, signal);
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

function changed(url: URL): GyreError {
  return new GyreError("Conflict", `${url} has changed or is there already`, { source: url.href });
}

/** Says what the operating system's error means for the reader of `url`. */
async function explained<T>(url: URL, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (isGyreError(error) || code === undefined || syscall === undefined) throw error;
    if (code === "EMFILE" || code === "ENFILE") {
      throw new GyreError("Busy", "too many files are open", { source: url.href, retryAfter: 1, cause: error });
    }
    const forbidden = code === "EACCES" || code === "EPERM";
    throw badSource(
      url,
      undefined,
      forbidden ? "this process may not use it" : systemMessage(error as NodeJS.ErrnoException),
      error,
    );
  }
}
