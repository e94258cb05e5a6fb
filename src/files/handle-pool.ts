import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { getSystemErrorMessage } from "node:util";

/** An open regular file, with what is known of it; kept up to date by whoever reads it. */
export interface OpenFile {
  readonly handle: FileHandle;
  /** Those last seen for its path. */
  stats: BigIntStats;
  /** Who has found the place where the path leads to be allowed. */
  admittedBy?: object;
}

interface Entry {
  readonly path: string;
  readonly opening: Promise<OpenFile | undefined>;
  users: number;
  forgotten: boolean;
}

/** Open files by path: never more than `limit` at once, the least recently used idle one makes room. */
export class HandlePool {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  /** Handles that are open or being opened or closed. */
  get open(): number {
    return this.#open;
  }

  /** Runs `work` over the open file, which cannot be closed meanwhile; undefined when there is no regular file. */
  async use<T>(path: string, work: (file: OpenFile) => Promise<T>): Promise<T | undefined> {
    const entry = this.#known(path) ?? (await this.#acquire(path));
    try {
      const file = await entry.opening;
      return file === undefined ? undefined : await work(file);
    } finally {
      entry.users--;
      if (entry.forgotten || this.#waiting.length > 0) await this.#settle(entry);
    }
  }

  /** The next user opens the path anew: it names another file now, or none. */
  async forget(path: string, file: OpenFile): Promise<void> {
    const entry = this.#entries.get(path);
    if (entry === undefined || (await entry.opening.catch(() => undefined)) !== file) return;
    this.#forget(entry);
    await this.#settle(entry);
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    for (const entry of entries) this.#forget(entry);
    await Promise.all(entries.map((entry) => this.#settle(entry)));
  }

  #known(path: string): Entry | undefined {
    const known = this.#entries.get(path);
    if (known === undefined) return undefined;
    known.users++;
    this.#entries.delete(path);
    this.#entries.set(path, known);
    return known;
  }

  async #acquire(path: string): Promise<Entry> {
    for (;;) {
      const known = this.#known(path);
      if (known !== undefined) return known;
      if (this.#open < this.#limit) break;
      const idle = this.#oldestIdle();
      if (idle === undefined) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      } else {
        this.#forget(idle);
        await this.#settle(idle);
      }
    }
    this.#open++;
    const entry: Entry = { path, opening: openFile(path), users: 1, forgotten: false };
    this.#entries.set(path, entry);
    entry.opening.then(
      (file) => file === undefined && this.#forget(entry),
      () => this.#forget(entry),
    );
    return entry;
  }

  #oldestIdle(): Entry | undefined {
    for (const entry of this.#entries.values()) if (entry.users === 0) return entry;
    return undefined;
  }

  #forget(entry: Entry): void {
    entry.forgotten = true;
    if (this.#entries.get(entry.path) === entry) this.#entries.delete(entry.path);
  }

  /** Closes a forgotten entry when its last user is gone, and lets one waiting reader look again. */
  async #settle(entry: Entry): Promise<void> {
    if (entry.users > 0) return;
    if (entry.forgotten) {
      // Claimed before the first await, so that no second caller closes it too.
      entry.users = Number.POSITIVE_INFINITY;
      const file = await entry.opening.catch(() => undefined);
      await file?.handle.close().catch(() => undefined);
      this.#open--;
    }
    this.#waiting.shift()?.();
  }
}

/** True for the error of a path that leads to no file. */
export function isAbsence(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** What the system says of its error, without the path that Node adds, which is not for everybody. */
export function systemMessage({ code = "", errno, message }: NodeJS.ErrnoException): string {
  return errno === undefined ? code || message : getSystemErrorMessage(errno) || code;
}

async function openFile(path: string): Promise<OpenFile | undefined> {
  // Without O_NONBLOCK the opening of a pipe would wait for a writer for ever.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) => {
    if (isAbsence(error)) return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return undefined;
}
