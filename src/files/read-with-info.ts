import type { IoCall } from "../core/array.ts";
import type { ByteRange, FileRead, Files } from "./files.ts";

/** Bytes with what they are a part of: in one request where the store can, else looked at first and held to that. */
export async function readWithInfo(
  files: Files,
  url: URL,
  range?: ByteRange,
  call?: IoCall,
): Promise<FileRead | undefined> {
  if (files.readWithInfo !== undefined) return files.readWithInfo(url, range, call);
  const info = await files.head(url, call);
  if (info === undefined) return undefined;
  const bytes = await files.read(url, range, { ...call, ...(info.etag === undefined ? {} : { ifMatch: info.etag }) });
  return bytes && { bytes, info };
}
