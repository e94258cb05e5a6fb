import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { GyreError } from "../../errors.ts";

/** What is kept of a file beside its bytes. */
export interface Kept {
  /** `sha256:...` of the bytes. */
  readonly digest: string;
  readonly bytes: number;
}

export const keptSchema = z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/), bytes: z.int().min(0) });

const NOTE = ".json";
const PART = ".part";
/** Its writer was killed: a living one writes more often, and the size tells should he come back. */
const ABANDONED_MS = 120_000;
/** What other processes keep is looked at no more often than this, while there is room. */
const LOOK_AGAIN_MS = 30_000;
/** Remains of a fetch that nobody went on with for so long are removed. */
const STALE_MS = 7 * 24 * 3600 * 1000;

/**
 * Files of this machine by key, which several processes share. One is there when its note is, which comes last. Whoever
 * uses one has a link of his own to it: it is removed at any time without harm, and what is linked is not removed since
 * that would free nothing.
 */
export class LocalCache {
  readonly #folder: string;
  readonly #limit: number;
  /** Bytes that are kept, as far as this process knows since it looked. */
  #held = 0;
  #looked = 0;

  constructor(folder: string, limit: number) {
    this.#folder = folder;
    this.#limit = limit;
  }

  /** Marked as used just now. */
  async find(key: string): Promise<Kept | undefined> {
    const note = this.#path(key, NOTE);
    const text = await readFile(note, "utf8").catch(absent);
    const kept = text === undefined ? undefined : keptSchema.safeParse(parsed(text)).data;
    const stats = await stat(this.#path(key)).catch(absent);
    if (kept === undefined || stats?.size !== kept.bytes) return undefined;
    const now = new Date();
    await utimes(note, now, now).catch(absent);
    return kept;
  }

  /** Where a file that is on its way is written to: what another try left of it, or nothing yet. */
  async part(key: string): Promise<string> {
    await mkdir(this.#folder, { recursive: true });
    const own = this.#path(key, `.${randomUUID()}${PART}`);
    for (const name of await readdir(this.#folder)) {
      if (!name.startsWith(`${key}.`) || !name.endsWith(PART)) continue;
      const path = join(this.#folder, name);
      const stats = await stat(path).catch(absent);
      const isLeft = name === `${key}${PART}` || (stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_MS);
      // A rename succeeds for one of those who try.
      if (isLeft && (await rename(path, own).then(() => true, absent))) break;
    }
    return own;
  }

  /** Leaves what there is of a file to the next try. */
  async leave(key: string, part: string): Promise<void> {
    await rename(part, this.#path(key, PART)).catch(absent);
  }

  /** Takes a file that is whole. */
  async add(key: string, part: string, digest: string): Promise<Kept> {
    const { size } = await stat(part);
    const kept = { digest, bytes: size };
    // Borrowers share its bytes: none of them is to change them.
    await chmod(part, 0o444);
    await rename(part, this.#path(key));
    const fresh = this.#path(key, `.${randomUUID()}`);
    await writeFile(fresh, JSON.stringify(kept));
    await rename(fresh, this.#path(key, NOTE));
    return kept;
  }

  /** Gives the caller a file of his own. False: it has been removed in the meantime. */
  async lend(key: string, path: string): Promise<boolean> {
    const from = this.#path(key);
    await rm(path, { force: true });
    try {
      await link(from, path).catch((error: NodeJS.ErrnoException) => {
        // The caller's folder lies on another disk, or one that knows no links.
        if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(error.code ?? "")) throw error;
        return copyFile(from, path, constants.COPYFILE_FICLONE);
      });
      return true;
    } catch (error) {
      absent(error as NodeJS.ErrnoException);
      return false;
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#path(key, NOTE), { force: true });
    await rm(this.#path(key), { force: true });
  }

  /** Removes what was not used for longest until so many bytes more fit. Throws TooLarge when they never do. */
  async makeRoom(bytes: number): Promise<void> {
    if (bytes > this.#limit) {
      throw new GyreError("TooLarge", `a source of ${bytes} bytes; the cache has room for ${this.#limit}`);
    }
    const isRecent = Date.now() - this.#looked < LOOK_AGAIN_MS;
    if (isRecent && this.#held + bytes <= this.#limit) {
      this.#held += bytes;
      return;
    }
    const entries = await this.#entries();
    this.#looked = Date.now();
    this.#held = entries.reduce((sum, entry) => sum + entry.bytes, bytes);
    for (const { key, bytes: size, inUse } of entries.sort((one, other) => one.used - other.used)) {
      if (this.#held <= this.#limit) return;
      if (inUse) continue;
      await this.remove(key);
      this.#held -= size;
    }
  }

  async #entries(): Promise<{ key: string; bytes: number; used: number; inUse: boolean }[]> {
    const names = (await readdir(this.#folder).catch(absent)) ?? [];
    const entries = [];
    for (const name of names) {
      const path = join(this.#folder, name);
      const stats = await stat(path).catch(absent);
      if (stats === undefined || !stats.isFile()) continue;
      const isPart = name.endsWith(PART);
      if (isPart && Date.now() - stats.mtimeMs > STALE_MS) await rm(path, { force: true });
      else if (isPart || !name.includes(".")) {
        const note = await stat(`${path}${NOTE}`).catch(absent);
        const inUse = isPart || stats.nlink > 1;
        entries.push({ key: name, bytes: stats.size, used: (note ?? stats).mtimeMs, inUse });
      }
    }
    return entries;
  }

  #path(key: string, suffix = ""): string {
    return join(this.#folder, `${key}${suffix}`);
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
