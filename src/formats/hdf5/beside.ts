import { isGyreError } from "../../errors.ts";
import { type Environment, type H5File, openFile } from "./file.ts";

/** Files that may refer to each other in a row. */
const MOST_DEPTH = 8;

/** A file name written in an HDF5 file, as a URL beside it; absolute names stay absolute. */
export function urlBeside(url: URL, name: string): URL {
  return new URL(name.split("/").map(encodeURIComponent).join("/"), url);
}

/**
 * Opens a file that this one refers to, through the environment's files, which allow what they allow. An absolute name
 * that leads nowhere is looked for beside the file, as HDF5 does. Undefined: it is not there.
 */
export async function openBeside(file: H5File, name: string): Promise<H5File | undefined> {
  const { environment, depth } = file;
  if (depth >= MOST_DEPTH) return undefined;
  if (name === ".") return file.deeper();
  const found = await openQuietly(environment, urlBeside(file.url, name), depth + 1);
  const base = name.slice(name.lastIndexOf("/") + 1);
  if (found !== undefined || base === name || !name.startsWith("/")) return found;
  return openQuietly(environment, urlBeside(file.url, base), depth + 1);
}

/** A place outside the allowed ones is as good as empty. */
async function openQuietly(environment: Environment, url: URL, depth: number): Promise<H5File | undefined> {
  try {
    return await openFile(environment, url, undefined, depth);
  } catch (error) {
    if (isGyreError(error, "Denied")) return undefined;
    throw error;
  }
}
