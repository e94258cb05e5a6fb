import { watch } from "node:fs";
import { decodedPath, hasGlob } from "../../core/glob.ts";
import { type Clock, systemClock } from "../registry/entry.ts";

export interface WatchOptions {
  readonly clock?: Clock;
  /** Milliseconds between two looks at every source; 0: only when the system tells of a change. */
  readonly every: number;
  /** Milliseconds of quiet after a change before it is looked at: files are written in many steps. */
  readonly quiet?: number;
  rescan(source: URL): Promise<void>;
  failed(source: URL, error: unknown): void;
  /** Tells of changes below a source until its result is called. Default: the system does, for local folders. */
  readonly notice?: (source: URL, changed: () => void) => () => void;
}

/** Times of quiet after which a source that never is quiet is looked at all the same. */
const LONGEST_WAIT = 20;

/** Has sources looked through again when they change, and from time to time. The result stops that. */
export function watchSources(sources: readonly URL[], options: WatchOptions): () => void {
  const { clock = systemClock, every, quiet = 500, rescan, failed, notice = watchFolder } = options;
  const stops = sources.map((source) => {
    let cancel: (() => void) | undefined;
    let isBusy = false;
    let isAgain = false;
    let isOver = false;
    /** When the first change came that has not been looked at. */
    let since: number | undefined;

    const look = async (): Promise<void> => {
      isBusy = true;
      isAgain = false;
      since = undefined;
      try {
        await rescan(source);
      } catch (error) {
        failed(source, error);
      }
      isBusy = false;
      plan(isAgain ? quiet : every);
    };
    const plan = (ms: number): void => {
      cancel?.();
      cancel = isOver || ms === 0 ? undefined : clock.after(ms, () => void look());
    };

    const changed = (): void => {
      // The look that goes on may have been there already: what changes meanwhile is for the next one.
      if (isBusy) {
        isAgain = true;
        return;
      }
      const now = clock.now();
      since ??= now;
      plan(Math.max(1, Math.min(quiet, since + LONGEST_WAIT * quiet - now)));
    };

    plan(every);
    const stopWatching = notice(source, changed);
    return () => {
      isOver = true;
      cancel?.();
      stopWatching();
    };
  });
  return () => {
    for (const stop of stops) stop();
  };
}

/** Tells of changes to a local source where the system can; remote sources are only looked at again. */
function watchFolder(source: URL, changed: () => void): () => void {
  if (source.protocol !== "file:") return () => undefined;
  const { folder, name } = watchedPlace(source);
  try {
    const watcher = watch(folder, { recursive: name === undefined, persistent: false }, (_event, file) => {
      if (name === undefined || file === null || file === name) changed();
    });
    // Too many folders for the system's limit, or a folder that went away: the regular look finds what changes.
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}

/** A folder, that of a pattern's fixed part, or that of one file, which may be replaced by another of its name. */
function watchedPlace(source: URL): { readonly folder: string; readonly name?: string } {
  const path = decodedPath(source.pathname);
  const end = hasGlob(path) ? path.search(/[*?[{]/) : path.length;
  const folder = path.slice(0, path.lastIndexOf("/", end - 1) + 1);
  return end < path.length || path.endsWith("/") ? { folder } : { folder, name: path.slice(folder.length) };
}
