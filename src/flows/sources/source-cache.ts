import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { IoCall } from "../../core/array.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import type { FileInfo, Files } from "../../files/files.ts";
import { createHttpExchange, createHttpFiles } from "../../files/http.ts";
import { type Clock, SYSTEM_CLOCK } from "../../files/transport.ts";
import { download, type FetchCall } from "./download.ts";
import { Leases } from "./lease.ts";
import { type Kept, LocalCache } from "./local-cache.ts";
import { changed, copyByHttp, copyByRanges } from "./origin.ts";
import { SeenStates } from "./seen-states.ts";
import { SharedFetches } from "./shared-fetches.ts";
import { SharedStore } from "./shared-store.ts";
import { keyOf, type Wanted } from "./wanted.ts";

export interface SourceCacheOptions {
  /** Reads sources that are no HTTP addresses, and reads and writes `root`. */
  readonly files: Files;
  /** Where workers share what was fetched, ending in `/`: a folder that all of them see, or a prefix of a bucket. */
  readonly root: URL;
  /** A folder of this machine for what is in use; not needed where `root` is one itself. */
  readonly scratch: string;
  /** Prefixes of HTTP addresses that may be asked, after redirects as well. */
  readonly allow: readonly URL[];
  /** Most bytes that are kept on this machine. */
  readonly limit?: number;
  /** How long what was found out about a source is believed, in milliseconds. */
  readonly maxAgeMs?: number;
  readonly clock?: Clock;
}

/** A fetched file, the caller's own. */
export interface Fetched extends Kept {
  readonly path: string;
  readonly url: URL;
}

/** Sources of processors: fetched once by whoever comes first, checked, and shared by all workers. */
export interface SourceCache {
  /** Names the state of a file: its checksum where one is told, else what its server says of it. Fetches nothing. */
  version(wanted: Wanted, call: IoCall): Promise<string>;
  /** Bytes, as far as its server tells before it is fetched; and whether this machine has it. */
  look(wanted: Wanted, call: IoCall): Promise<{ readonly bytes: number; readonly isHere: boolean }>;
  /** Puts the whole file at `path`, where it is the caller's. Throws BadSource, Conflict, Busy; nothing half is left. */
  take(wanted: Wanted, path: string, call: FetchCall): Promise<Fetched>;
  /** The same of what is made of a source, which is kept on this machine only. */
  derive(derived: Derived, path: string, call: IoCall): Promise<Kept>;
  /** Small documents and folders of sources. */
  readonly files: Files;
}

/** Something made of a fetched file: a member of an archive. */
export interface Derived {
  /** Tells it from all else. */
  readonly key: string;
  /** Most bytes that it may have. */
  readonly bytes: number;
  /** Writes it, and answers its `sha256:...`. */
  readonly make: (part: string, call: IoCall) => Promise<string>;
}

const GiB = 1024 ** 3;
const DAY_MS = 24 * 3600 * 1000;
const POLL_MS = 2000;

/** See `SourceCache`. */
export function createSourceCache(options: SourceCacheOptions): SourceCache {
  const { files, root, scratch, allow, limit = 100 * GiB, maxAgeMs = DAY_MS, clock = SYSTEM_CLOCK } = options;
  const isFolder = root.protocol === "file:";
  const local = new LocalCache(isFolder ? fileURLToPath(root) : join(scratch, "sources"), limit);
  const store = isFolder ? undefined : new SharedStore(files, root);
  const http = createHttpFiles({ allow, clock });
  // Whoever copies goes on by himself, from where he is.
  const overHttp = copyByHttp(createHttpExchange({ allow, clock, retries: 0 }));
  const byRanges = copyByRanges(files);
  const leases = new Leases(files, clock);
  const fetches = new SharedFetches<Kept>();
  const seen = new SeenStates({ files, root, maxAgeMs, clock });

  const filesFor = (url: URL): Files => (isHttp(url) ? http : files);

  const infoOf = (url: URL, call: IoCall): Promise<FileInfo> => seen.get(url, filesFor(url), call);

  async function version({ url, checksum }: Wanted, call: IoCall): Promise<string> {
    return checksum ?? stateOf(await infoOf(url, call));
  }

  async function fetched(wanted: Wanted, key: string, call: FetchCall): Promise<Kept> {
    for (;;) {
      const kept = (await local.find(key)) ?? (await fromStore(key, call));
      if (kept !== undefined) return kept;
      const lease = await leases.take(new URL(`${key}.lease`, root), call);
      if (lease === undefined) {
        await clock.wait(POLL_MS, call.signal);
        continue;
      }
      try {
        // The one before may have ended since it was looked for.
        return (await local.find(key)) ?? (await fromStore(key, call)) ?? (await fromOrigin(wanted, key, call));
      } finally {
        await lease.release();
      }
    }
  }

  async function fromOrigin(wanted: Wanted, key: string, call: FetchCall): Promise<Kept> {
    const { url, checksum } = wanted;
    const info = await seen.look(url, filesFor(url), call);
    if (checksum === undefined && sourceKey(url, stateOf(info)) !== key) throw changed(url, "is another file by now");
    return arrive(key, info.size, async (part) => {
      const digest = await download(isHttp(url) ? overHttp : byRanges, wanted, info, part, clock, call);
      await store?.add(key, part, digest, call);
      return digest;
    });
  }

  async function fromStore(key: string, call: FetchCall): Promise<Kept | undefined> {
    const there = await store?.find(key, call);
    if (there === undefined) return undefined;
    const { url, info, kept } = there;
    try {
      return await arrive(key, info.size, (part) =>
        download(byRanges, { url, checksum: kept.digest }, info, part, clock, call),
      );
    } catch (error) {
      // Broken, or removed in the meantime: then it is fetched from where it is from.
      if (!isGyreError(error, "BadSource", "Conflict")) throw error;
      await store?.remove(key, call);
      return undefined;
    }
  }

  /** Whole, or left for the next try to go on with. */
  async function arrive(key: string, bytes: number, write: (part: string) => Promise<string>): Promise<Kept> {
    await local.makeRoom(bytes);
    const part = await local.part(key);
    try {
      return await local.add(key, part, await write(part));
    } finally {
      await local.leave(key, part);
    }
  }

  /** What was found may be removed before it is lent. */
  async function lent(key: string, path: string, find: () => Promise<Kept>): Promise<Kept> {
    for (let attempt = 0; attempt < 3; attempt++) {
      const kept = await find();
      if (await local.lend(key, path)) return kept;
    }
    throw new GyreError("Busy", "the cache of sources is too small for what is used at once", { retryAfter: 60 });
  }

  return {
    version,
    async look(wanted, call) {
      const kept = await local.find(sourceKey(wanted.url, await version(wanted, call)));
      return { bytes: kept?.bytes ?? wanted.size ?? (await infoOf(wanted.url, call)).size, isHere: kept !== undefined };
    },
    async take(wanted, path, call) {
      const key = sourceKey(wanted.url, await version(wanted, call));
      const find = (): Promise<Kept> => fetches.join(key, call, (shared) => fetched(wanted, key, shared));
      try {
        return { ...(await lent(key, path, find)), path, url: wanted.url };
      } catch (error) {
        // The next try is to see the source as it is now.
        if (isGyreError(error, "Conflict")) await seen.forget(wanted.url);
        throw error;
      }
    },
    derive({ key: name, bytes, make }, path, call) {
      const key = keyOf(name);
      const made = async (shared: IoCall): Promise<Kept> =>
        (await local.find(key)) ?? arrive(key, bytes, (part) => make(part, shared));
      return lent(key, path, () => fetches.join(key, call, made));
    },
    files: {
      read: (url, range, reading) => filesFor(url).read(url, range, reading),
      head: (url, call) => filesFor(url).head(url, call),
      list: (prefix, listing) => (filesFor(prefix).list ?? nothing)(prefix, listing),
    },
  };
}

async function* nothing(): AsyncGenerator<never> {}

function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** A server that tells nothing but a size is believed that the same size is the same file. */
function stateOf({ etag, modified, size }: FileInfo): string {
  return etag === undefined ? `${modified?.toISOString() ?? "size"}:${size}` : `${etag}:${size}`;
}

function sourceKey(url: URL, state: string): string {
  return `${keyOf(url.href)}-${keyOf(state)}`;
}
