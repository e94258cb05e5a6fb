import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Bytes that are written in order and read once in order: what a file of unknown size is made of. */
export interface Scratch {
  append(bytes: Uint8Array): Promise<void>;
  read(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

const PIECE = 1024 * 1024;

/** In memory up to `limit` bytes, beyond that in a temporary file that nobody else can name. */
export function createScratch(limit = 8 * 1024 * 1024, folder = tmpdir()): Scratch {
  const parts: Uint8Array[] = [];
  let held = 0;
  let file: FileHandle | undefined;
  let path: string | undefined;

  async function spill(): Promise<void> {
    if (file === undefined) {
      await mkdir(folder, { recursive: true });
      path = join(folder, `gyre-${randomBytes(8).toString("hex")}.part`);
      file = await open(path, "wx+", 0o600);
    }
    for (const part of parts.splice(0)) await file.appendFile(part);
    held = 0;
  }

  return {
    async append(bytes) {
      parts.push(bytes);
      held += bytes.byteLength;
      if (held > limit) await spill();
    },
    async *read() {
      for (let at = 0; file !== undefined; ) {
        const { bytesRead, buffer } = await file.read(new Uint8Array(PIECE), 0, PIECE, at);
        if (bytesRead === 0) break;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
      yield* parts;
    },
    async close() {
      parts.length = 0;
      await file?.close();
      if (path !== undefined) await rm(path, { force: true });
      file = undefined;
    },
  };
}
