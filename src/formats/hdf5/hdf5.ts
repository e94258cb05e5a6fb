import type { Attr, Attrs, Dataset, Group, IoCall, Variable } from "../../core/array.ts";
import { isSourceFault } from "../../errors.ts";
import type { Format, FormatContext } from "../format.ts";
import { digest, sourceVersion } from "../version.ts";
import { type AttributeContext, attributeValue } from "./attribute-values.ts";
import type { StoredAttribute } from "./attributes.ts";
import { type H5File, openNamedFile } from "./file.ts";
import { isHidden, type NetcdfLayer, type NetcdfVariable, readNetcdf } from "./netcdf4.ts";
import { findSignature } from "./superblock.ts";
import { type GroupNode, readTree, type Tree } from "./tree.ts";
import { makeVariable } from "./variable.ts";

/** Variables made at the same time. */
const PARALLEL = 64;

/** HDF5 (File Format Specification 3.0 and 4.0) and NetCDF-4, which is HDF5 with conventions for dimensions. */
export const hdf5: Format = {
  name: "hdf5",
  summary: "HDF5 and NetCDF-4: every chunk index and datatype, filters, external links and virtual datasets",
  suffixes: [".nc", ".nc4", ".h5", ".hdf5", ".he5", ".hdf", ".cdf", ".mat"],
  sniff: ({ head }) => findSignature(head) !== undefined,
  open: openHdf5,
};

async function openHdf5(url: URL, { files, codecs, head }: FormatContext, call?: IoCall): Promise<Dataset> {
  const file = await openNamedFile({ files, codecs }, url, { head, ...call });
  return file.during(() => describe(file, call));
}

async function describe(file: H5File, call?: IoCall): Promise<Dataset> {
  const tree = await readTree(file, call);
  const context = contextOf(tree);
  const layer = await readNetcdf(tree, context);
  const problems = [...tree.problems];
  const variables = new Map<string, Variable>();
  for (let i = 0; i < layer.variables.length; i += PARALLEL) {
    call?.signal?.throwIfAborted();
    const batch = layer.variables.slice(i, i + PARALLEL);
    const made = await Promise.all(batch.map((variable) => make(variable, layer, context, problems)));
    for (const variable of made) if (variable !== undefined) variables.set(variable.name, variable);
  }
  const groups = new Map<string, Group>();
  await addGroups(tree.root, layer, context, groups, problems);
  const root = groups.get("")!;
  groups.delete("");
  return {
    format: layer.netcdf ? "netcdf4" : "hdf5",
    version: versionOf(tree),
    ...root,
    groups,
    variables,
    ...(tree.others.size === 0 ? {} : { hasOthers: true }),
    ...(problems.length === 0 ? {} : { problems }),
  };
}

/** Of all files that its variables lie in, as far as they have been looked at. */
function versionOf({ file, others }: Tree): string {
  const own = sourceVersion(file.url, file.reader.info);
  return others.size === 0 ? own : digest([own, ...[...others].sort()]);
}

/** Apart, so that what variables keep of the file is this and not all of its tree. */
function contextOf({ file, typeNames, paths }: Tree): AttributeContext {
  return { file, typeNames, pathOf: (address) => paths.get(address) };
}

/** Undefined, with a problem: one broken variable does not stop the others. */
async function make(
  { node, path, dims, shape }: NetcdfVariable,
  layer: NetcdfLayer,
  context: AttributeContext,
  problems: string[],
): Promise<Variable | undefined> {
  const { stored, attributes } = node;
  try {
    // Addresses and type names mean something in the file that they are written in.
    const own: AttributeContext =
      stored.file === context.file ? context : { file: stored.file, typeNames: new Map(), pathOf: () => undefined };
    const attrs = await attrsOf(attributes, path, layer, own, problems);
    return await makeVariable(stored, { ...own, name: path, dims, shape, attrs });
  } catch (error) {
    note(problems, path, error);
    return undefined;
  }
}

async function addGroups(
  group: GroupNode,
  layer: NetcdfLayer,
  context: AttributeContext,
  into: Map<string, Group>,
  problems: string[],
): Promise<void> {
  const attrs = await attrsOf(group.attributes, group.path, layer, context, problems);
  into.set(group.path, { attrs, dimensions: layer.dimensions.get(group)! });
  for (const child of group.groups) await addGroups(child, layer, context, into, problems);
}

async function attrsOf(
  attributes: readonly StoredAttribute[],
  path: string,
  layer: NetcdfLayer,
  context: AttributeContext,
  problems: string[],
): Promise<Attrs> {
  const attrs = new Map<string, Attr>();
  for (const attribute of attributes) {
    if (layer.netcdf && isHidden(attribute.name)) continue;
    try {
      attrs.set(attribute.name, await attributeValue(context, attribute));
    } catch (error) {
      note(problems, `${path}@${attribute.name}`, error);
    }
  }
  return attrs;
}

function note(problems: string[], path: string, error: unknown): void {
  if (!isSourceFault(error)) throw error;
  problems.push(`/${path}: ${error.message}`);
}
