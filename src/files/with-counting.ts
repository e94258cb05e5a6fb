import type { Files } from "./files.ts";
import { wrapFiles } from "./wrap.ts";

/** What has been asked of some files. */
export interface FileCounts {
  reads: number;
  /** Bytes that reads returned. */
  bytes: number;
  heads: number;
  lists: number;
  writes: number;
}

/** Counts requests, so that a test can hold code to a budget of reads; `reset` starts at nought again. */
export function withCounting(files: Files): Files & { readonly counts: Readonly<FileCounts>; reset(): void } {
  const counts: FileCounts = { reads: 0, bytes: 0, heads: 0, lists: 0, writes: 0 };
  const { readWithInfo, list, write } = wrapFiles(files, {});
  const counting = wrapFiles(files, {
    async read(url, range, options) {
      counts.reads++;
      const bytes = await files.read(url, range, options);
      counts.bytes += bytes?.byteLength ?? 0;
      return bytes;
    },
    head(url, call) {
      counts.heads++;
      return files.head(url, call);
    },
    ...(readWithInfo && {
      async readWithInfo(url, range, call) {
        counts.reads++;
        const found = await readWithInfo(url, range, call);
        counts.bytes += found?.bytes.byteLength ?? 0;
        return found;
      },
    }),
    ...(list && {
      list(prefix, options) {
        counts.lists++;
        return list(prefix, options);
      },
    }),
    ...(write && {
      write(url, body, options) {
        counts.writes++;
        return write(url, body, options);
      },
    }),
  });
  return {
    ...counting,
    counts,
    reset: () => void Object.assign(counts, { reads: 0, bytes: 0, heads: 0, lists: 0, writes: 0 }),
  };
}
