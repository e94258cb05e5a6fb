import type { IoCall } from "../../core/array.ts";
import type { Files } from "../../files/files.ts";
import type { Boundary } from "../boundaries/boundary.ts";
import { type ProcessorMetadata, processorName } from "../processors/processor.ts";
import { type DataPackage, type DatasetResource, datasetName, datasetsOf, type PackageFile } from "./datapackage.ts";
import { measure } from "./measured.ts";
import { kindOf } from "./media-types.ts";
import { isDatasetName, isFileName } from "./names.ts";
import { pieces } from "./pieces.ts";
import { datasetResource, type Making, metadataOf } from "./resources.ts";

/** Where datasets of a package lie that its descriptor may not know: straight below `data/`. */
const DATA = /^datasets\/([^/]+)\/([^/]+)\/data\/([^/]+)$/;

/**
 * The dataset versions of a package as its files say: measured anew, told as the processors tell them now. Files that
 * the descriptor does not name count where a processor of that dataset version is known; so a folder of the founding
 * system is taken over.
 */
export async function datasetsFromFiles(
  files: Files,
  folder: URL,
  before: DataPackage | undefined,
  boundary: Boundary,
  metadata: readonly ProcessorMetadata[],
  now: Date,
  call: IoCall = {},
): Promise<DatasetResource[]> {
  const known = new Map((before === undefined ? [] : datasetsOf(before)).map((one) => [datasetName(one), one]));
  const about = new Map([...known].map(([name, one]) => [name, metadataOf(one)]));
  for (const one of metadata) about.set(processorName(one), one);
  const adopted = await lyingAbout(files, folder, call);
  const datasets: DatasetResource[] = [];
  for (const [name, its] of about) {
    const old = known.get(name);
    const described = await measured(files, folder, old?.files ?? adopted.get(name) ?? [], call);
    if (described.length === 0) continue;
    const making: Making = old?.gyre ?? {
      ...{ sourceDigest: "", boundaryDigest: boundary.digest, run: "redescribe", software: "" },
      ...{ notes: [], isEmpty: false, created: now.toISOString() },
    };
    // Of what is not whole any more the next job makes a new one.
    const sourceDigest = described.length === old?.files.length ? making.sourceDigest : "";
    datasets.push(datasetResource(its, described, { ...making, sourceDigest }));
  }
  return datasets;
}

/** What is known of a file before it is measured. */
type Described = Omit<PackageFile, "bytes" | "hash" | "crc32">;

async function lyingAbout(files: Files, folder: URL, call: IoCall): Promise<Map<string, Described[]>> {
  const found = new Map<string, Described[]>();
  for await (const { url } of files.list?.(new URL("datasets/", folder), { ...call, recursive: true }) ?? []) {
    const path = url.href.slice(folder.href.length);
    const [, dataset = "", version = "", name = ""] = DATA.exec(path) ?? [];
    if (!isDatasetName(dataset) || !isDatasetName(version) || !isFileName(name)) continue;
    const { mediaType: mediatype, format } = kindOf(name);
    const key = `${dataset}.${version}`;
    found.set(key, [...(found.get(key) ?? []), { path, mediatype, format }]);
  }
  return found;
}

/** Those that are there. */
async function measured(
  files: Files,
  folder: URL,
  described: readonly Described[],
  call: IoCall,
): Promise<PackageFile[]> {
  const found: PackageFile[] = [];
  for (const file of described) {
    const url = new URL(file.path, folder);
    const info = await files.head(url, call);
    if (info !== undefined) found.push({ ...file, ...(await measure(pieces(files, url, info, undefined, call))) });
  }
  return found;
}
