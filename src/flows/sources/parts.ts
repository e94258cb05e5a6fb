import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { ProcessorsConfig, SourceConfig } from "../../config/processors.ts";
import type { IoCall } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { type Choice, checkCount, chosenOf } from "./chosen.ts";
import type { Wanted } from "./wanted.ts";

/** Sources that are made of files: not datasets of this node, not tables of a database. */
export type FileSource = Exclude<SourceConfig, { readonly dataset: string } | { readonly postgis: object }>;

/** One file that is fetched, as a whole or for what is in it. */
export interface Part {
  readonly wanted: Wanted;
  /** Of its address: with its extension. */
  readonly name: string;
  /** It is a ZIP archive, of which these members are wanted. */
  readonly archive?: Choice & { readonly checksums: Readonly<Record<string, string>> };
}

export interface PartsOptions {
  /** Reads pages and records. */
  readonly files: Files;
  /** Which relative addresses are of. */
  readonly folder: string;
}

const MOST_DOCUMENT = 32 * 1024 * 1024;
const MOST_FILES = 10_000;

/** The files that a source is made of now; asks pages and records that list them. */
export async function partsOf(source: FileSource, options: PartsOptions, call: IoCall): Promise<readonly Part[]> {
  const at = (address: string): URL => urlOf(address, options.folder);
  if ("zip" in source) {
    const { members, except, count, checksums } = source;
    const wanted = wantedOf(at(source.zip), source);
    return [{ wanted, name: nameOf(wanted.url), archive: { patterns: members, except, count, checksums } }];
  }
  if ("urls" in source) {
    const parts = source.urls.map((one) =>
      typeof one === "string" ? partOf({ url: at(one) }) : partOf(wantedOf(at(one.url), one)),
    );
    checkCount(parts.length, source.count, parts[0]!.wanted.url);
    return parts;
  }
  if ("list" in source) return listed(source, options.files, call);
  if ("zenodo" in source) return recorded(source, options.files, call);
  return [partOf(wantedOf(at(source.url), source))];
}

/** Every address that configured processors name: what may be asked for their sake. */
export function processorAddresses({ raster, vector, table }: ProcessorsConfig, folder: string): readonly URL[] {
  const sources = [...raster, ...vector, ...table].flatMap(({ source }) => [source].flat());
  return sources.flatMap((source) => addressesOf(source, folder));
}

function addressesOf(source: SourceConfig, folder: string): readonly URL[] {
  const at = (address: string): URL => urlOf(address, folder);
  const onward = (one: { redirects: readonly string[] }): URL[] => one.redirects.map(at);
  if ("url" in source) return [at(source.url), ...onward(source)];
  if ("zip" in source) return [at(source.zip), ...onward(source)];
  if ("urls" in source) {
    return source.urls.flatMap((one) => (typeof one === "string" ? [at(one)] : [at(one.url), ...onward(one)]));
  }
  if ("list" in source) return [new URL("./", source.list), ...onward(source)];
  if ("zenodo" in source) return [new URL(source.api), ...onward(source)];
  return [];
}

/** Files that a page links to or names, in the folder that the page lies in and below. */
async function listed(
  { list, files: patterns, except, count }: Extract<FileSource, { list: string }>,
  files: Files,
  call: IoCall,
): Promise<readonly Part[]> {
  const page = new URL(list);
  const folder = new URL("./", page).pathname;
  const found = new Map<string, URL>();
  for (const text of namedIn(await document(page, files, call))) {
    const url = URL.parse(text, page.href);
    if (url?.host !== page.host || !url.pathname.startsWith(folder) || url.pathname.endsWith("/")) continue;
    // With the page's own scheme, and without what links add for browsers.
    found.set(url.pathname, new URL(url.pathname, page));
    if (found.size > MOST_FILES) throw badSource(page, undefined, `names more than ${MOST_FILES} files`);
  }
  const chosen = chosenOf([...found.values()], nameOf, { patterns, except, count }, page);
  return chosen.map((url) => partOf({ url }));
}

/** Targets of links, and texts of elements that could be names of files. */
function* namedIn(page: string): Generator<string> {
  // Nothing in them runs past the next angle bracket, which keeps the search linear on a hostile page.
  for (const [, double, single] of page.matchAll(/<a\b[^<>]*?\bhref\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')/gi)) {
    yield (double ?? single ?? "").replaceAll("&amp;", "&");
  }
  for (const [, name] of page.matchAll(/>\s*([\w-][\w.-]{0,199}\.\w{1,10})\s*</g)) yield name ?? "";
}

/** What is read of a record of Zenodo's API (InvenioRDM). */
const record = z.object({
  files: z
    .array(
      z.object({
        key: z.string().min(1).max(1000),
        size: z.int().min(0),
        checksum: z.string().regex(/^md5:[0-9a-f]{32}$/),
      }),
    )
    .max(MOST_FILES),
});

async function recorded(
  { zenodo, api, files: patterns, members, except, count }: Extract<FileSource, { zenodo: number }>,
  files: Files,
  call: IoCall,
): Promise<readonly Part[]> {
  const url = new URL(`records/${zenodo}`, api);
  const parsed = record.safeParse(json(await document(url, files, call)));
  if (!parsed.success) throw badSource(url, undefined, "is no record of Zenodo with files and their MD5");
  // Where members are counted, archives are not.
  const choice = { patterns, except, count: members === undefined ? count : undefined };
  return chosenOf(parsed.data.files, ({ key }) => key, choice, url).map(({ key, size, checksum }) => {
    const content = new URL(`records/${zenodo}/files/${encodeURIComponent(key)}/content`, api);
    const part = { wanted: { url: content, size, checksum }, name: key };
    return members === undefined
      ? part
      : { ...part, archive: { patterns: members, except, count, checksums: {} as Record<string, string> } };
  });
}

async function document(url: URL, files: Files, call: IoCall): Promise<string> {
  const bytes = await files.read(url, { offset: 0, length: MOST_DOCUMENT }, call);
  if (bytes === undefined) throw badSource(url, undefined, "is not there");
  return new TextDecoder().decode(bytes);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An address as configurations write it: whole, or a path of `folder`; folders end in `/`. */
export function urlOf(address: string, folder: string): URL {
  return URL.parse(address) ?? pathToFileURL(`${resolve(folder, address)}${address.endsWith("/") ? "/" : ""}`);
}

function wantedOf(url: URL, { checksum, size }: { checksum?: string | undefined; size?: number | undefined }): Wanted {
  return { url, ...(checksum !== undefined && { checksum }), ...(size !== undefined && { size }) };
}

function partOf(wanted: Wanted): Part {
  return { wanted, name: nameOf(wanted.url) };
}

function nameOf(url: URL): string {
  const last = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
