import type { Files } from "./files.ts";

/** `files` with some methods replaced; a capability that `files` lacks stays absent unless it is given. */
export function wrapFiles(files: Files, changes: Partial<Files>): Files {
  return {
    read: (url, range, options) => files.read(url, range, options),
    head: (url, call) => files.head(url, call),
    ...(files.readWithInfo && { readWithInfo: files.readWithInfo.bind(files) }),
    ...(files.list && { list: files.list.bind(files) }),
    ...(files.write && { write: files.write.bind(files) }),
    ...(files.delete && { delete: files.delete.bind(files) }),
    ...(files.close && { close: files.close.bind(files) }),
    ...changes,
  };
}
