import { watch } from "node:fs";
import { decodedPath, hasGlob } from "../../core/glob.ts";
import { type Clock, systemClock } from "../registry/entry.ts";
import { type Watch, watchTree } from "./watch-tree.ts";

export interface WatchOptions {
  readonly clock?: Clock;
  /** Milliseconds between two looks at every source; 0: only when the system tells of a change. */
  readonly every: number;
  /** Milliseconds of quiet after a change before it is looked at: files are written in many steps. */
  readonly quiet?: number;
  rescan(source: URL): Promise<void>;
  failed(source: URL, error: unknown): void;
  /** Tells of changes of a source until it is closed. Default: the system does, for what is local. */
  readonly notice?: (source: URL, changed: () => void) => Watch;
}

/** Times of quiet after which a source that never is quiet is looked at all the same. */
const LONGEST_WAIT = 20;

export interface Watching {
  /** Resolves when no change is missed from then on, where the system tells of them. */
  readonly started: Promise<void>;
  stop(): void;
}

/** Has sources looked through again when they change, and from time to time. */
export function watchSources(sources: readonly URL[], options: WatchOptions): Watching {
  const { clock = systemClock, every, quiet = 500, rescan, failed, notice = watchPlace } = options;
  const watched = sources.map((source) => {
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
    const { started, close } = notice(source, changed);
    return {
      started,
      stop() {
        isOver = true;
        cancel?.();
        close();
      },
    };
  });
  return {
    started: Promise.all(watched.map(({ started }) => started)).then(() => undefined),
    stop() {
      for (const { stop } of watched) stop();
    },
  };
}

const UNWATCHED: Watch = { started: Promise.resolve(), close: () => undefined };

/** Tells of changes to a local source where the system can; remote sources are only looked at again. */
function watchPlace(source: URL, changed: () => void): Watch {
  if (source.protocol !== "file:") return UNWATCHED;
  const { folder, name } = watchedPlace(source);
  if (name === undefined) return watchTree(folder, changed);
  try {
    const watcher = watch(folder, { persistent: false }, (_event, file) => {
      if (file === null || file === name) changed();
    });
    watcher.on("error", () => watcher.close());
    return { started: Promise.resolve(), close: () => watcher.close() };
  } catch {
    return UNWATCHED;
  }
}

/** A folder, that of a pattern's fixed part, or that of one file, which may be replaced by another of its name. */
function watchedPlace(source: URL): { readonly folder: string; readonly name?: string } {
  const path = decodedPath(source.pathname);
  const end = hasGlob(path) ? path.search(/[*?[{]/) : path.length;
  const folder = path.slice(0, path.lastIndexOf("/", end - 1) + 1);
  return end < path.length || path.endsWith("/") ? { folder } : { folder, name: path.slice(folder.length) };
}
