import { GyreError } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { wrapFiles } from "../../../src/files/wrap.ts";

/** Every so many calls one fails: in turn before anything happened, and after everything did. */
export function withFaults(files: Files, every: number): Files & { readonly faults: () => number } {
  let calls = 0;
  let faults = 0;
  const busy = (): GyreError => new GyreError("Busy", "503 Slow Down", { retryAfter: 1 });
  const faulty = async <T>(work: () => Promise<T>): Promise<T> => {
    if (++calls % every !== 0) return work();
    if (++faults % 2 === 1) throw busy();
    await work();
    throw busy();
  };
  const { write, delete: remove } = files;
  return {
    ...wrapFiles(files, {
      read: (url, range, options) => faulty(() => files.read(url, range, options)),
      head: (url, call) => faulty(() => files.head(url, call)),
      ...(files.readWithInfo && {
        readWithInfo: (url, range, options) => faulty(() => files.readWithInfo!(url, range, options)),
      }),
      ...(write && { write: (url, body, options) => faulty(() => write(url, body, options)) }),
      ...(remove && { delete: (url, call) => faulty(() => remove(url, call)) }),
    }),
    faults: () => faults,
  };
}
