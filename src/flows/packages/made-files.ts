import { createReadStream } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import { writeZip, type ZipEntry } from "../../write/zip.ts";
import type { MadeFile } from "../processors/processor.ts";
import { type Measured, measure } from "./measured.ts";
import { isFileName } from "./names.ts";

/** A file on its way into a package. */
export interface NewFile extends Measured {
  readonly name: string;
  readonly mediaType: string;
  readonly format: string;
  readonly title?: string | undefined;
  readonly crs?: string | undefined;
  open(call?: IoCall): AsyncIterable<Uint8Array>;
}

const MOST_FILES = 20_000;
/** Zarr readers know stores of this kind. */
const ZIPPED = { extension: ".zip", mediaType: "application/zip" };

/**
 * What a processor left in its folder, read once for its digests. A folder (a Zarr store) becomes one ZIP archive of
 * stored files: one download, one digest, and readable where it is, by ranges.
 */
export async function madeFiles(folder: string, made: readonly MadeFile[], call: IoCall): Promise<NewFile[]> {
  if (made.length > MOST_FILES) throw refused(`${made.length} files`, `are more than ${MOST_FILES}`);
  const files: NewFile[] = [];
  for (const { name, ...rest } of made) {
    call.signal?.throwIfAborted();
    if (!isFileName(name)) throw refused(name, "is no name for a file of a package");
    if (files.some((other) => other.name === name)) throw refused(name, "is there twice");
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isFile() !== true && stats?.isDirectory() !== true) throw refused(name, "was not made");
    const open = stats.isFile() ? opening(path) : await zipped(path, name, call);
    const file = stats.isFile() ? { name } : { name: `${name}${ZIPPED.extension}`, mediaType: ZIPPED.mediaType };
    files.push({ ...rest, ...file, ...(await measure(open(call))), open });
  }
  return files;
}

function opening(path: string): NewFile["open"] {
  return ({ signal } = {}) => createReadStream(path, { signal, highWaterMark: 1024 * 1024 });
}

/** The same bytes each time it is opened: entries in order, and no times. */
async function zipped(path: string, name: string, call: IoCall): Promise<NewFile["open"]> {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  const entries: ZipEntry[] = [];
  for (const entry of found) {
    call.signal?.throwIfAborted();
    if (entry.isDirectory()) continue;
    if (!entry.isFile()) throw refused(name, `holds ${entry.name}, which is no file`);
    const file = join(entry.parentPath, entry.name);
    const open = opening(file);
    const inner = file.slice(path.length + 1).replaceAll("\\", "/");
    const { bytes: size, crc32 } = await measure(open(call));
    entries.push({ name: inner, size, crc32, open });
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return (own) => writeZip(entries, own);
}

function refused(name: string, reason: string): GyreError {
  return new GyreError("Unsupported", `what was made cannot be packaged: ${name} ${reason}`, { subject: name });
}
