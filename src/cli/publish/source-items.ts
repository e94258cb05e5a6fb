import { readFile, stat } from "node:fs/promises";
import { isObject } from "../../catalog/json.ts";
import { ANONYMOUS } from "../../core/principal.ts";
import type { StacItem } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import type { CommandIo } from "../command.ts";
import { nodeOver, openedBy } from "../opened.ts";
import { here, type SourceFlags } from "../settings.ts";
import { addChecksums } from "./checksums.ts";
import type { NodeClient } from "./node-client.ts";

/** An item to be published, and where it comes from. */
export interface SourceItem {
  readonly item: StacItem;
  readonly from: string;
  /** The dataset that its assets are of, on the node that serves it. */
  readonly dataset?: string;
  /** What the source does not tell. */
  readonly warnings: readonly string[];
}

/** A dataset of which no item can be made. */
export interface SourceFailure {
  readonly from: string;
  readonly reason: string;
}

export interface SourceOptions {
  readonly flags: SourceFlags;
  /** The node whose addresses the assets have. */
  readonly servedAt: URL;
  readonly node: NodeClient;
  /** Of items that name none and belong to no project. */
  readonly collection: string;
  /** Sources are ids of datasets that the node serves; without any it is all of them. */
  readonly isFromNode: boolean;
  readonly hasChecksums: boolean;
}

/** Where a node says what a dataset does not tell. */
const WARNINGS_HEADER = "Gyre-Warnings";
/** The node has no socket: links are written as `publicUrl` says. */
const INSIDE = "http://localhost/";
const MOST_JSON_BYTES = 256 * 1024 * 1024;

/** The items of STAC documents, of datasets that the node serves, and of files and folders. */
export async function* itemsOf(
  sources: readonly string[],
  options: SourceOptions,
  io: CommandIo,
): AsyncGenerator<SourceItem | SourceFailure> {
  if (options.isFromNode) {
    yield* ofServed(sources, options);
    return;
  }
  const files: string[] = [];
  for (const source of sources) {
    const items = await stacItems(source);
    if (items !== undefined) {
      for (const [i, item] of items.entries())
        yield sourceItem(item, items.length === 1 ? source : `${source}, feature ${i}`, options.collection);
    } else if (isId(source) && !(await exists(source))) yield await ofNode(source, options);
    else files.push(source);
  }
  if (files.length > 0) yield* ofFiles(files, options, io);
}

type PartialItem = Omit<StacItem, "links" | "assets"> & Partial<Pick<StacItem, "links" | "assets">>;

/** What addresses an item must be there; whether the rest is good its catalogue decides. */
function sourceItem(value: unknown, from: string, collection: string): SourceItem | SourceFailure {
  if (!isItem(value)) return { from, reason: "is no STAC item: an object of type Feature with an id and properties" };
  // As the Transaction extension has it, which asks neither for links nor for assets.
  const item = { links: [], assets: {}, ...value, collection: value.collection ?? collection };
  return { item, from, warnings: [] };
}

function isItem(value: unknown): value is PartialItem {
  if (!isObject(value) || value.type !== "Feature" || !isObject(value.properties)) return false;
  const { id, collection = null, links = [] } = value;
  const isNamed = typeof id === "string" && (collection === null || typeof collection === "string");
  return isNamed && Array.isArray(links) && links.every(isObject);
}

/** An item, or the features of an ItemCollection; undefined for any other file. */
async function stacItems(source: string): Promise<readonly unknown[] | undefined> {
  if (!/\.(?:geo)?json$/i.test(source) || /^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return undefined;
  const info = await stat(source).catch(() => undefined);
  if (info === undefined || !info.isFile()) return undefined;
  if (info.size > MOST_JSON_BYTES) throw new GyreError("TooLarge", `${source} has ${info.size} bytes`);
  let document: { readonly type?: unknown; readonly features?: unknown };
  try {
    document = JSON.parse(await readFile(source, "utf8")) as typeof document;
  } catch (cause) {
    throw new GyreError("BadRequest", `${source}: no JSON: ${(cause as Error).message}`, { cause });
  }
  // Other JSON, as references of kerchunk, is a dataset.
  if (document?.type === "Feature") return [document];
  if (document?.type !== "FeatureCollection") return undefined;
  if (!Array.isArray(document.features)) throw new GyreError("BadRequest", `${source}: its features are no list`);
  return document.features;
}

function isId(source: string): boolean {
  return /^[A-Za-z0-9._-]{1,200}$/.test(source);
}

async function exists(source: string): Promise<boolean> {
  return (await stat(source).catch(() => undefined)) !== undefined;
}

async function ofNode(id: string, options: SourceOptions): Promise<SourceItem> {
  const found = await ifServed(id, options);
  if (found !== undefined) return found;
  const { href } = options.node.url;
  throw new GyreError("NotFound", `there is no file ${id}, and ${href} serves no dataset of this id`);
}

async function ifServed(id: string, { node, collection }: SourceOptions): Promise<SourceItem | undefined> {
  const response = await node.datasetItem(id, collection);
  if (response === undefined) return undefined;
  return { ...(await readItem(response)), from: id, dataset: id };
}

/** Datasets that the node serves: those that are named, or all but the files of its cubes. */
async function* ofServed(ids: readonly string[], options: SourceOptions): AsyncGenerator<SourceItem> {
  if (ids.length > 0) {
    for (const id of ids) yield await ofNode(id, options);
    return;
  }
  const all = new Set(await options.node.datasets());
  for (const id of all) {
    // What is retracted is listed, and served no more.
    const source = await ifServed(id, options);
    const isMember = source !== undefined && source.item.id !== id && all.has(source.item.id);
    if (source !== undefined && !isMember) yield source;
  }
}

async function* ofFiles(
  sources: readonly string[],
  options: SourceOptions,
  io: CommandIo,
): AsyncGenerator<SourceItem | SourceFailure> {
  const { flags, servedAt, collection, hasChecksums } = options;
  for (const source of sources) {
    if (!source.includes("*") && !/:\/\//.test(source) && !(await exists(here(source))))
      throw new GyreError("NotFound", `${source} is not there`);
  }
  const node = await nodeOver(sources, flags, { isTransient: true, publicUrl: servedAt.href }, io);
  try {
    await node.scan(io.signal);
    let isNothing = true;
    for await (const opened of openedBy(node, io)) {
      isNothing = false;
      const path = `datasets/${encodeURIComponent(opened.id)}/stac?collection=${encodeURIComponent(collection)}`;
      const response = await node.fetch(new Request(new URL(path, INSIDE), { signal: io.signal }));
      if (!response.ok) {
        yield { from: opened.source, reason: await reasonOf(response) };
        continue;
      }
      const { item, warnings } = await readItem(response);
      const files = node.access.files?.(opened.id, { who: ANONYMOUS }) ?? [];
      const said = hasChecksums ? await addChecksums(item, files, servedAt, io) : item;
      yield { item: said, from: opened.source, dataset: opened.id, warnings };
    }
    // Which they are has been told one by one.
    const { length } = node.registry.problems();
    if (length > 0) yield { from: sources.join(" "), reason: `${length} of the sources cannot be read` };
    else if (isNothing) yield { from: sources.join(" "), reason: "neither a dataset nor a STAC item is there" };
  } finally {
    await node.close();
  }
}

async function reasonOf(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => undefined)) as { readonly detail?: string } | undefined;
  return problem?.detail ?? `its item answers ${response.status}`;
}

async function readItem(
  response: Response,
): Promise<{ readonly item: StacItem; readonly warnings: readonly string[] }> {
  const warnings = JSON.parse(response.headers.get(WARNINGS_HEADER) ?? "[]") as readonly string[];
  return { item: (await response.json()) as StacItem, warnings: warnings.map(decodeURIComponent) };
}
