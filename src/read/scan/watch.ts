import { watch } from "node:fs";
import { fileURLToPath } from "node:url";
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
}

/** Has sources looked through again when they change, and from time to time. The result stops that. */
export function watchSources(sources: readonly URL[], options: WatchOptions): () => void {
  const { clock = systemClock, every, quiet = 500, rescan, failed } = options;
  const stops = sources.map((source) => {
    let cancel: (() => void) | undefined;
    let isBusy = false;
    let isAgain = false;
    let isOver = false;

    const look = async (): Promise<void> => {
      if (isBusy) {
        isAgain = true;
        return;
      }
      isBusy = true;
      try {
        await rescan(source);
      } catch (error) {
        failed(source, error);
      }
      isBusy = false;
      plan(isAgain ? quiet : every);
      isAgain = false;
    };
    const plan = (ms: number): void => {
      cancel?.();
      cancel = isOver || ms === 0 ? undefined : clock.after(ms, () => void look());
    };

    plan(every);
    const stopWatching = watchFolder(source, () => plan(quiet));
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

/** Tells of changes below a local folder where the system can; remote sources are only looked at again. */
function watchFolder(source: URL, changed: () => void): () => void {
  if (source.protocol !== "file:" || hasGlob(decodedPath(source.pathname))) return () => undefined;
  try {
    const watcher = watch(fileURLToPath(source), { recursive: true, persistent: false }, changed);
    // Too many folders for the system's limit, or a folder that went away: the regular look finds what changes.
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}
