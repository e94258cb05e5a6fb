import { type FSWatcher, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isStoreMarker } from "./walk.ts";

/** Folders watched at most; what changes in more of them is found by the regular looks. */
const MOST_FOLDERS = 8192;

/** Something whose changes are told of. */
export interface Watch {
  /** Resolves when every change from then on is told. */
  readonly started: Promise<void>;
  close(): void;
}

/**
 * Tells of changes below a local folder. Where the system watches single folders only (Linux), each has a watch of its
 * own: Node's recursive one has one for each file there. Stores are watched by their outermost folder, where their
 * metadata lie.
 */
export function watchTree(root: string, changed: () => void): Watch {
  const watchers = new Map<string, FSWatcher>();
  let isOver = false;

  function drop(path: string): void {
    for (const [folder, watcher] of watchers) {
      if (folder !== path && !folder.startsWith(`${path}/`)) continue;
      watcher.close();
      watchers.delete(folder);
    }
  }

  function watchOne(folder: string, recursive: boolean): void {
    if (isOver || watchers.has(folder) || watchers.size >= MOST_FOLDERS) return;
    try {
      const watcher = watch(folder, { recursive, persistent: false }, (event, name) => {
        changed();
        if (!recursive && event === "rename" && name !== null) void add(join(folder, name)).then(changed);
      });
      watchers.set(folder, watcher);
      // The system's limit, or a folder that went away: the regular looks find what changes.
      watcher.on("error", () => drop(folder));
    } catch {
      // The same, told at once.
    }
  }

  async function add(folder: string): Promise<void> {
    if (isOver) return;
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) return drop(folder);
    watchOne(folder, false);
    if (entries.some(({ name }) => isStoreMarker(name))) return;
    for (const entry of entries) {
      if (entry.isDirectory() && !entry.name.startsWith(".")) await add(join(folder, entry.name));
    }
  }

  const isSimple = process.platform === "darwin" || process.platform === "win32";
  if (isSimple) watchOne(root, true);
  return {
    started: isSimple ? Promise.resolve() : add(root),
    close() {
      isOver = true;
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}
