import type { ChunkRef, IoCall } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { decodeKey, urlOfKey } from "../../files/keys.ts";
import type { Zip } from "../../files/zip.ts";
import { MAX_DOCUMENT } from "./json.ts";

/** Where the keys of a Zarr hierarchy are: a folder, a ZIP archive, a set of references. */
export interface Store {
  /** For messages. */
  readonly url: URL;
  /** Each chunk is a file of its own. */
  readonly mutable: boolean;
  /** A whole metadata document. */
  read(key: string, call?: IoCall): Promise<Uint8Array | undefined>;
  /** Where a chunk or shard lies. */
  locate(key: string, call?: IoCall): Promise<ChunkRef | undefined>;
  /** Only where looking costs a round trip: the file that is the whole of a chunk or shard, if it is there. */
  fileOf?(key: string): URL | undefined;
  /** Names of the folders in the folder `prefix` (empty or ending in `/`). Absent where the store cannot list. */
  folders?(prefix: string, call?: IoCall): Promise<string[]>;
}

/** Keys below a folder's address. */
export function createFolderStore(files: Files, root: URL): Store {
  return {
    url: root,
    mutable: true,
    read: (key, call) => readDocument(files, root, key, call),
    async locate(key, call) {
      const url = urlOfKey(root, key);
      const info = url && (await files.head(url, call));
      if (url === undefined || info === undefined) return undefined;
      return { url, offset: 0, length: info.size, ...(info.etag === undefined ? {} : { etag: info.etag }) };
    },
    ...(root.protocol === "file:" ? {} : { fileOf: (key) => urlOfKey(root, key) }),
    ...(files.list === undefined ? {} : { folders: (prefix, call) => listFolders(files, root, prefix, call) }),
  };
}

/** Keys below a folder in a ZIP archive; chunks that are stored plainly are ranges of the archive itself. */
export function createZipStore(zip: Zip, archive: URL, folder: string): Store {
  const root = urlOfKey(zip.root, folder) ?? zip.root;
  return {
    url: archive,
    mutable: false,
    read: (key, call) => readDocument(zip, root, key, call),
    async locate(key, call) {
      const url = urlOfKey(root, key);
      if (url === undefined) return undefined;
      const place = await zip.place(url, call);
      if (place !== undefined) return place;
      const inline = await zip.read(url, undefined, call);
      return inline && { inline };
    },
    folders: (prefix, call) => listFolders(zip, root, prefix, call),
  };
}

/** Part of what a reference points to: fewer bytes at its end, none beyond it. */
export async function readPart(
  files: Files,
  ref: ChunkRef,
  start: number,
  length: number,
  call?: IoCall,
): Promise<Uint8Array> {
  if ("inline" in ref) return ref.inline.subarray(start, start + length);
  const range = { offset: ref.offset + start, length: Math.min(length, ref.length - start) };
  const match = ref.etag === undefined ? {} : { ifMatch: ref.etag };
  const bytes = await files.read(ref.url, range, { ...call, ...match });
  if (bytes === undefined) throw badSource(ref.url, range.offset, "vanished while it was read");
  return bytes;
}

async function readDocument(files: Files, root: URL, key: string, call?: IoCall): Promise<Uint8Array | undefined> {
  const url = urlOfKey(root, key);
  if (url === undefined) return undefined;
  const bytes = await files.read(url, { offset: 0, length: MAX_DOCUMENT + 1 }, call);
  if (bytes !== undefined && bytes.byteLength > MAX_DOCUMENT) {
    throw badSource(url, MAX_DOCUMENT, "the metadata document is too large");
  }
  return bytes;
}

async function listFolders(files: Files, root: URL, prefix: string, call?: IoCall): Promise<string[]> {
  const folder = prefix === "" ? root : urlOfKey(root, prefix);
  const names: string[] = [];
  if (folder === undefined || files.list === undefined) return names;
  for await (const { url } of files.list(folder, call)) {
    if (!url.pathname.endsWith("/")) continue;
    const name = decodeKey(url.pathname.slice(folder.pathname.length, -1));
    if (name !== undefined) names.push(name);
  }
  return names;
}
