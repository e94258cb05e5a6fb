import type { Dataset, IoCall } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import { decodeKey } from "../../files/keys.ts";
import { openZip, type Zip } from "../../files/zip.ts";
import type { Format, FormatContext, Hint } from "../format.ts";
import { digest, sourceVersion } from "../version.ts";
import { toDataset } from "./dataset.ts";
import { type Hierarchy, readHierarchy } from "./hierarchy.ts";
import { createFolderStore, createZipStore, type Store } from "./store.ts";

/** Documents of which any one makes a folder a Zarr store; `.zmetadata` alone may be kerchunk's. */
const MARKERS = ["zarr.json", ".zgroup", ".zarray"] as const;

/** Zarr v2 and v3 in a folder, or in a ZIP archive (at its root or one folder deep). */
export const zarr: Format = {
  name: "zarr",
  summary: "Zarr v2 and v3: consolidated or not, sharded, folders and ZIP archives",
  suffixes: [".zarr", ".zarr.zip", ".zip", ".zr"],
  sniff: ({ head, entries }: Hint) => MARKERS.some((name) => entries?.has(name)) || isZip(head),
  open: (url, context, call) =>
    url.pathname.endsWith("/") ? openFolder(url, context, call) : openArchive(url, context, call),
};

export async function openFolder(url: URL, context: FormatContext, call?: IoCall): Promise<Dataset> {
  const store = createFolderStore(context.files, url);
  const hierarchy = await readHierarchy(store, call);
  if (hierarchy === undefined) throw badSource(url, undefined, "no Zarr metadata here");
  return describe(hierarchy, store, context, digest([url.href, hierarchy.digest]));
}

async function openArchive(url: URL, context: FormatContext, call?: IoCall): Promise<Dataset> {
  const zip = await openZip(context.files, url, {}, call);
  for (const folder of ["", ...(await topFolders(zip, call))]) {
    const store = createZipStore(zip, url, folder);
    const hierarchy = await readHierarchy(store, call);
    if (hierarchy === undefined) continue;
    const info = await context.files.head(url, call);
    if (info === undefined) throw badSource(url, undefined, "vanished while it was read");
    return describe(hierarchy, store, context, sourceVersion(url, info));
  }
  throw badSource(url, undefined, "a ZIP archive without Zarr metadata at its root or one folder deep");
}

/** Folders of the root, if there are so few that one may be the store itself. */
async function topFolders(zip: Zip, call?: IoCall): Promise<string[]> {
  const folders: string[] = [];
  for await (const { url } of zip.list(zip.root, call)) {
    if (url.pathname.endsWith("/")) folders.push(decodeKey(url.pathname.slice(1)) ?? "");
  }
  return folders.length === 1 ? folders : [];
}

function describe(hierarchy: Hierarchy, store: Store, context: FormatContext, version: string): Promise<Dataset> {
  return toDataset(hierarchy, store, context, { format: "zarr", version, rootName: nameOf(store.url) });
}

/** The source's own name without suffix: what an array at the root is called. */
export function nameOf(url: URL): string {
  const path = decodeKey(url.pathname) ?? "";
  const [, name = ""] = /([^/]*)\/?$/.exec(path) ?? [];
  return name.replace(/(\.zarr|\.zr|\.zip|\.json)+$/i, "") || "data";
}

function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 0x03 && head[3] === 0x04;
}
