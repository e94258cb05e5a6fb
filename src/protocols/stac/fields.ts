import type { Json } from "../../core/stac.ts";

/** The `fields` of a search: dotted paths to keep, and to leave out. No list to keep is another wish than an empty one. */
export interface Fields {
  readonly include?: readonly string[];
  readonly exclude: readonly string[];
}

type Members = { readonly [name: string]: Json };

/** What an item always keeps: without them a client cannot tell what it holds. */
const ALWAYS = ["type", "stac_version", "id", "collection"];
/** What makes a valid item (Fields extension 1.0, include/exclude semantics 1). */
const DEFAULT = [...ALWAYS, "geometry", "bbox", "links", "assets", "properties.datetime"];
const TIMELESS = [...DEFAULT, "properties.start_datetime", "properties.end_datetime"];

/** The document with just these fields. */
export function picked(document: object, { include, exclude }: Fields): Members {
  const members = document as Members;
  const unwanted = exclude.filter((path) => !ALWAYS.includes(path) && !include?.includes(path));
  const kept =
    include === undefined && exclude.length > 0 ? members : keep(members, treeOf(wantedOf(members, include)));
  return unwanted.length === 0 ? kept : drop(kept, treeOf(unwanted), treeOf(include ?? []));
}

function wantedOf({ properties = null }: Members, include: readonly string[] = []): readonly string[] {
  if (include.length > 0) return [...ALWAYS, ...include];
  return isMembers(properties) && properties.datetime === null ? TIMELESS : DEFAULT;
}

/** Paths by their parts; a leaf is `true`. */
type Tree = Map<string, Tree | true>;

function treeOf(paths: readonly string[]): Tree {
  const root: Tree = new Map();
  for (const path of paths) {
    const parts = path.split(".");
    let at = root;
    parts.forEach((part, i) => {
      const found = at.get(part);
      if (found === true) return;
      if (i === parts.length - 1) at.set(part, true);
      else if (found === undefined) at.set(part, (at = new Map()));
      else at = found;
    });
  }
  return root;
}

function keep(value: Members, tree: Tree): Members {
  const kept: Record<string, Json> = {};
  for (const [name, below] of tree) {
    if (!Object.hasOwn(value, name)) continue;
    const member = value[name] as Json;
    if (below === true) kept[name] = member;
    else if (isMembers(member)) kept[name] = keep(member, below);
  }
  return kept;
}

/** Without the paths of `tree`, but for what `included` names more exactly. */
function drop(value: Members, tree: Tree, included: Tree): Members {
  const kept: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) {
    const out = tree.get(name);
    const saved = included.get(name);
    if (out === undefined) kept[name] = member;
    else if (!isMembers(member)) continue;
    else if (out === true) {
      if (saved instanceof Map) kept[name] = keep(member, saved);
    } else kept[name] = drop(member, out, saved instanceof Map ? saved : new Map());
  }
  return kept;
}

function isMembers(value: Json): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
