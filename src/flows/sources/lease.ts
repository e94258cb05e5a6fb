import { randomUUID } from "node:crypto";
import type { IoCall } from "../../core/array.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import type { Clock } from "../../files/transport.ts";

/** Whoever holds a lease says so that often. */
const BEAT_MS = 10_000;
/** A lease that nobody renewed for so long, by the watcher's own clock, has lost its holder. */
const DEAD_MS = 45_000;

export interface Lease {
  release(): Promise<void>;
}

/**
 * Objects that say who does a piece of work. They save others the same work and protect nothing: what is made must be
 * published by an atomic act, since a holder that was only slow may go on beside the next one.
 */
export class Leases {
  readonly #files: Files;
  readonly #clock: Clock;
  /** Leases of others: how they looked, and since when. */
  readonly #seen = new Map<string, { readonly etag: string; readonly since: number }>();

  constructor(files: Files, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  /** Undefined: somebody else holds it, and is alive as far as can be told. */
  async take(url: URL, call: IoCall): Promise<Lease | undefined> {
    const { write, delete: remove } = this.#files;
    if (write === undefined || remove === undefined) {
      throw new GyreError("Unsupported", `the store of ${url} cannot be written`, { source: url.href });
    }
    if (await this.#isDead(url, call)) await remove(url, call);
    const holder = randomUUID();
    try {
      await write(url, body(holder, 0), { ...signalOf(call), ifNoneMatch: "*", isCache: true });
      return this.#hold(url, holder);
    } catch (error) {
      // It may have been written all the same.
      await this.#drop(url, holder);
      if (isGyreError(error, "Conflict")) return undefined;
      throw error;
    }
  }

  async #isDead(url: URL, call: IoCall): Promise<boolean> {
    const info = await this.#files.head(url, call);
    if (info === undefined) {
      this.#seen.delete(url.href);
      return false;
    }
    const etag = info.etag ?? String(info.modified?.getTime());
    const before = this.#seen.get(url.href);
    const now = this.#clock.now();
    if (before?.etag !== etag) {
      this.#seen.set(url.href, { etag, since: now });
      return false;
    }
    if (now - before.since < DEAD_MS) return false;
    this.#seen.delete(url.href);
    return true;
  }

  #hold(url: URL, holder: string): Lease {
    const ended = new AbortController();
    const beating = (async () => {
      for (let beat = 1; ; beat++) {
        await this.#clock.wait(BEAT_MS, ended.signal);
        if (!(await this.#isHeldBy(url, holder))) return;
        await this.#files.write?.(url, body(holder, beat), { isCache: true });
      }
    })().catch(() => undefined);
    return {
      release: async () => {
        ended.abort();
        await beating;
        await this.#drop(url, holder);
      },
    };
  }

  /** One that cannot be removed dies by itself: what was done under it counts. */
  async #drop(url: URL, holder: string): Promise<void> {
    try {
      if (await this.#isHeldBy(url, holder)) await this.#files.delete?.(url);
    } catch (error) {
      if (!isGyreError(error)) throw error;
    }
  }

  async #isHeldBy(url: URL, holder: string): Promise<boolean> {
    const bytes = await this.#files.read(url, { offset: 0, length: holder.length });
    return bytes !== undefined && new TextDecoder().decode(bytes) === holder;
  }
}

/** The count makes each renewal another object, also for stores whose tags are digests. */
function body(holder: string, beat: number): Uint8Array {
  return new TextEncoder().encode(`${holder} ${beat}\n`);
}

function signalOf({ signal }: IoCall): IoCall {
  return signal === undefined ? {} : { signal };
}
