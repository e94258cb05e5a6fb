import type { Files } from "./files.ts";
import { type Clock, SYSTEM_CLOCK } from "./transport.ts";
import { wrapFiles } from "./wrap.ts";

export interface LatencyOptions {
  /** Milliseconds before each request goes out. */
  readonly ms: number;
  /** Default: real time. */
  readonly wait?: Clock["wait"];
}

/** Every request takes a while, as over a network: for benchmarks, and for tests of what waits for what. */
export function withLatency(files: Files, { ms, wait = SYSTEM_CLOCK.wait }: LatencyOptions): Files {
  const { readWithInfo, list, write, delete: remove } = wrapFiles(files, {});
  return wrapFiles(files, {
    async read(url, range, options) {
      await wait(ms, options?.signal);
      return files.read(url, range, options);
    },
    async head(url, call) {
      await wait(ms, call?.signal);
      return files.head(url, call);
    },
    ...(readWithInfo && {
      async readWithInfo(url, range, call) {
        await wait(ms, call?.signal);
        return readWithInfo(url, range, call);
      },
    }),
    ...(list && {
      async *list(prefix, options) {
        await wait(ms, options?.signal);
        yield* list(prefix, options);
      },
    }),
    ...(write && {
      async write(url, body, options) {
        await wait(ms, options?.signal);
        return write(url, body, options);
      },
    }),
    ...(remove && {
      async delete(url, call) {
        await wait(ms, call?.signal);
        return remove(url, call);
      },
    }),
  });
}
