import { badSource } from "../errors.ts";
import type { Listed } from "./files.ts";
import { byKey, urlOfKey } from "./keys.ts";

/** One element: its text, or its children. */
export type XmlElement = string | { readonly [name: string]: XmlElement | readonly XmlElement[] };

export interface ListPage {
  readonly entries: readonly Listed[];
  /** Token of the next page. */
  readonly next?: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The root element of an S3 answer when it has this name. */
export async function parseS3Xml(source: URL, text: string, root: string): Promise<XmlElement | undefined> {
  const { XMLParser } = await import("fast-xml-parser");
  if (text.includes("<!DOCTYPE")) throw badSource(source, undefined, "sent XML with a document type");
  try {
    const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, processEntities: false });
    return (parser.parse(text) as { [name: string]: XmlElement })[root];
  } catch (error) {
    throw badSource(source, undefined, "sent XML that is none", error);
  }
}

/** Text of a child, with XML's own five entities and character references resolved. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  const child = typeof element === "object" ? element[name] : undefined;
  if (typeof child !== "string") return undefined;
  return child.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos));/gi, (all, decimal, hex, named) => {
    if (named !== undefined) return ENTITIES[named] ?? all;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** A page of ListObjectsV2 below `folder`, whose key is `prefix`. */
export async function parseListing(folder: URL, prefix: string, text: string): Promise<ListPage> {
  const result = await parseS3Xml(folder, text, "ListBucketResult");
  if (result === undefined) throw badSource(folder, undefined, "sent no listing");
  const encoded = textOf(result, "EncodingType") === "url";
  const entries: Listed[] = [];
  const add = (element: XmlElement, name: string, isFolder: boolean): void => {
    const text = textOf(element, name);
    if (text === undefined) return;
    const key = encoded ? decodeFormText(text) : text;
    // A key that ends in a slash is the mark that consoles leave for an empty folder.
    const fits = key.startsWith(prefix) && key !== prefix && key.endsWith("/") === isFolder;
    const url = fits ? urlOfKey(folder, key.slice(prefix.length)) : undefined;
    if (url !== undefined) entries.push(isFolder ? { url } : { url, info: infoOf(element) });
  };
  for (const element of childrenOf(result, "Contents")) add(element, "Key", false);
  for (const element of childrenOf(result, "CommonPrefixes")) add(element, "Prefix", true);
  entries.sort((a, b) => byKey(a.url, b.url));
  const next = textOf(result, "IsTruncated") === "true" ? textOf(result, "NextContinuationToken") : undefined;
  return { entries, ...(next === undefined ? {} : { next }) };
}

function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  const children = typeof element === "object" ? element[name] : undefined;
  if (children === undefined) return [];
  return Array.isArray(children) ? children : [children as XmlElement];
}

function infoOf(element: XmlElement): NonNullable<Listed["info"]> {
  const etag = textOf(element, "ETag");
  const modified = new Date(textOf(element, "LastModified") ?? Number.NaN);
  return {
    size: Number(textOf(element, "Size") ?? 0),
    ...(etag === undefined ? {} : { etag: etag.startsWith('"') ? etag : `"${etag}"` }),
    ...(Number.isNaN(modified.getTime()) ? {} : { modified }),
  };
}

/** S3's url encoding is that of forms: a space is a plus. */
function decodeFormText(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
