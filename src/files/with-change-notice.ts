import { isGyreError } from "../errors.ts";
import type { Files } from "./files.ts";
import { wrapFiles } from "./wrap.ts";

/** Tells of files that are not what their reader took them for, before the reader learns it by Conflict. */
export function withChangeNotice(files: Files, changed: (url: URL) => void): Files {
  return wrapFiles(files, {
    async read(url, range, options) {
      try {
        return await files.read(url, range, options);
      } catch (error) {
        if (isGyreError(error, "Conflict")) changed(url);
        throw error;
      }
    },
  });
}
