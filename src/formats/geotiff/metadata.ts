import type { IoCall } from "../../core/array.ts";
import { Tag } from "../../core/tiff/tags.ts";
import { badSource } from "../../errors.ts";
import { type Directory, readText } from "./directory.ts";
import type { Source } from "./source.ts";

/** One `<Item>` of GDAL's metadata: of the whole image, or of the band `sample` (from 0). */
export interface MetadataItem {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly sample?: number;
  /** `scale`, `offset`, `description`, `unittype`, `colorinterp`: not metadata but a property of the band. */
  readonly role?: string;
}

const LIMIT = 16 * 1024 * 1024;

const OPTIONS = {
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  textNodeName: "#",
  alwaysCreateTextNode: true,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // No document type may define anything; the five names of XML itself are undone by hand.
  processEntities: false,
  isArray: (name: string) => name === "Item",
};

/** GDAL_METADATA: a small XML document in a tag of GDAL's own. */
export async function readMetadata(source: Source, directory: Directory, call?: IoCall): Promise<MetadataItem[]> {
  const field = directory.fields.get(Tag.GdalMetadata);
  if (field === undefined) return [];
  if (field.count > LIMIT) throw badSource(source.url, field.offset, `GDAL_METADATA of ${field.count} bytes`);
  return parseMetadata(await readText(source, field, call));
}

/** Items of the document; none when it is not what GDAL writes. */
export async function parseMetadata(xml: string): Promise<MetadataItem[]> {
  const items: MetadataItem[] = [];
  for (const node of await itemNodes(xml)) {
    const text = (key: string): string | undefined => {
      const value = node[key];
      return typeof value === "string" ? unescaped(value) : undefined;
    };
    const name = text("@name");
    if (name === undefined) continue;
    const sample = text("@sample");
    const role = text("@role");
    items.push({
      name,
      // GDAL escapes values before it makes XML of them, and XML escapes them again.
      value: unescaped(text("#") ?? ""),
      domain: text("@domain") ?? "",
      ...(sample !== undefined && /^\d{1,5}$/.test(sample) ? { sample: Number(sample) } : {}),
      ...(role === undefined ? {} : { role }),
    });
  }
  return items;
}

async function itemNodes(xml: string): Promise<Record<string, unknown>[]> {
  const { XMLParser } = await import("fast-xml-parser");
  let root: unknown;
  try {
    root = new XMLParser(OPTIONS).parse(xml);
  } catch {
    return [];
  }
  const items = member(member(root, "GDALMetadata"), "Item");
  return Array.isArray(items) ? items.filter((item) => typeof item === "object" && item !== null) : [];
}

function member(node: unknown, key: string): unknown {
  return typeof node === "object" && node !== null && Object.hasOwn(node, key)
    ? (node as Record<string, unknown>)[key]
    : undefined;
}

const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescaped(text: string): string {
  return text.replace(/&(?:(lt|gt|quot|apos|amp)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));/g, (all, name, decimal, hex) => {
    if (name !== undefined) return NAMED[name]!;
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return point <= 0x10ffff ? String.fromCodePoint(point) : all;
  });
}
