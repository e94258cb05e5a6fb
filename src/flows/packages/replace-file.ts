import { setTimeout as pause } from "node:timers/promises";
import type { IoCall } from "../../core/array.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import type { FileInfo, Files } from "../../files/files.ts";

/** Other writers that are met before a change is given up. */
const TRIES = 30;
const LONGEST_PAUSE_MS = 500;

/** What is to be written, and the state that it was made of: undefined where there was no file. */
export interface Replacement {
  readonly body: Uint8Array;
  readonly etag: string | undefined;
}

/**
 * Changes a JSON file that others change too: `next` is asked again, and so reads again, as long as another writer was
 * faster. Nothing is written where it answers undefined.
 */
export async function replaceFile(
  files: Files,
  url: URL,
  next: () => Promise<Replacement | undefined>,
  call: IoCall = {},
): Promise<void> {
  if (files.write === undefined) throw new GyreError("Unsupported", `packages cannot be written at ${url}`);
  for (let attempt = 1; ; attempt++) {
    const replacement = await next();
    if (replacement === undefined) return;
    const { body, etag } = replacement;
    const condition = etag === undefined ? { ifNoneMatch: "*" as const } : { ifMatch: etag };
    try {
      await files.write(url, body, { ...call, ...condition, contentType: "application/json" });
      return;
    } catch (error) {
      if (!isGyreError(error, "Conflict")) throw error;
      if (attempt === TRIES) {
        throw new GyreError("Busy", `${url} is changed by too many at once`, { retryAfter: 5, cause: error });
      }
    }
    // Writers that met must not meet again at once.
    await pause(Math.random() * Math.min(LONGEST_PAUSE_MS, 10 * 2 ** attempt), undefined, { signal: call.signal });
  }
}

/** The tag that a condition names; a store without them would let writers lose each other's work. */
export function tagOf(url: URL, { etag }: FileInfo): string {
  if (etag === undefined) throw new GyreError("Unsupported", `the store of ${url} gives no entity tags`);
  return etag;
}
