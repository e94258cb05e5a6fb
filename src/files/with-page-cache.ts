import type { ByteRange, Files } from "./files.ts";
import { resolveRange } from "./range.ts";
import { SharedResults, SharedWork } from "./shared-work.ts";
import { wrapFiles } from "./wrap.ts";

export interface PageCacheOptions {
  readonly pageBytes?: number;
  /** Bytes kept, counted as whole pages; a read of more than an eighth of it goes past the cache. */
  readonly maxBytes?: number;
}

type Page = SharedWork<Uint8Array | undefined>;

/**
 * Keeps pages of files by address and entity tag: a changed file is never mixed with what it was, and nothing runs out
 * with time. Reads that name no tag go past: `withPinning` above this wrapper names it for them.
 */
export function withPageCache(
  files: Files,
  { pageBytes = 64 * 1024, maxBytes = 64 * 1024 * 1024 }: PageCacheOptions = {},
): Files {
  const pages = new SharedResults<Uint8Array>(Math.max(1, Math.floor(maxBytes / pageBytes)));
  const largest = Math.max(pageBytes, maxBytes / 8);

  const keyOf = (url: URL, etag: string, page: number): string => `${page} ${etag} ${url.href}`;

  /** Pages `first` to `last`; those that are missing and adjacent are asked for at once. */
  function pagesOf(url: URL, etag: string, first: number, last: number): Page[] {
    const found: (Page | undefined)[] = [];
    for (let page = first; page <= last; page++) found.push(pages.get(keyOf(url, etag, page)));
    for (let start = 0; start < found.length; start++) {
      if (found[start] !== undefined) continue;
      let end = start + 1;
      while (end < found.length && found[end] === undefined) end++;
      const range = { offset: (first + start) * pageBytes, length: (end - start) * pageBytes };
      const run = new SharedWork((signal) => files.read(url, range, { ifMatch: etag, signal }));
      for (let i = start; i < end; i++) {
        const page = end - start === 1 ? run : pageOfRun(run, i - start);
        found[i] = page;
        pages.set(keyOf(url, etag, first + i), page);
      }
    }
    return found as Page[];
  }

  /** A copy, because a view would keep the whole run alive. */
  function pageOfRun(run: Page, index: number): Page {
    return new SharedWork(async (signal) => {
      const bytes = await run.join(signal);
      return bytes?.slice(index * pageBytes, (index + 1) * pageBytes);
    });
  }

  async function readPages(url: URL, etag: string, start: number, end: number, signal?: AbortSignal) {
    const first = Math.floor(start / pageBytes);
    const works = pagesOf(url, etag, first, Math.floor((end - 1) / pageBytes));
    const parts = await Promise.all(works.map((page) => page.join(signal)));
    const skip = start - first * pageBytes;
    if (parts.length === 1) return parts[0]?.subarray(skip, skip + end - start);
    const bytes = new Uint8Array(end - start);
    let filled = 0;
    for (const [i, part] of parts.entries()) {
      if (part === undefined) return undefined;
      const wanted = part.subarray(i === 0 ? skip : 0, end - (first + i) * pageBytes);
      bytes.set(wanted, filled);
      filled += wanted.byteLength;
    }
    return bytes.subarray(0, filled);
  }

  /** Whether a range has an end and is not empty, and is worth keeping. */
  function isKept(range: ByteRange | undefined): range is { readonly offset: number; readonly length: number } {
    if (range === undefined || "suffix" in range || range.length === undefined) return false;
    return range.length > 0 && range.length <= largest;
  }

  function keepPages(url: URL, etag: string, first: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; at += pageBytes) {
      const page = at === 0 && bytes.byteLength <= pageBytes ? bytes : bytes.slice(at, at + pageBytes);
      pages.set(keyOf(url, etag, first + at / pageBytes), new SharedWork(async () => page));
    }
  }

  const { readWithInfo } = wrapFiles(files, {});
  return wrapFiles(files, {
    async read(url, range, options) {
      options?.signal?.throwIfAborted();
      const etag = options?.ifMatch;
      if (etag === undefined || !isKept(range)) return files.read(url, range, options);
      const { start, end } = resolveRange(range, Number.MAX_SAFE_INTEGER);
      return readPages(url, etag, start, end, options?.signal);
    },
    ...(readWithInfo && {
      async readWithInfo(url, range, call) {
        if (!isKept(range)) return readWithInfo(url, range, call);
        const { start, end } = resolveRange(range, Number.MAX_SAFE_INTEGER);
        const first = Math.floor(start / pageBytes);
        const length = (Math.ceil(end / pageBytes) - first) * pageBytes;
        const found = await readWithInfo(url, { offset: first * pageBytes, length }, call);
        if (found === undefined) return undefined;
        const { bytes, info } = found;
        if (info.etag !== undefined) keepPages(url, info.etag, first, bytes);
        const skip = start - first * pageBytes;
        return { bytes: bytes.subarray(skip, skip + end - start), info };
      },
    }),
  });
}
