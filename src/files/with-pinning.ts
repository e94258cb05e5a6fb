import type { IoCall } from "../core/array.ts";
import type { FileInfo, Files } from "./files.ts";
import { SharedResults, SharedWork } from "./shared-work.ts";
import { wrapFiles } from "./wrap.ts";

/** Files that are held to what they were, until they are let go. */
export interface Pinned extends Files {
  /** From now on they may change, and nothing more is kept of them. */
  release(): void;
}

/**
 * Holds every file to the state in which it was first seen through this wrapper, or is `known` to have been: a later
 * read of a file that has changed throws Conflict. Made for one opening of one dataset, so that its metadata is never a
 * mix of two versions; `head` answers are kept until `release`.
 */
export function withPinning(files: Files, known: Iterable<readonly [URL, FileInfo]> = []): Pinned {
  let seen: SharedResults<FileInfo> | undefined = new SharedResults(Number.POSITIVE_INFINITY);
  for (const [url, info] of known) seen.set(url.href, new SharedWork(async () => info));

  async function head(url: URL, call?: IoCall): Promise<FileInfo | undefined> {
    if (seen === undefined) return files.head(url, call);
    let asking = seen.get(url.href);
    if (asking === undefined) {
      asking = new SharedWork((signal) => files.head(url, { signal }));
      seen.set(url.href, asking);
    }
    return asking.join(call?.signal);
  }

  const { readWithInfo } = wrapFiles(files, {});
  return {
    ...wrapFiles(files, {
      head,
      async read(url, range, options) {
        if (seen === undefined || options?.ifMatch !== undefined) return files.read(url, range, options);
        if (readWithInfo !== undefined && seen.get(url.href) === undefined) {
          // The first read is the first sight as well. Others wait for it, so it does not end with its caller.
          const reading = new SharedWork(() => readWithInfo(url, range));
          seen.set(url.href, new SharedWork(async () => (await reading.result)?.info));
          return (await reading.join(options?.signal))?.bytes;
        }
        const info = await head(url, options);
        if (info === undefined) return undefined;
        return files.read(url, range, info.etag === undefined ? options : { ...options, ifMatch: info.etag });
      },
    }),
    release() {
      seen = undefined;
    },
  };
}
