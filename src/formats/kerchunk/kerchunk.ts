import type { Dataset, IoCall } from "../../core/array.ts";
import { badSource, GyreError } from "../../errors.ts";
import type { FileInfo, Files } from "../../files/files.ts";
import type { Format, FormatContext, Hint } from "../format.ts";
import { sourceVersion } from "../version.ts";
import { toDataset } from "../zarr/dataset.ts";
import { fromZmetadata, readHierarchy } from "../zarr/hierarchy.ts";
import { asObject, parseJson } from "../zarr/json.ts";
import { nameOf, openFolder } from "../zarr/zarr.ts";
import { referencesFromParquet } from "./parquet.ts";
import { referencesFromJson } from "./references.ts";
import { createReferenceStore } from "./store.ts";

/** Characters of a reference set in JSON at most: what one string of JavaScript and a small server can hold. */
const MAX_JSON = 256 * 1024 * 1024;

/** A member that only reference sets have, in so many of their first bytes. */
const BEGINNING = 1024;
const MEMBER = /"(?:refs|templates|gen|(?:[^"\\/]+\/)*(?:\.zgroup|\.zattrs|\.zarray|\.zmetadata|zarr\.json))"\s*:/;

/** Reference sets of kerchunk and VirtualiZarr: chunks that lie in other files. */
export const kerchunk: Format = {
  name: "kerchunk",
  summary: "kerchunk references: JSON version 0 and 1, lists of them, folders of Parquet files",
  suffixes: [".json", ".parq", ".parquet"],
  sniff: ({ head, entries }: Hint) =>
    entries === undefined || entries.size === 0
      ? isReferenceJson(head)
      : entries.has(".zmetadata") && ![".zgroup", ".zarray", "zarr.json"].some((name) => entries.has(name)),
  open: (url, context, call) =>
    url.pathname.endsWith("/") ? openParquet(url, context, call) : openJson(url, context, call),
};

async function openJson(url: URL, context: FormatContext, call?: IoCall): Promise<Dataset> {
  const { bytes, info } = await readWhole(context.files, url, call);
  const references = referencesFromJson(url, parseJson(url, bytes));
  const store = createReferenceStore(context.files, url, references);
  const hierarchy = await readHierarchy(store, call);
  if (hierarchy === undefined) throw badSource(url, undefined, "no Zarr metadata among the references");
  return toDataset(hierarchy, store, context, {
    format: "kerchunk",
    version: sourceVersion(url, info),
    rootName: nameOf(url),
  });
}

async function openParquet(folder: URL, context: FormatContext, call?: IoCall): Promise<Dataset> {
  const url = new URL(".zmetadata", folder);
  const { bytes, info } = await readWhole(context.files, url, call);
  const zmetadata = asObject(url, parseJson(url, bytes), ".zmetadata");
  // Without that number it is a plain store that is published with its consolidated metadata alone.
  if (zmetadata.record_size === undefined) return openFolder(folder, context, call);
  // The folder stands for the file that the same references would be in JSON: relative ones lie beside it.
  const beside = new URL(folder.href.replace(/\/$/, ""));
  const store = createReferenceStore(context.files, beside, referencesFromParquet(context.files, folder, zmetadata));
  const identity = { format: "kerchunk", version: sourceVersion(folder, info), rootName: nameOf(folder) };
  return toDataset(fromZmetadata(folder, bytes), store, context, identity);
}

async function readWhole(files: Files, url: URL, call?: IoCall): Promise<{ bytes: Uint8Array; info: FileInfo }> {
  const info = await files.head(url, call);
  if (info === undefined) throw new GyreError("NotFound", `${url} is not there`, { source: url.href });
  if (info.size > MAX_JSON) throw badSource(url, undefined, `${info.size} bytes of JSON; use Parquet references`);
  const bytes = await files.read(url, undefined, call);
  if (bytes === undefined) throw badSource(url, undefined, "vanished while it was read");
  return { bytes, info };
}

function isReferenceJson(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head.subarray(0, BEGINNING));
  return /^\s*(?:\[\s*)?\{/.test(text) && MEMBER.test(text);
}
