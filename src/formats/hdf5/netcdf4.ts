import type { Dimension } from "../../core/array.ts";
import { isGyreError } from "../../errors.ts";
import { type AttributeContext, readValues } from "./attribute-values.ts";
import type { StoredAttribute } from "./attributes.ts";
import type { DatasetNode, GroupNode, Tree } from "./tree.ts";
import { shapeOf } from "./variable.ts";

/** What the NetCDF-4 layer makes of a tree: dimensions of groups, and dimensions and names of its variables. */
export interface NetcdfLayer {
  /** False for HDF5 files without any mark of NetCDF-4: dimensions are then all made up. */
  readonly netcdf: boolean;
  readonly dimensions: ReadonlyMap<GroupNode, ReadonlyMap<string, Dimension>>;
  /** Datasets that only stand for a dimension are not among them. */
  readonly variables: readonly NetcdfVariable[];
}

export interface NetcdfVariable {
  readonly node: DatasetNode;
  readonly path: string;
  readonly dims: readonly string[];
  readonly shape: readonly number[];
}

/** A dimension while the layer is built: unlimited ones grow to their longest variable. */
interface Dim {
  readonly name: string;
  readonly group: GroupNode;
  readonly unlimited: boolean;
  size: number;
}

interface Scale {
  readonly dim: Dim;
  readonly id: number;
  readonly onlyDimension: boolean;
}

interface Layer {
  readonly context: AttributeContext;
  readonly dims: Map<GroupNode, Dim[]>;
  /** By NetCDF's dimension ID, and by the path of the scale. */
  readonly byId: Map<number, Dim>;
  readonly byPath: Map<string, Dim>;
  readonly scales: Map<DatasetNode, Scale>;
  nextId: number;
}

const NOT_A_VARIABLE = "This is a netCDF dimension but not a netCDF variable";
const NON_COORDINATE = "_nc4_non_coord_";
const MARKS = ["_NCProperties", "_nc3_strict"];
const VARIABLE_MARKS = ["_Netcdf4Dimid", "_Netcdf4Coordinates", "DIMENSION_LIST"];

/** Attributes that NetCDF keeps to itself: those that netCDF-C reserves. */
const HIDDEN: ReadonlySet<string> = new Set([
  "CLASS",
  "DIMENSION_LIST",
  "NAME",
  "REFERENCE_LIST",
  "_Format",
  "_IsNetcdf4",
  "_NCProperties",
  "_Netcdf4Coordinates",
  "_Netcdf4Dimid",
  "_SuperblockVersion",
  "_nc3_strict",
]);

export function isHidden(name: string): boolean {
  return HIDDEN.has(name);
}

/** NetCDF-4's rules for HDF5 files (netCDF-C, `hdf5open.c`): dimension scales are dimensions, others are invented. */
export async function readNetcdf(tree: Tree, context: AttributeContext): Promise<NetcdfLayer> {
  const layer: Layer = { context, dims: new Map(), byId: new Map(), byPath: new Map(), scales: new Map(), nextId: 0 };
  const groups = [...walkGroups(tree.root)];
  for (const group of groups) {
    layer.dims.set(group, []);
    for (const node of group.datasets) await addScale(layer, group, node);
  }
  const named = new Map<DatasetNode, readonly (Dim | undefined)[]>();
  for (const group of groups) {
    for (const node of group.datasets) named.set(node, await knownDims(layer, group, node));
  }
  growUnlimited(named);
  // Children first: the order in which netCDF-C numbers the dimensions that it invents.
  const complete = new Map<DatasetNode, readonly Dim[]>();
  for (const group of childrenFirst(tree.root)) {
    const alike = alikeIn(layer.dims.get(group)!);
    for (const node of group.datasets) complete.set(node, inventDims(layer, group, node, named.get(node)!, alike));
  }
  const variables = groups.flatMap((group) => variablesOf(layer, group, complete));
  const dimensions = new Map(
    groups.map((group) => [
      group,
      new Map(layer.dims.get(group)!.map(({ name, size, unlimited }) => [name, { size, unlimited }])),
    ]),
  );
  return { netcdf: isNetcdf(tree.root, groups, layer), dimensions, variables };
}

function* walkGroups(group: GroupNode): Generator<GroupNode> {
  yield group;
  for (const child of group.groups) yield* walkGroups(child);
}

function* childrenFirst(group: GroupNode): Generator<GroupNode> {
  for (const child of group.groups) yield* childrenFirst(child);
  yield group;
}

function isNetcdf(root: GroupNode, groups: readonly GroupNode[], layer: Layer): boolean {
  return (
    layer.scales.size > 0 ||
    MARKS.some((name) => attribute(root, name) !== undefined) ||
    groups.some(({ datasets }) => datasets.some((node) => VARIABLE_MARKS.some((name) => attribute(node, name))))
  );
}

function attribute(node: GroupNode | DatasetNode, name: string): StoredAttribute | undefined {
  return node.attributes.find((candidate) => candidate.name === name);
}

/** An attribute's values, where it is there and has them. */
async function values(layer: Layer, node: DatasetNode, name: string): Promise<readonly unknown[]> {
  const found = attribute(node, name);
  if (found === undefined) return [];
  try {
    return await readValues(layer.context, found.type, found.data);
  } catch (error) {
    if (isGyreError(error, "BadSource", "TooLarge")) return [];
    throw error;
  }
}

/** A dimension scale (HDF5 Dimension Scale Specification, 3) defines a dimension of its group. */
async function addScale(layer: Layer, group: GroupNode, node: DatasetNode): Promise<void> {
  const { space } = node.stored;
  const [mark] = await values(layer, node, "CLASS");
  if (mark !== "DIMENSION_SCALE" || node.alias || space.shape.length === 0) return;
  const [id] = await values(layer, node, "_Netcdf4Dimid");
  const [name] = await values(layer, node, "NAME");
  const onlyDimension = typeof name === "string" && name.startsWith(NOT_A_VARIABLE);
  const unlimited = space.limits[0] === Number.POSITIVE_INFINITY;
  // What a dimension without a variable stores is nothing but its length; unlimited ones have that of their users.
  const dim: Dim = { name: node.name, group, unlimited, size: space.shape[0]! };
  if (onlyDimension && unlimited) dim.size = 0;
  const given = typeof id === "number" && id >= 0 ? id : layer.nextId;
  layer.nextId = Math.max(layer.nextId, given + 1);
  layer.byId.set(given, dim);
  layer.byPath.set(`/${node.path}`, dim);
  layer.dims.get(group)!.push(dim);
  layer.scales.set(node, { dim, id: given, onlyDimension });
}

/** Dimensions that a dataset says it has; undefined where it says nothing that fits. */
async function knownDims(layer: Layer, group: GroupNode, node: DatasetNode): Promise<(Dim | undefined)[]> {
  const { shape, limits } = node.stored.space;
  const fits = (dim: Dim | undefined, d: number): Dim | undefined =>
    dim !== undefined && (dim.size === shape[d] || (dim.unlimited && limits[d] === Number.POSITIVE_INFINITY))
      ? dim
      : undefined;
  // References in another file mean objects of that one.
  if (node.stored.file !== layer.context.file) return shape.map(() => undefined);
  const scale = layer.scales.get(node);
  if (scale !== undefined && shape.length === 1) return [scale.dim];
  const ids = await values(layer, node, "_Netcdf4Coordinates");
  if (ids.length === shape.length && shape.length > 0) {
    return ids.map((id, d) => fits(inScope(layer.byId.get(Number(id)), group), d));
  }
  const own = shape.map((_, d) => (d === 0 ? scale?.dim : undefined));
  if (scale !== undefined) return own;
  const lists = await values(layer, node, "DIMENSION_LIST");
  return shape.map((_, d) => {
    const list = lists[d];
    const path = Array.isArray(list) ? list[0] : undefined;
    return fits(typeof path === "string" ? inScope(layer.byPath.get(path), group) : undefined, d);
  });
}

/** The dimension when it belongs to this group or one above it. */
function inScope(dim: Dim | undefined, group: GroupNode): Dim | undefined {
  for (let g: GroupNode | undefined = group; g !== undefined; g = g.parent) if (dim?.group === g) return dim;
  return undefined;
}

/** An unlimited dimension is as long as its longest variable; what others lack reads as fill. */
function growUnlimited(named: ReadonlyMap<DatasetNode, readonly (Dim | undefined)[]>): void {
  for (const [node, dims] of named) {
    dims.forEach((dim, d) => {
      if (dim?.unlimited) dim.size = Math.max(dim.size, node.stored.space.shape[d]!);
    });
  }
}

/**
 * Dimensions without a name get one: the first of the group that is as long (and as unlimited) and that this variable
 * does not have yet, else a new `phony_dim_N`.
 */
function inventDims(
  layer: Layer,
  group: GroupNode,
  node: DatasetNode,
  known: readonly (Dim | undefined)[],
  alike: Alike,
): Dim[] {
  const dims: Dim[] = [];
  shapeOf(node.stored).forEach((size, d) => {
    const unlimited = node.stored.space.limits[d] === Number.POSITIVE_INFINITY;
    const fitting = alike.get(`${size} ${unlimited}`)?.find((dim) => !dims.includes(dim));
    dims.push(known[d] ?? fitting ?? phony(layer, group, size, unlimited, alike));
  });
  return dims;
}

function phony(layer: Layer, group: GroupNode, size: number, unlimited: boolean, alike: Alike): Dim {
  const id = layer.nextId++;
  const dim: Dim = { name: `phony_dim_${id}`, group, unlimited, size };
  layer.byId.set(id, dim);
  layer.dims.get(group)!.push(dim);
  addAlike(alike, dim);
  return dim;
}

/** A group's dimensions by size and whether they are unlimited: there can be thousands of invented ones. */
type Alike = Map<string, Dim[]>;

function alikeIn(dims: readonly Dim[]): Alike {
  const alike: Alike = new Map();
  for (const dim of dims) addAlike(alike, dim);
  return alike;
}

function addAlike(alike: Alike, dim: Dim): void {
  const key = `${dim.size} ${dim.unlimited}`;
  const list = alike.get(key);
  if (list === undefined) alike.set(key, [dim]);
  else list.push(dim);
}

/** Dimensions by the name that finds them from a group: those of nearer groups hide those of farther ones. */
function visibleFrom(layer: Layer, group: GroupNode): Map<string, Dim> {
  const visible = group.parent === undefined ? new Map<string, Dim>() : visibleFrom(layer, group.parent);
  for (const dim of layer.dims.get(group)!) visible.set(dim.name, dim);
  return visible;
}

/** A dimension that a nearer one hides is called by its path, as in CDL. */
function nameIn({ group, name }: Dim, visible: ReadonlyMap<string, Dim>): string {
  return visible.get(name)?.group === group ? name : `${group.path === "" ? "" : `/${group.path}`}/${name}`;
}

function variablesOf(
  layer: Layer,
  group: GroupNode,
  complete: ReadonlyMap<DatasetNode, readonly Dim[]>,
): NetcdfVariable[] {
  const nodes = group.datasets.filter((node) => layer.scales.get(node)?.onlyDimension !== true);
  const names = new Set(nodes.map(({ name }) => name));
  const visible = visibleFrom(layer, group);
  return nodes.map((node) => {
    const dims = complete.get(node)!;
    // A variable named like a dimension that it is not the coordinate of is stored under another name.
    const plain = node.name.startsWith(NON_COORDINATE) ? node.name.slice(NON_COORDINATE.length) : node.name;
    const name = plain === "" || names.has(plain) ? node.name : plain;
    const path = group.path === "" ? name : `${group.path}/${name}`;
    return { node, path, dims: dims.map((dim) => nameIn(dim, visible)), shape: dims.map((dim) => dim.size) };
  });
}
