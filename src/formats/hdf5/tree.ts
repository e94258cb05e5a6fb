import type { IoCall } from "../../core/array.ts";
import { badSource, isSourceFault } from "../../errors.ts";
import { sourceVersion } from "../version.ts";
import { readAttributes, type StoredAttribute } from "./attributes.ts";
import { openBeside } from "./beside.ts";
import { isDataset, readDataset, type StoredDataset } from "./dataset.ts";
import { type TypeNames, typeKey } from "./dtype.ts";
import type { H5File } from "./file.ts";
import { isGroup, readLinks } from "./group.ts";
import { readDatatype } from "./messages/datatype.ts";
import type { Link } from "./messages/link.ts";
import { findMessage, MESSAGE, type ObjectHeader, readObjectHeader } from "./object-header.ts";
import { findObject, pathParts } from "./object-path.ts";
import { resolveMessage } from "./shared-message.ts";

export interface GroupNode {
  readonly kind: "group";
  /** Path without a leading slash; "" is the root. */
  readonly path: string;
  readonly parent: GroupNode | undefined;
  readonly attributes: readonly StoredAttribute[];
  readonly links: ReadonlyMap<string, Link>;
  readonly groups: GroupNode[];
  readonly datasets: DatasetNode[];
}

export interface DatasetNode {
  readonly kind: "dataset";
  readonly path: string;
  readonly name: string;
  readonly attributes: readonly StoredAttribute[];
  readonly stored: StoredDataset;
  /** Reached by another link already, or lying in another file: it defines no dimension here. */
  readonly alias: boolean;
}

export interface Tree {
  readonly file: H5File;
  readonly root: GroupNode;
  /** Paths of all objects by address, for references. */
  readonly paths: ReadonlyMap<number, string>;
  readonly typeNames: TypeNames;
  readonly problems: readonly string[];
  /** Versions of the other files that external links lead to. */
  readonly others: ReadonlySet<string>;
}

const MOST_DEPTH = 128;
const MOST_PROBLEMS = 1000;
/** Objects of a group read at the same time. */
const PARALLEL = 32;

interface Walk {
  readonly file: H5File;
  readonly call: IoCall | undefined;
  readonly objects: Map<number, GroupNode | DatasetNode>;
  readonly paths: Map<number, string>;
  readonly typeNames: Map<string, string>;
  readonly problems: string[];
  readonly others: Set<string>;
}

/** Everything that a file's links lead to. What is broken is left out and named; only the root must be readable. */
export async function readTree(file: H5File, call?: IoCall): Promise<Tree> {
  const found = { objects: new Map(), paths: new Map(), typeNames: new Map(), problems: [], others: new Set<string>() };
  const walk: Walk = { file, call, ...found };
  const header = await readObjectHeader(file, file.superblock.root);
  if (!isGroup(header)) throw badSource(file.url, file.offset(header.address), "the root is not a group");
  const root = await readGroup(walk, header, "", undefined, 0);
  await followLinks(walk, root, root);
  const { paths, typeNames, problems, others } = walk;
  return { file, root, paths, typeNames, problems, others };
}

function note({ problems }: Walk, path: string, reason: string): void {
  if (problems.length < MOST_PROBLEMS) problems.push(`/${path}: ${reason}`);
}

/** Notes what is broken in the file. */
function problem(walk: Walk, path: string, error: unknown): void {
  if (!isSourceFault(error)) throw error;
  note(walk, path, error.message);
}

async function readGroup(
  walk: Walk,
  header: ObjectHeader,
  path: string,
  parent: GroupNode | undefined,
  depth: number,
): Promise<GroupNode> {
  const { file } = walk;
  walk.call?.signal?.throwIfAborted();
  const links = await readLinks(file, header).catch((error) => {
    if (parent === undefined) throw error;
    problem(walk, path, error);
    return [];
  });
  const attributes = await readAttributes(file, header, (error) => problem(walk, path, error));
  const group: GroupNode = { kind: "group", path, parent, attributes, links: byName(links), groups: [], datasets: [] };
  walk.objects.set(header.address, group);
  walk.paths.set(header.address, `/${path}`);

  const below: { header: ObjectHeader; path: string }[] = [];
  for (let i = 0; i < links.length; i += PARALLEL) {
    const batch = links.slice(i, i + PARALLEL);
    const headers = await Promise.all(batch.map((link) => readTarget(walk, group, link)));
    const nodes = await Promise.all(
      batch.map((link, k) => (headers[k] === undefined ? undefined : readLeaf(walk, headers[k], group, link.name))),
    );
    batch.forEach((link, k) => {
      const target = headers[k];
      if (target === undefined) return;
      const node = nodes[k];
      if (node !== undefined) addDataset(walk, group, target.address, node);
      else if (isGroup(target)) below.push({ header: target, path: join(path, link.name) });
    });
  }
  // Datasets of a group come before its groups, as in NetCDF: dimensions are then known before they are used.
  for (const child of below) {
    // A group that links lead to twice is listed once; this also ends cycles.
    if (walk.objects.has(child.header.address)) continue;
    if (depth >= MOST_DEPTH) {
      note(walk, child.path, "groups are nested too deeply");
      continue;
    }
    group.groups.push(await readGroup(walk, child.header, child.path, group, depth + 1));
  }
  return group;
}

function byName(links: readonly Link[]): Map<string, Link> {
  return new Map(links.map((link) => [link.name, link]));
}

function addDataset(walk: Walk, group: GroupNode, address: number, node: DatasetNode): void {
  const alias = walk.objects.has(address);
  if (!alias) {
    walk.objects.set(address, node);
    walk.paths.set(address, `/${node.path}`);
  }
  group.datasets.push(alias ? { ...node, alias } : node);
}

async function readTarget(walk: Walk, group: GroupNode, link: Link): Promise<ObjectHeader | undefined> {
  if (link.kind !== "hard") return undefined;
  try {
    return await readObjectHeader(walk.file, link.address);
  } catch (error) {
    problem(walk, join(group.path, link.name), error);
    return undefined;
  }
}

async function readLeaf(
  walk: Walk,
  header: ObjectHeader,
  group: GroupNode,
  name: string,
): Promise<DatasetNode | undefined> {
  const path = join(group.path, name);
  if (isDataset(header)) return readDatasetNode(walk, walk.file, header, path, name);
  const type = isGroup(header) ? undefined : findMessage(header, MESSAGE.datatype);
  if (type !== undefined) {
    walk.paths.set(header.address, `/${path}`);
    try {
      // A committed datatype. The first of equal ones names them all.
      const key = typeKey(readDatatype(await resolveMessage(walk.file, type)));
      if (!walk.typeNames.has(key)) walk.typeNames.set(key, name);
    } catch (error) {
      problem(walk, path, error);
    }
  }
  return undefined;
}

async function readDatasetNode(
  walk: Walk,
  file: H5File,
  header: ObjectHeader,
  path: string,
  name: string,
): Promise<DatasetNode | undefined> {
  try {
    const stored = await readDataset(file, header);
    const attributes = await readAttributes(file, header, (error) => problem(walk, path, error));
    return { kind: "dataset", path, name, attributes, stored, alias: file !== walk.file };
  } catch (error) {
    problem(walk, path, error);
    return undefined;
  }
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}/${name}`;
}

/** Soft and external links, once all hard ones are known: a dataset appears under their names too. */
async function followLinks(walk: Walk, root: GroupNode, group: GroupNode): Promise<void> {
  for (const link of group.links.values()) {
    const path = join(group.path, link.name);
    if (link.kind === "soft") {
      const target = resolveSoft(walk, root, group, link.path, { left: MOST_SOFT_LINKS });
      if (target === undefined) note(walk, path, `a soft link to ${link.path}, which is not there`);
      if (target?.kind === "dataset") group.datasets.push({ ...target, path, name: link.name, alias: true });
    } else if (link.kind === "external") {
      const node = await readExternal(walk, path, link).catch((error) => problem(walk, path, error));
      if (node !== undefined) group.datasets.push(node);
    } else if (link.kind === "other") {
      note(walk, path, `a link of user-defined type ${link.type}`);
    }
  }
  for (const child of group.groups) await followLinks(walk, root, child);
}

/** Soft links on the way to one object, all together, as HDF5 counts them: nested ones would multiply. */
const MOST_SOFT_LINKS = 16;

function resolveSoft(
  walk: Walk,
  root: GroupNode,
  from: GroupNode,
  path: string,
  budget: { left: number },
): GroupNode | DatasetNode | undefined {
  if (--budget.left < 0) return undefined;
  let node: GroupNode | DatasetNode | undefined = path.startsWith("/") ? root : from;
  for (const part of pathParts(path)) {
    if (node?.kind !== "group") return undefined;
    const link: Link | undefined = node.links.get(part);
    if (link?.kind === "hard") node = walk.objects.get(link.address);
    else if (link?.kind === "soft") node = resolveSoft(walk, root, node, link.path, budget);
    else return undefined;
  }
  return node;
}

async function readExternal(
  walk: Walk,
  path: string,
  link: Extract<Link, { kind: "external" }>,
): Promise<DatasetNode | undefined> {
  const refuse = (why: string): undefined => {
    note(walk, path, `an external link to ${link.path} of ${link.file}, which ${why}`);
  };
  const file = await openBeside(walk.file, link.file);
  if (file === undefined) return refuse("is not there or not allowed");
  walk.others.add(sourceVersion(file.url, file.reader.info));
  const header = await findObject(file, link.path);
  if (header === undefined) return refuse("has no such object");
  if (!isDataset(header)) return refuse("is not a dataset");
  return readDatasetNode(walk, file, header, path, path.slice(path.lastIndexOf("/") + 1));
}
