import { createReadStream } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import type { IoCall } from "../../core/array.ts";
import { badSource, GyreError, isGyreError } from "../../errors.ts";
import type { FileInfo } from "../../files/files.ts";
import type { Clock } from "../../files/transport.ts";
import { type Copy, changed } from "./origin.ts";
import { Checksums, type Wanted } from "./wanted.ts";

/** A caller who wants to know how far the fetching is. */
export interface FetchCall extends IoCall {
  progress?(state: { readonly bytes: number; readonly totalBytes: number }): void;
}

/** Breaks in a row without a byte in between, after which a source counts as out of reach. */
const MOST_BREAKS = 5;
const FIRST_PAUSE_MS = 500;
const TOLD_BYTES = 4 * 1024 * 1024;

/**
 * Copies one state of a file into `part`, from where an earlier try of the same state ended, and answers its
 * `sha256:...`. What is found to be wrong is removed; what was cut off stays, to be gone on with.
 */
export async function download(
  copy: Copy,
  wanted: Wanted,
  info: FileInfo,
  part: string,
  clock: Clock,
  call: FetchCall,
): Promise<string> {
  const { url, checksum } = wanted;
  if (wanted.size !== undefined && wanted.size !== info.size) {
    throw badSource(url, undefined, `has ${info.size} bytes, not ${wanted.size}`);
  }
  const isSameState = checksum !== undefined || info.etag?.startsWith('"') === true;
  if (!isSameState) await rm(part, { force: true });
  const checksums = new Checksums(checksum);
  try {
    const handle = await open(part, "a");
    try {
      await append(copy, { url, info, handle, part, checksums, clock }, call);
    } finally {
      await handle.close();
    }
    return checksums.finish(url);
  } catch (error) {
    if (isGyreError(error, "BadSource", "Conflict")) await rm(part, { force: true });
    throw withoutRoom(error, url);
  }
}

interface Appended {
  readonly url: URL;
  readonly info: FileInfo;
  readonly handle: FileHandle;
  readonly part: string;
  readonly checksums: Checksums;
  readonly clock: Clock;
}

async function append(copy: Copy, { url, info, handle, part, checksums, clock }: Appended, call: FetchCall) {
  let offset = 0;
  for await (const bytes of createReadStream(part)) {
    checksums.update(bytes as Uint8Array);
    offset += (bytes as Uint8Array).byteLength;
  }
  let told = offset;
  const write = async (bytes: Uint8Array): Promise<void> => {
    call.signal?.throwIfAborted();
    if (offset + bytes.byteLength > info.size) throw changed(url, `has more than its ${info.size} bytes`);
    await handle.writeFile(bytes);
    checksums.update(bytes);
    offset += bytes.byteLength;
    if (offset - told < TOLD_BYTES && offset < info.size) return;
    told = offset;
    call.progress?.({ bytes: offset, totalBytes: info.size });
  };
  for (let breaks = 0; offset < info.size; ) {
    const before = offset;
    const failure = await copy(url, { offset, info }, write, call).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (offset === info.size) break;
    if (failure !== undefined && !isGyreError(failure, "Busy")) throw failure;
    breaks = offset > before ? 1 : breaks + 1;
    if (breaks > MOST_BREAKS) {
      throw failure ?? badSource(url, offset, `ends after ${offset} of ${info.size} bytes`);
    }
    await clock.wait(FIRST_PAUSE_MS * 2 ** (breaks - 1), call.signal);
  }
  await handle.sync();
  if ((await handle.stat()).size !== info.size) throw changed(url, `is not the ${info.size} bytes that were written`);
}

/** What a full disk says, which is nobody's mistake and may be mended; other errors as they are. */
export function withoutRoom(error: unknown, url: URL): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new GyreError("Busy", `there is no room on the disk for ${url}`, { source: url.href, cause: error });
}
