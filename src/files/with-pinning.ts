import type { IoCall } from "../core/array.ts";
import type { FileInfo, Files } from "./files.ts";
import { SharedResults, SharedWork } from "./shared-work.ts";
import { wrapFiles } from "./wrap.ts";

/**
 * Holds every file to the state in which it was first seen through this wrapper: a later read of a file that has
 * changed throws Conflict. Made for one opening of one dataset, so that its metadata is never a mix of two versions;
 * `head` answers are kept for the wrapper's life.
 */
export function withPinning(files: Files): Files {
  const seen = new SharedResults<FileInfo>(Number.POSITIVE_INFINITY);

  async function head(url: URL, call?: IoCall): Promise<FileInfo | undefined> {
    let asking = seen.get(url.href);
    if (asking === undefined) {
      asking = new SharedWork((signal) => files.head(url, { signal }));
      seen.set(url.href, asking);
    }
    return asking.join(call?.signal);
  }

  return wrapFiles(files, {
    head,
    async read(url, range, options) {
      if (options?.ifMatch !== undefined) return files.read(url, range, options);
      const info = await head(url, options);
      if (info === undefined) return undefined;
      return files.read(url, range, info.etag === undefined ? options : { ...options, ifMatch: info.etag });
    },
  });
}
