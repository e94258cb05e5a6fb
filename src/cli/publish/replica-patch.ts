import type { Json, StacAsset, StacItem } from "../../core/stac.ts";

/** One operation of a JSON Patch (RFC 6902). */
export interface Operation {
  readonly op: "add" | "remove";
  readonly path: string;
  readonly value?: Json;
}

const EXTENSION = "https://stac-extensions.github.io/alternate-assets/v1.2.0/schema.json";

/** What adds a node's copies of the assets that lie at another as alternates, each under the name of its host. */
export function replicaPatch(item: StacItem, from: URL, to: URL): readonly Operation[] {
  const operations: Operation[] = [];
  for (const [key, asset] of Object.entries(item.assets)) {
    if (!asset.href.startsWith(from.href)) continue;
    const copy = { ...copied(asset), href: to.href + asset.href.slice(from.href.length), "alternate:name": to.host };
    const path = `/assets/${escaped(key)}/alternate`;
    const known = alternatesOf(asset);
    if (known === undefined) operations.push({ op: "add", path, value: { [to.host]: copy } });
    else operations.push({ op: "add", path: `${path}/${escaped(to.host)}`, value: copy });
  }
  if (operations.length === 0) return [];
  const { stac_extensions: extensions } = item;
  if (extensions === undefined) return [{ op: "add", path: "/stac_extensions", value: [EXTENSION] }, ...operations];
  if (extensions.some((url) => url.includes("/alternate-assets/"))) return operations;
  return [{ op: "add", path: "/stac_extensions/-", value: EXTENSION }, ...operations];
}

/** What takes a node's copies out again. */
export function withdrawalPatch(item: StacItem, to: URL): readonly Operation[] {
  return Object.entries(item.assets).flatMap(([key, asset]): Operation[] => {
    const known = alternatesOf(asset);
    if (known === undefined || !Object.hasOwn(known, to.host)) return [];
    const path = `/assets/${escaped(key)}/alternate`;
    // The extension has no empty list of alternates.
    return [{ op: "remove", path: Object.keys(known).length === 1 ? path : `${path}/${escaped(to.host)}` }];
  });
}

/** Ids of the datasets that the item's assets at a node are of. */
export function datasetsAt(item: StacItem, node: URL): ReadonlySet<string> {
  const ids = Object.values(item.assets).flatMap(({ href }) => {
    const path = href.startsWith(`${node.href}datasets/`) ? href.slice(node.href.length) : "";
    const id = path.split("/")[1];
    return id === undefined ? [] : [decodeURIComponent(id)];
  });
  return new Set(ids);
}

function alternatesOf({ alternate }: StacAsset): { readonly [name: string]: Json } | undefined {
  const isObject = typeof alternate === "object" && alternate !== null && !Array.isArray(alternate);
  return isObject ? (alternate as { readonly [name: string]: Json }) : undefined;
}

/** What is the same of every copy. */
function copied({ type, title, protocol }: StacAsset): { [name: string]: Json } {
  return {
    ...(type === undefined ? {} : { type }),
    ...(title === undefined ? {} : { title }),
    ...(protocol === undefined ? {} : { protocol }),
  };
}

/** A part of a JSON Pointer (RFC 6901). */
function escaped(part: string): string {
  return part.replaceAll("~", "~0").replaceAll("/", "~1");
}
