import { stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import type { Config } from "./config.ts";
import { GyreError } from "./errors.ts";
import type { Places } from "./read/scan/rounds.ts";

/**
 * A source as people write it: an address with a scheme, or a path (with `*` and `**`) of this machine. The address of
 * a local folder ends in `/`; that of a remote one must be written so.
 */
export async function sourceUrl(text: string, folder: string): Promise<URL> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    const url = URL.parse(text);
    if (url === null) throw new GyreError("BadRequest", `${text} is no address`, { subject: text });
    return url;
  }
  const path = resolve(folder, text);
  const stats = await stat(path).catch(() => undefined);
  const escaped = path.split(sep).map((part) => encodeURIComponent(part).replaceAll("%2A", "*"));
  return new URL(`file://${escaped.join("/")}${stats?.isDirectory() ? "/" : ""}`);
}

/** What a source may read: itself when it is a folder, else the folder it lies in. */
export function prefixOf(source: URL): URL {
  const fixed = decodeURIComponent(source.pathname).search(/[*?[{]/);
  const path = fixed < 0 ? source.pathname : source.pathname.slice(0, fixed);
  const prefix = new URL(source.href);
  prefix.pathname = path.slice(0, path.lastIndexOf("/") + 1);
  prefix.search = "";
  prefix.hash = "";
  return prefix;
}

/** The same of what is a folder whether or not it is there yet. */
export async function folderUrl(text: string, folder: string): Promise<URL> {
  const url = await sourceUrl(text, folder);
  return url.pathname.endsWith("/") ? url : new URL(`${url.href}/`);
}

/** Where the files of flows lie; all but `scratch` are shared with workers on other hosts. */
export interface FlowPlaces {
  /** Data packages. */
  readonly packages: URL;
  /** Sources that were fetched. */
  readonly sources: URL;
  /** What steps write; of this machine. */
  readonly scratch: URL;
}

export async function flowPlacesOf(
  { packages: { storage }, flows: { scratch } }: Config,
  { folder, dataDir, objects }: { readonly folder: string; readonly dataDir: URL; readonly objects: URL },
): Promise<FlowPlaces> {
  return {
    packages: storage === undefined ? new URL("packages/", objects) : await folderUrl(storage, folder),
    sources: new URL("sources/", objects),
    scratch: scratch === undefined ? new URL("scratch/", dataDir) : await folderUrl(scratch, folder),
  };
}

/** What the configuration names, with whole addresses. */
export async function placesOf({ sources, datasets, cubes, catalogs }: Config, folder: string): Promise<Places> {
  const urlOf = (text: string): Promise<URL> => sourceUrl(text, folder);
  return {
    sources: await Promise.all(sources.map(urlOf)),
    datasets: await Promise.all(
      Object.entries(datasets).map(async ([id, { source, ...more }]) => ({
        id,
        url: await urlOf(source),
        ...given(more),
      })),
    ),
    cubes: await Promise.all(
      cubes.map(async ({ id, glob, tape, newDim, ...rules }) => ({
        id,
        globs: await Promise.all([glob].flat().map(urlOf)),
        rules: { ...given(rules), ...(newDim && { newDim: { ...given(newDim), name: newDim.name } }) },
        ...given({ tape }),
      })),
    ),
    catalogs: await Promise.all(
      catalogs.map(async ({ source, ...more }) => ({ url: await urlOf(source), ...given(more) })),
    ),
  };
}

/** Every address that the configuration names. */
export function addressesOf({ sources, datasets, cubes, catalogs }: Places): URL[] {
  return [
    ...sources,
    ...datasets.map(({ url }) => url),
    ...cubes.flatMap(({ globs }) => globs),
    ...catalogs.map(({ url }) => url),
  ];
}

/** Without the keys whose values are not given. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
