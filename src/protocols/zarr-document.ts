import type { Dataset, Group } from "../core/array.ts";
import type { JsonObject } from "../write/zarr-fill.ts";
import { consolidateV2, documentsV2, groupAttributesV2, toZarrV2, ZGROUP } from "../write/zarr-v2.ts";
import { groupV3, nodesV3, toZarrV3 } from "../write/zarr-v3.ts";
import { type Document, documentOf } from "./document.ts";

type Make = (dataset: Dataset, path: string) => JsonObject | undefined;

const MAKERS_V2: ReadonlyMap<string, Make> = new Map<string, Make>([
  [".zgroup", (dataset, path) => groupAt(dataset, path) && ZGROUP],
  [".zattrs", attributesV2],
  [".zarray", (dataset, path) => arrayV2(dataset, path)?.zarray],
  [".zmetadata", (dataset, path) => groupAt(dataset, path) && consolidateV2(below(documentsV2(dataset), path))],
]);
const MAKERS_V3: ReadonlyMap<string, Make> = new Map([["zarr.json", nodeV3]]);

const kept = new WeakMap<Dataset, Map<string, Document>>();

/**
 * The document that a key names in Zarr v2 (`group/tas/.zarray`), written once per dataset. Undefined: there is none.
 * Throws Unsupported, naming the codec or type, for a variable that v2 cannot describe.
 */
export function documentV2(dataset: Dataset, key: string): Document | undefined {
  return document(dataset, key, MAKERS_V2);
}

/** The same in Zarr v3 (`group/tas/zarr.json`). */
export function documentV3(dataset: Dataset, key: string): Document | undefined {
  return document(dataset, key, MAKERS_V3);
}

function document(dataset: Dataset, key: string, makers: ReadonlyMap<string, Make>): Document | undefined {
  const slash = key.lastIndexOf("/");
  const make = makers.get(key.slice(slash + 1));
  if (make === undefined) return undefined;
  let documents = kept.get(dataset);
  if (documents === undefined) kept.set(dataset, (documents = new Map()));
  const known = documents.get(key);
  if (known !== undefined) return known;
  const json = make(dataset, slash < 0 ? "" : key.slice(0, slash));
  if (json === undefined) return undefined;
  const made = documentOf(JSON.stringify(json));
  documents.set(key, made);
  return made;
}

function attributesV2(dataset: Dataset, path: string): JsonObject | undefined {
  const group = groupAt(dataset, path);
  return group === undefined ? arrayV2(dataset, path)?.zattrs : groupAttributesV2(group);
}

function arrayV2(dataset: Dataset, path: string): ReturnType<typeof toZarrV2> | undefined {
  const variable = dataset.variables.get(path);
  return variable && toZarrV2(variable.spec);
}

function nodeV3(dataset: Dataset, path: string): JsonObject | undefined {
  const group = groupAt(dataset, path);
  if (group !== undefined) return groupV3(group, below(nodesV3(dataset), path));
  const variable = dataset.variables.get(path);
  return variable && toZarrV3(variable.spec);
}

function groupAt(dataset: Dataset, path: string): Group | undefined {
  return path === "" ? dataset : dataset.groups.get(path);
}

/** Entries below a group, named from there. */
function* below<T>(entries: Iterable<readonly [string, T]>, path: string): Generator<readonly [string, T]> {
  const prefix = path === "" ? "" : `${path}/`;
  for (const [key, value] of entries) if (key.startsWith(prefix)) yield [key.slice(prefix.length), value];
}
