import type { IoCall } from "../../core/array.ts";
import { badSource, isSourceFault } from "../../errors.ts";
import { digest } from "../version.ts";
import { asObject, isObject, type JsonObject, parseJson } from "./json.ts";
import type { Store } from "./store.ts";

/** Metadata of one array or group, with its v2 attributes beside it. */
export interface Node {
  readonly zarr: 2 | 3;
  readonly kind: "array" | "group";
  readonly metadata: JsonObject;
  readonly attributes: JsonObject;
}

export interface Hierarchy {
  /** By path; the root is "". */
  readonly nodes: ReadonlyMap<string, Node>;
  /** Digest of all metadata. */
  readonly digest: string;
  readonly problems: readonly string[];
}

const MAX_NODES = 100_000;
const MAX_DEPTH = 64;
const READS_AT_ONCE = 16;

/**
 * Reads the metadata of a whole hierarchy: from its consolidated document, or by walking where the store can list.
 * Undefined: there is no Zarr here.
 */
export async function readHierarchy(store: Store, call?: IoCall): Promise<Hierarchy | undefined> {
  const v3 = await store.read("zarr.json", call);
  if (v3 !== undefined) return fromV3(store, v3, call);
  const zmetadata = await store.read(".zmetadata", call);
  if (zmetadata !== undefined) return fromZmetadata(store.url, zmetadata);
  const found = new Collector(store.url);
  const root = await readNode(store, "", 2, found, call);
  if (root === undefined) return undefined;
  if (root.kind === "group") await walk(store, 2, found, call);
  return found.finish();
}

/** The hierarchy of a `.zmetadata` document (kerchunk's Parquet references have one as well). */
export function fromZmetadata(url: URL, bytes: Uint8Array): Hierarchy {
  const document = asObject(url, parseJson(url, bytes), ".zmetadata");
  const metadata = asObject(url, document.metadata, "metadata in .zmetadata");
  const found = new Collector(url);
  found.saw(".zmetadata", bytes);
  for (const [key, value] of Object.entries(metadata)) {
    const [, path = "", leaf] = /^(?:(.*)\/)?(\.zarray|\.zgroup)$/s.exec(key) ?? [];
    if (leaf === undefined || !isObject(value)) continue;
    const attributes = metadata[path === "" ? ".zattrs" : `${path}/.zattrs`];
    found.add(path, {
      zarr: 2,
      kind: leaf === ".zarray" ? "array" : "group",
      metadata: value,
      attributes: isObject(attributes) ? attributes : {},
    });
  }
  return found.finish();
}

async function fromV3(store: Store, bytes: Uint8Array, call?: IoCall): Promise<Hierarchy> {
  const found = new Collector(store.url);
  found.saw("zarr.json", bytes);
  const root = nodeFromV3(asObject(store.url, parseJson(store.url, bytes), "zarr.json"), store.url);
  found.add("", root);
  const consolidated = root.metadata.consolidated_metadata;
  if (root.kind === "group" && isObject(consolidated) && isObject(consolidated.metadata)) {
    for (const [path, node] of Object.entries(consolidated.metadata)) {
      if (isObject(node)) found.add(path, nodeFromV3(node, store.url));
    }
  } else if (root.kind === "group") {
    await walk(store, 3, found, call);
  }
  return found.finish();
}

function nodeFromV3(metadata: JsonObject, url: URL): Node {
  const { zarr_format, node_type: kind, attributes } = metadata;
  if (zarr_format !== 3 || (kind !== "array" && kind !== "group")) {
    throw badSource(url, undefined, `zarr.json of format ${zarr_format} for a node of type ${kind}`);
  }
  return { zarr: 3, kind, metadata, attributes: isObject(attributes) ? attributes : {} };
}

/** Goes down level by level from the root, which is there already. */
async function walk(store: Store, zarr: 2 | 3, found: Collector, call?: IoCall): Promise<void> {
  if (store.folders === undefined) {
    const reason = "its metadata is not consolidated, and this store cannot list what there is";
    throw badSource(store.url, undefined, reason);
  }
  for (let level = [""], depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw badSource(store.url, undefined, `groups are nested deeper than ${MAX_DEPTH}`);
    const next: string[] = [];
    for (const group of level) {
      const names = await store.folders(group === "" ? "" : `${group}/`, call);
      const paths = names.map((name) => (group === "" ? name : `${group}/${name}`));
      for (let i = 0; i < paths.length; i += READS_AT_ONCE) {
        const some = paths.slice(i, i + READS_AT_ONCE);
        const nodes = await Promise.all(some.map((path) => tryNode(store, path, zarr, found, call)));
        next.push(...some.filter((_, j) => nodes[j]?.kind === "group"));
      }
    }
    level = next;
  }
}

/** A broken node is a problem of its own, not of its neighbours; one that cannot be reached now is no broken one. */
async function tryNode(
  store: Store,
  path: string,
  zarr: 2 | 3,
  found: Collector,
  call?: IoCall,
): Promise<Node | undefined> {
  try {
    return await readNode(store, path, zarr, found, call);
  } catch (error) {
    if (!isSourceFault(error)) throw error;
    found.problem(`${path}: ${error.message}`);
    return undefined;
  }
}

async function readNode(
  store: Store,
  path: string,
  zarr: 2 | 3,
  found: Collector,
  call?: IoCall,
): Promise<Node | undefined> {
  const document = async (leaf: string): Promise<JsonObject | undefined> => {
    const key = path === "" ? leaf : `${path}/${leaf}`;
    const bytes = await store.read(key, call);
    if (bytes === undefined) return undefined;
    found.saw(key, bytes);
    return asObject(store.url, parseJson(store.url, bytes), key);
  };
  let node: Node | undefined;
  if (zarr === 3) {
    const metadata = await document("zarr.json");
    node = metadata && nodeFromV3(metadata, store.url);
  } else {
    const array = await document(".zarray");
    const metadata = array ?? (await document(".zgroup"));
    node = metadata && {
      zarr,
      kind: array === undefined ? "group" : "array",
      metadata,
      attributes: (await document(".zattrs")) ?? {},
    };
  }
  if (node !== undefined) found.add(path, node);
  return node;
}

class Collector {
  readonly #url: URL;
  readonly #nodes = new Map<string, Node>();
  readonly #digests: string[] = [];
  readonly #problems: string[] = [];

  constructor(url: URL) {
    this.#url = url;
  }

  saw(key: string, bytes: Uint8Array): void {
    this.#digests.push(`${key} ${digest([bytes])}`);
  }

  add(path: string, node: Node): void {
    if (this.#nodes.size >= MAX_NODES)
      throw badSource(this.#url, undefined, `more than ${MAX_NODES} arrays and groups`);
    if (isPath(path)) this.#nodes.set(path, node);
    else this.problem(`"${path.slice(0, 200)}" is no path of a node and is left out`);
  }

  problem(text: string): void {
    if (this.#problems.length < 1000) this.#problems.push(text);
  }

  finish(): Hierarchy {
    // Reads run side by side: only in order do equal metadata give one digest.
    return { nodes: this.#nodes, digest: digest(this.#digests.sort()), problems: this.#problems };
  }
}

/** True for the root and for names joined by slashes (v3 core, "Node names"): nothing that could leave the store. */
function isPath(path: string): boolean {
  if (path === "") return true;
  const names = path.split("/");
  return names.length <= MAX_DEPTH && names.every((name) => name !== "" && !/^\.+$|[\\\0]/.test(name));
}
