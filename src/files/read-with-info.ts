import type { ByteRange, FileRead, Files, ReadOptions } from "./files.ts";

/** Bytes with what they are a part of: in one request where the store can, else looked at first and held to that. */
export async function readWithInfo(
  files: Files,
  url: URL,
  range?: ByteRange,
  options?: ReadOptions,
): Promise<FileRead | undefined> {
  if (files.readWithInfo !== undefined) return files.readWithInfo(url, range, options);
  const info = await files.head(url, options);
  if (info === undefined) return undefined;
  const bytes = await files.read(url, range, {
    ...options,
    ...(info.etag === undefined ? {} : { ifMatch: info.etag }),
  });
  return bytes && { bytes, info };
}
