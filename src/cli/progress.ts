import type { ScanProgress } from "../read/scan.ts";
import type { CommandIo } from "./command.ts";

const EVERY_MS = 1000;

/** Says on a terminal, once a second, how far a look through a source is. */
export function scanProgress(io: CommandIo): (source: URL, state: ScanProgress) => void {
  let last = Date.now();
  return (source, { seen, datasets, broken, isDone }) => {
    const now = Date.now();
    if (!io.tty || isDone || now - last < EVERY_MS) return;
    last = now;
    io.err(`${place(source)}: ${seen} files seen, ${datasets} datasets, ${broken} broken ...`);
  };
}

/** An address as people write it. */
export function place({ protocol, href, pathname }: URL): string {
  return protocol === "file:" ? decodeURIComponent(pathname) : href;
}
