import { setTimeout as pause } from "node:timers/promises";
import type { IoCall } from "../core/array.ts";
import { isGyreError } from "../errors.ts";
import type { Files } from "./files.ts";
import { wrapFiles } from "./wrap.ts";

const TRIES = 3;
const FIRST_PAUSE_MS = 50;

/**
 * Asks a store that was Busy again, for work of many requests that is not to begin anew over one of them. Only what
 * does no harm when it was done already: conditional writes and streams are left to those who know what they mean.
 */
export function withRetries(files: Files): Files {
  const { readWithInfo, write, delete: remove } = wrapFiles(files, {});
  return wrapFiles(files, {
    read: (url, range, options) => insist(() => files.read(url, range, options), options),
    head: (url, call) => insist(() => files.head(url, call), call),
    ...(readWithInfo && {
      readWithInfo: (url, range, options) => insist(() => readWithInfo(url, range, options), options),
    }),
    ...(write && {
      write(url, body, options) {
        const isOnce = !(body instanceof Uint8Array) || options?.ifMatch !== undefined || options?.ifNoneMatch;
        return isOnce ? write(url, body, options) : insist(() => write(url, body, options), options);
      },
    }),
    ...(remove && { delete: (url, call) => insist(() => remove(url, call), call) }),
  });
}

async function insist<T>(work: () => Promise<T>, call: IoCall | undefined): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isGyreError(error, "Busy") || attempt === TRIES) throw error;
    }
    await pause(FIRST_PAUSE_MS * 2 ** attempt * Math.random(), undefined, { signal: call?.signal });
  }
}
