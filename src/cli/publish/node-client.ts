import type { StacItem } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";

/** Items of one question. */
export const MOST_IDS = 100;
/** Bytes of one answer: what a node says is not taken on trust. */
const MOST_BYTES = 256 * 1024 * 1024;

/** An item as a node's catalogue has it. */
export interface KnownItem {
  readonly item: StacItem;
  /** Its strong entity tag, as If-Match takes it. */
  readonly etag: string | undefined;
}

/** What is asked of a node that is published at. */
export interface NodeClient {
  readonly url: URL;
  item(collection: string, id: string): Promise<KnownItem | undefined>;
  /** Those of the items that are in the catalogue, by id. */
  items(collection: string, ids: readonly string[]): Promise<ReadonlyMap<string, StacItem>>;
  /** The item that the node makes of a dataset which it serves. */
  datasetItem(id: string, collection: string): Promise<Response | undefined>;
  serves(dataset: string): Promise<boolean>;
  /** Ids of all datasets that it serves. */
  datasets(): Promise<readonly string[]>;
}

export function createNodeClient(url: URL, signal: AbortSignal): NodeClient {
  const get = async (path: string, init: RequestInit = {}): Promise<Response | undefined> => {
    const response = await fetch(new URL(path, url), { ...init, signal }).catch((cause: unknown) => {
      if (signal.aborted) throw cause;
      throw new GyreError("Busy", `${url.href} does not answer`, { cause });
    });
    if (response.ok) return response;
    const text = await response.text();
    if (response.status === 404 || response.status === 410) return undefined;
    throw new GyreError("Busy", `${url.href}${path} answers ${response.status}: ${text.slice(0, 500)}`);
  };
  return {
    url,
    async item(collection, id) {
      const response = await get(itemPath(collection, id));
      if (response === undefined) return undefined;
      const item = (await jsonOf(response)) as StacItem;
      return { item, etag: response.headers.get("etag") ?? undefined };
    },
    async items(collection, ids) {
      const found = new Map<string, StacItem>();
      for (let at = 0; at < ids.length; at += MOST_IDS) {
        const some = ids.slice(at, at + MOST_IDS);
        const response = await get("stac/search", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ collections: [collection], ids: some, limit: some.length }),
        });
        const page = response === undefined ? undefined : ((await jsonOf(response)) as { features?: StacItem[] });
        for (const item of page?.features ?? []) found.set(item.id, item);
      }
      return found;
    },
    datasetItem: (id, collection) =>
      get(`datasets/${encodeURIComponent(id)}/stac?collection=${encodeURIComponent(collection)}`),
    async serves(dataset) {
      const response = await get(`datasets/${encodeURIComponent(dataset)}/keys`, { method: "HEAD" });
      return response !== undefined;
    },
    async datasets() {
      const response = await get("datasets");
      return response === undefined ? [] : ((await jsonOf(response)) as readonly string[]);
    },
  };
}

/** The address of an item below a node's. */
export function itemPath(collection: string, id: string): string {
  return `stac/collections/${encodeURIComponent(collection)}/items/${encodeURIComponent(id)}`;
}

async function jsonOf(response: Response): Promise<unknown> {
  const size = Number(response.headers.get("content-length") ?? 0);
  if (size > MOST_BYTES) throw new GyreError("TooLarge", `${response.url} answers with ${size} bytes`);
  return response.json();
}
