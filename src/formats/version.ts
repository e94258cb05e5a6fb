import { createHash } from "node:crypto";
import type { FileInfo } from "../files/files.ts";

/** `Dataset.version` of a source in one file: changes when the bytes can have changed. */
export function sourceVersion(url: URL, info: FileInfo): string {
  return digest([url.href, String(info.size), info.etag ?? String(info.modified?.getTime() ?? "")]);
}

/** One digest over ordered parts: for sources of many files. Parts cannot run into each other. */
export function digest(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return hash.digest("hex");
}
