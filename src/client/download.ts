import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Client } from "./client.ts";
import { ClientError, type RequestOptions } from "./requests.ts";
import type { Resource } from "./types.ts";

export interface DownloadOptions extends RequestOptions {
  /** `dataset.version` of those wanted; all without it. */
  readonly datasetFilter?: readonly string[];
  /** Files that are there with other contents are replaced; without it they are refused. */
  readonly overwrite?: boolean;
  readonly fetch?: typeof fetch;
  onFile?(path: string, file: { readonly number: number; readonly of: number }): void;
}

/** One file of a package, and where it goes. */
interface Wanted {
  readonly url: URL;
  readonly path: string;
  readonly sha256: string | undefined;
  /** No file of its resource has more. */
  readonly mostBytes: number;
}

/**
 * Downloads the package of a boundary into `folder/boundary/dataset_version/`. Files are checked with their SHA-256; what
 * was begun goes on where it was, and what is there whole is left alone. Answers the paths of all files.
 */
export async function extractDownload(
  client: Client,
  boundary: string,
  folder: string,
  options: DownloadOptions = {},
): Promise<readonly string[]> {
  const { datasetFilter, signal } = options;
  const { uri, datapackage } = await client.extract(boundary, signal === undefined ? {} : { signal });
  const root = new URL(uri.endsWith("/") ? uri : `${uri}/`, client.url);
  const resources = datapackage.resources.filter(
    (resource) => datasetFilter === undefined || datasetFilter.includes(datasetOf(resource)),
  );
  const wanted = resources.flatMap((resource) => filesOf(resource, root, join(folder, safe(boundary))));
  if (new Set(wanted.map(({ path }) => path)).size < wanted.length) {
    throw new ClientError(`the package of ${boundary} has two files of one name`);
  }
  for (const [i, file] of wanted.entries()) {
    options.onFile?.(file.path, { number: i + 1, of: wanted.length });
    await fetchFile(file, options);
  }
  return wanted.map(({ path }) => path);
}

/** A second version of a dataset has its version in its name: names of resources are unique. */
function datasetOf({ name, version }: Resource): string {
  return name.endsWith(`.${version}`) ? name : `${name}.${version}`;
}

/** A file is known by the last part of its path: what is before it changes with its contents. */
function filesOf(resource: Resource, root: URL, folder: string): Wanted[] {
  const { path: paths, hashes, bytes } = resource;
  const dataset = safe(datasetOf(resource).replace(".", "_"));
  return paths.map((path, i) => {
    const [algorithm, digest] = hashes[i]?.split(":") ?? [];
    return {
      url: new URL(path, root),
      path: join(folder, dataset, safe(decodeURIComponent(path.slice(path.lastIndexOf("/") + 1)))),
      sha256: algorithm === "sha256" ? digest : undefined,
      mostBytes: bytes,
    };
  });
}

/** Names come from the node: none may lead out of the folder. */
function safe(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: such names are what is refused
  if (name === "" || name === "." || name === ".." || /[/\\:\u0000-\u001f]/.test(name)) {
    throw new ClientError(`the package has a file ${JSON.stringify(name)}, which is no name`);
  }
  return name;
}

async function fetchFile(file: Wanted, options: DownloadOptions): Promise<void> {
  const { path, sha256 } = file;
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true });
  const size = await sizeOf(path);
  if (size !== undefined) {
    if (sha256 !== undefined && (await sha256Of(path)) === sha256) return;
    if (options.overwrite !== true) throw new ClientError(`${path} is there with other contents`);
  }
  // What was begun may be of an earlier state of the file: its digest tells, and then it is fetched whole.
  for (const from of [(await sizeOf(part)) ?? 0, 0]) {
    await fetchInto(part, file, from, options);
    if (sha256 === undefined || (await sha256Of(part)) === sha256) return rename(part, path);
    await rm(part);
    if (from === 0) break;
  }
  throw new ClientError(`${file.url.href} is damaged: its SHA-256 is not that of the package`);
}

async function fetchInto(
  part: string,
  { url, mostBytes }: Wanted,
  from: number,
  options: DownloadOptions,
): Promise<void> {
  const { signal, fetch: fetcher = fetch } = options;
  const response = await fetcher(url, {
    // Ranges are of the bytes as they lie there, not of a compressed form.
    headers: { "Accept-Encoding": "identity", ...(from === 0 ? {} : { Range: `bytes=${from}-` }) },
    ...(signal === undefined ? {} : { signal }),
  });
  // Beyond the end: all of it had come before.
  if (response.status === 416) return response.body?.cancel();
  if (!response.ok || response.body === null)
    throw new ClientError(`${url.href} answers ${response.status}`, response.status);
  const isRest = response.status === 206;
  const file = await open(part, isRest ? "a" : "w");
  try {
    let size = isRest ? from : 0;
    for await (const bytes of response.body) {
      size += bytes.byteLength;
      if (size > mostBytes) throw new ClientError(`${url.href} has more bytes than the package says`);
      await file.write(bytes);
    }
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path)) hash.update(bytes);
  return hash.digest("hex");
}
