import {
  type ArraySpec,
  type Attrs,
  type ChunkRef,
  type Dataset,
  type Dimension,
  type Group,
  type IoCall,
  inGrid,
  type Variable,
  type WholeFile,
} from "../../core/array.ts";
import { attrsFromJson } from "../../core/attrs.ts";
import { inSource, isGyreError } from "../../errors.ts";
import type { FormatContext } from "../format.ts";
import { type ArrayLayout, isHidden } from "./array.ts";
import { layoutFromV2 } from "./array-v2.ts";
import { layoutFromV3 } from "./array-v3.ts";
import type { Hierarchy, Node } from "./hierarchy.ts";
import { type Shards, shardsOf } from "./shard.ts";
import type { Store } from "./store.ts";

interface OpenGroup extends Group {
  readonly dimensions: Map<string, Dimension>;
}

/** What is known of a dataset besides its metadata. */
export interface Identity {
  readonly format: string;
  readonly version: string;
  /** Name of the variable where the root is itself an array. */
  readonly rootName: string;
}

/** Puts a hierarchy into the array model. Arrays that cannot be described are left out and listed. */
export async function toDataset(
  hierarchy: Hierarchy,
  store: Store,
  context: FormatContext,
  identity: Identity,
): Promise<Dataset> {
  const problems = [...hierarchy.problems];
  const groups = openGroups(hierarchy);
  const variables = new Map<string, Variable>();
  for (const [path, node] of hierarchy.nodes) {
    if (node.kind !== "array") continue;
    try {
      const layout =
        node.zarr === 3
          ? layoutFromV3(store.url, node.metadata, context.codecs)
          : layoutFromV2(store.url, node.metadata, node.attributes, context.codecs);
      const shards = await shardsOf(layout, context.files, context.codecs);
      const name = path === "" ? identity.rootName : path;
      const dims = placeDimensions(name, layout, groups, problems);
      variables.set(name, new ZarrVariable(name, path, layout, dims, shards, store));
    } catch (error) {
      if (path === "" || !isGyreError(error, "BadSource", "Unsupported")) throw inSource(error, store.url);
      problems.push(`${path}: ${error.message}`);
    }
  }
  const root = groups.get("") as OpenGroup;
  groups.delete("");
  return {
    ...root,
    format: identity.format,
    version: identity.version,
    groups,
    variables,
    ...(problems.length > 0 ? { problems } : {}),
  };
}

/** All groups by path, the root ("") first; also those that only their members prove. */
function openGroups({ nodes }: Hierarchy): Map<string, OpenGroup> {
  const paths = new Set([""]);
  for (const [path, { kind }] of nodes) {
    for (const parent of parentsOf(path)) paths.add(parent);
    if (kind === "group") paths.add(path);
  }
  return new Map(
    [...paths].sort().map((path) => {
      const node = nodes.get(path);
      const attrs = node?.kind === "group" ? groupAttributes(node) : new Map();
      return [path, { attrs, dimensions: new Map() }];
    }),
  );
}

function groupAttributes({ attributes }: Node): Attrs {
  const attrs = attrsFromJson(attributes);
  for (const name of attrs.keys()) if (isHidden(name)) attrs.delete(name);
  return attrs;
}

/** From the root down to the group that holds `path`. */
function parentsOf(path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return ["", ...names.map((_, i) => names.slice(0, i + 1).join("/"))];
}

/**
 * Zarr has no dimensions of its own: a name belongs to the nearest group that uses it with this size. A nameless
 * dimension, or one whose size disagrees with its neighbours', gets the array's own name for it.
 */
function placeDimensions(
  name: string,
  { dims, shape }: ArrayLayout,
  groups: ReadonlyMap<string, OpenGroup>,
  problems: string[],
): string[] {
  const parents = parentsOf(name)
    .map((path) => groups.get(path))
    .filter((group) => group !== undefined);
  const own = parents.at(-1) as OpenGroup;
  const leaf = name.slice(name.lastIndexOf("/") + 1);
  return dims.map((given, i) => {
    const size = shape[i]!;
    let dim = given || `${leaf}_dim_${i}`;
    const known = parents.findLast((group) => group.dimensions.has(dim))?.dimensions.get(dim);
    if (known?.size === size) return dim;
    if (own.dimensions.has(dim)) {
      problems.push(`${name}: its dimension ${dim} has ${size} entries, elsewhere in the group ${known?.size}`);
      dim = `${leaf}_${dim}_${size}`;
    }
    own.dimensions.set(dim, { size, unlimited: false });
    return dim;
  });
}

class ZarrVariable implements Variable {
  readonly name: string;
  readonly spec: ArraySpec;
  readonly mutable: boolean;
  readonly #prefix: string;
  readonly #layout: ArrayLayout;
  readonly #shards: Shards | undefined;
  readonly #store: Store;

  constructor(
    name: string,
    path: string,
    layout: ArrayLayout,
    dims: readonly string[],
    shards: Shards | undefined,
    store: Store,
  ) {
    const { dtype, shape, fill, attrs } = layout;
    const { chunks, codecs } = shards ?? layout;
    this.name = name;
    this.spec = { dtype, dims, shape, chunks, codecs, fill, attrs };
    this.mutable = store.mutable;
    this.#prefix = path === "" ? "" : `${path}/`;
    this.#layout = layout;
    this.#shards = shards;
    this.#store = store;
  }

  async locate(chunk: readonly number[], call?: IoCall): Promise<ChunkRef | undefined> {
    if (!inGrid(this.spec, chunk)) return undefined;
    const key = this.#keyOf(chunk);
    const ref = await this.#store.locate(key, call);
    return ref === undefined || this.#shards === undefined ? ref : this.#shards.locate(ref, key, chunk, call);
  }

  async locateToRead(chunk: readonly number[], call?: IoCall): Promise<ChunkRef | WholeFile | undefined> {
    const key = inGrid(this.spec, chunk) ? this.#keyOf(chunk) : undefined;
    const file = key === undefined ? undefined : this.#store.fileOf?.(key);
    if (key === undefined || file === undefined) return this.locate(chunk, call);
    if (this.#shards === undefined) return { file };
    return this.#shards.locateToRead(file, key, chunk, () => this.locate(chunk, call), call);
  }

  /** Key of the file that holds a chunk. */
  #keyOf(chunk: readonly number[]): string {
    return this.#prefix + this.#layout.key(this.#shards?.shardOf(chunk) ?? chunk);
  }
}
