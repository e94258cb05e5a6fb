import { basename, extname } from "node:path";

/** The name of a file's only layer: that of the file. */
export function layerName(path: string): string {
  return basename(path, extname(path));
}
