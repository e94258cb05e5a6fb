import type { IoCall } from "../../core/array.ts";
import type { FileInfo, Files } from "../../files/files.ts";
import { digest } from "../../formats/version.ts";

/** Files whose change means that a Zarr store is another one. */
const MARKERS = ["zarr.json", ".zmetadata", ".zgroup", ".zarray", ".zattrs"] as const;

/** Size and tag of a file, or of the metadata of a folder that is one dataset. Undefined: it is not there. */
export async function infoOf(files: Files, url: URL, call?: IoCall): Promise<FileInfo | undefined> {
  if (!url.pathname.endsWith("/")) return files.head(url, call);
  const found = await Promise.all(MARKERS.map((name) => files.head(new URL(name, url), call)));
  const present = found.filter((info) => info !== undefined);
  if (present.length === 0) return undefined;
  return {
    size: present.reduce((n, info) => n + info.size, 0),
    etag: `"${digest(present.map(identityOf)).slice(0, 32)}"`,
  };
}

/** One text for a source as it is now. */
export function identityOf({ size, etag, modified }: FileInfo): string {
  return `${size} ${etag ?? modified?.getTime() ?? ""}`;
}
