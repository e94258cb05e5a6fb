import type { Files, ReadOptions } from "./files.ts";
import { resolveRange } from "./range.ts";
import { SharedWork } from "./shared-work.ts";
import { wrapFiles } from "./wrap.ts";

export interface CoalescingOptions {
  /** Reads this far apart or nearer become one: what lies between costs less than another request. */
  readonly maxGap?: number;
  /** Most bytes of one merged read. */
  readonly maxBytes?: number;
}

interface Pending {
  readonly url: URL;
  readonly start: number;
  readonly end: number;
  readonly options: ReadOptions | undefined;
  readonly resolve: (bytes: Promise<Uint8Array | undefined>) => void;
}

/** Merges reads of one file that are asked for in the same turn of the event loop and lie near each other. */
export function withCoalescing(
  files: Files,
  { maxGap = 64 * 1024, maxBytes = 8 * 1024 * 1024 }: CoalescingOptions = {},
): Files {
  let pending: Pending[] = [];

  function flush(): void {
    const reads = pending;
    pending = [];
    const byFile = Map.groupBy(reads, ({ url, options }) => `${options?.ifMatch ?? ""} ${url.href}`);
    for (const group of byFile.values()) {
      group.sort((a, b) => a.start - b.start);
      for (const run of runsOf(group, maxGap, maxBytes)) send(files, run);
    }
  }

  return wrapFiles(files, {
    async read(url, range, options) {
      options?.signal?.throwIfAborted();
      const { start, end } = resolveRange(range, Number.MAX_SAFE_INTEGER);
      if (range === undefined || "suffix" in range || range.length === undefined || start === end) {
        return files.read(url, range, options);
      }
      return new Promise((resolve) => {
        if (pending.push({ url, start, end, options, resolve }) === 1) setImmediate(flush);
      });
    },
  });
}

/** Cuts reads, sorted by start, where the gap or the whole would become too large. */
function* runsOf(reads: readonly Pending[], maxGap: number, maxBytes: number): Generator<readonly Pending[]> {
  let run: Pending[] = [];
  let end = 0;
  for (const read of reads) {
    const near = read.start - end <= maxGap && Math.max(end, read.end) - (run[0]?.start ?? 0) <= maxBytes;
    if (run.length > 0 && !near) {
      yield run;
      run = [];
      end = 0;
    }
    run.push(read);
    end = Math.max(end, read.end);
  }
  if (run.length > 0) yield run;
}

function send(files: Files, run: readonly Pending[]): void {
  const { url, options } = run[0]!;
  const start = run[0]!.start;
  const length = run.reduce((end, read) => Math.max(end, read.end), 0) - start;
  if (run.length === 1) {
    run[0]!.resolve(files.read(url, { offset: start, length }, options));
    return;
  }
  const ifMatch = options?.ifMatch === undefined ? {} : { ifMatch: options.ifMatch };
  const work = new SharedWork((signal) => files.read(url, { offset: start, length }, { signal, ...ifMatch }));
  for (const read of run) {
    // A copy: a view would keep the whole merged read alive for as long as one piece of it is cached somewhere.
    read.resolve(work.join(read.options?.signal).then((bytes) => bytes?.slice(read.start - start, read.end - start)));
  }
}
