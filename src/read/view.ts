import { createHash } from "node:crypto";
import {
  type Block,
  type Dataset,
  type Dimension,
  type Group,
  type IoCall,
  product,
  strides,
  type Variable,
} from "../core/array.ts";
import { coordinateNames, dimensionPath, referencesOf } from "../core/axes.ts";
import { isFloat, itemSize } from "../core/dtype.ts";
import {
  all,
  type DimSelection,
  isSlice,
  type Selection,
  selectedIndex,
  selectionCount,
  slice,
} from "../core/selection.ts";
import { canonicalView, type Rounding, type View } from "../core/view.ts";
import { GyreError } from "../errors.ts";
import { canRound, roundValues } from "./rounding.ts";
import { VARIABLE_ITEM_BYTES } from "./stream.ts";
import { type DimensionView, viewedDimensions } from "./view-dimensions.ts";

/** Reads decoded values of a selection that is already inside the variable. */
export type ReadValues = (variable: Variable, selection: Selection, call?: IoCall) => Promise<Block>;

/** Largest chunk, decoded, that a view may ask for. */
const CHUNK_BYTES = 64 * 1024 * 1024;
const VIEWS_KEPT = 32;

/** Applies views, and keeps the latest of each dataset: every chunk of a view asks for the same one again. */
export function createViews(
  readValues: (dataset: Dataset) => ReadValues,
): (dataset: Dataset, view: View) => Promise<Dataset> {
  const kept = new WeakMap<Dataset, Map<string, Promise<Dataset>>>();
  return (dataset, view) => {
    let views = kept.get(dataset);
    if (views === undefined) kept.set(dataset, (views = new Map()));
    const key = canonicalView(view);
    const known = views.get(key);
    if (known !== undefined) return known;
    const made = applyView(dataset, view, readValues(dataset));
    made.catch(() => views.delete(key));
    views.set(key, made);
    if (views.size > VIEWS_KEPT) views.delete(views.keys().next().value as string);
    return made;
  };
}

/** The dataset as a view shows it. Variables that the view does not touch stay the very same objects. */
async function applyView(dataset: Dataset, view: View, readValues: ReadValues): Promise<Dataset> {
  const kept = keptVariables(dataset, view);
  checkNames(dataset, view, kept);
  const dimensions = await viewedDimensions(dataset, view, readValues);
  const coordinates = coordinateNames(dataset);
  const variables = new Map<string, Variable>();
  for (const [name, variable] of dataset.variables) {
    if (!kept.has(name)) continue;
    const rounding = view.roundings?.get(name) ?? (coordinates.has(name) ? undefined : view.rounding);
    variables.set(name, viewedVariable(dataset, variable, view, dimensions, rounding, readValues));
  }
  const groups = [...dataset.groups].map(
    ([path, group]) => [path, viewedGroup(group, `${path}/`, dimensions)] as const,
  );
  return {
    ...dataset,
    ...viewedGroup(dataset, "", dimensions),
    version: createHash("sha256")
      .update(`${dataset.version} ${canonicalView(view)}`)
      .digest("hex")
      .slice(0, 32),
    groups: new Map(groups),
    variables,
  };
}

/** The variables asked for, with the coordinates, bounds and grid mappings that give them meaning. */
function keptVariables(dataset: Dataset, { vars }: View): ReadonlySet<string> {
  if (vars === undefined) return new Set(dataset.variables.keys());
  const kept = new Set<string>();
  const keep = (name: string): void => {
    const variable = dataset.variables.get(name);
    if (variable === undefined || kept.has(name)) return;
    kept.add(name);
    for (const other of referencesOf(dataset, variable)) keep(other);
  };
  for (const name of vars) {
    if (!dataset.variables.has(name)) throw unknown("variable", name, dataset.variables.keys());
    keep(name);
  }
  return kept;
}

function checkNames(dataset: Dataset, view: View, kept: ReadonlySet<string>): void {
  const dims = new Set([...kept].flatMap((name) => dataset.variables.get(name)!.spec.dims));
  for (const name of view.chunks?.keys() ?? []) if (!dims.has(name)) throw unknown("dimension", name, dims);
  for (const [name, { kind, value }] of view.roundings ?? []) {
    const variable = dataset.variables.get(name);
    if (variable === undefined || !kept.has(name)) throw unknown("variable", name, kept);
    if (!canRound(variable)) throw bad(name, `${kind}.${name}=${value}: ${name} is not of a floating-point type`);
  }
}

function viewedGroup(group: Group, prefix: string, views: ReadonlyMap<string, DimensionView>): Group {
  const dimensions = new Map<string, Dimension>();
  for (const [name, dimension] of group.dimensions) {
    const seen = views.get(prefix + name);
    dimensions.set(name, seen === undefined ? dimension : { ...dimension, size: selectionCount(seen.selection) });
  }
  return { attrs: group.attrs, dimensions };
}

function viewedVariable(
  dataset: Dataset,
  variable: Variable,
  view: View,
  views: ReadonlyMap<string, DimensionView>,
  rounding: Rounding | undefined,
  readValues: ReadValues,
): Variable {
  const { spec, name } = variable;
  const seen = spec.dims.map((dim) => views.get(dimensionPath(dataset, name, dim)));
  const selections = all(spec.shape).map((whole, i): DimSelection => seen[i]?.selection ?? whole);
  const shape = selections.map(selectionCount);
  const chunks = spec.chunks.map((n, i) =>
    Math.max(1, Math.min(view.chunks?.get(spec.dims[i] ?? "") ?? n, Math.max(shape[i]!, 1))),
  );
  const isCut = seen.some((s) => s !== undefined);
  const isRegridded = chunks.some((n, i) => n !== Math.min(spec.chunks[i]!, Math.max(shape[i]!, 1)));
  const rounds = rounding !== undefined && canRound(variable) ? rounding : undefined;
  if (!isCut && !isRegridded && rounds === undefined) return variable;
  const bytes = product(chunks) * (itemSize(spec.dtype) ?? VARIABLE_ITEM_BYTES);
  if (bytes > CHUNK_BYTES) {
    throw bad(
      "chunks",
      `chunks of ${chunks.join(" x ")} of ${name} take ${bytes} bytes; at most ${CHUNK_BYTES} are made`,
    );
  }
  const shift = isFloat(spec.dtype) ? shiftOf(dataset, variable, seen) : undefined;
  return {
    name,
    spec: { ...spec, shape, chunks },
    mutable: variable.mutable ?? false,
    locate: () => Promise.resolve(undefined),
    async read(selection, call) {
      const composed = selection.map((s, i) => compose(selections[i]!, s));
      const block = await readValues(variable, composed, call);
      if (shift === undefined && rounds === undefined) return block;
      // A cache may hold the block too.
      const data = (block.data as Float64Array).slice();
      if (shift !== undefined) addShift(data, shift.offsets, selection, shift.dim);
      if (rounds !== undefined) roundValues(data, variable, rounds);
      return { ...block, data };
    },
  };
}

interface Shift {
  readonly dim: number;
  readonly offsets: Float64Array;
}

/** Only the longitude itself and its bounds move by whole turns; what else lies along it keeps its values. */
function shiftOf(
  dataset: Dataset,
  variable: Variable,
  seen: readonly (DimensionView | undefined)[],
): Shift | undefined {
  for (const [dim, view] of seen.entries()) {
    if (view?.shift === undefined) continue;
    const axis = dataset.variables.get(view.shift.variable)!;
    const isAxis = axis === variable || referencesOf(dataset, axis).includes(variable.name);
    if (isAxis) return { dim, offsets: view.shift.offsets };
  }
  return undefined;
}

function addShift(values: Float64Array, offsets: Float64Array, selection: Selection, dim: number): void {
  const counts = selection.map(selectionCount);
  const inner = strides(counts)[dim]!;
  const count = counts[dim]!;
  for (let i = 0; i < values.length; i++) {
    values[i] = values[i]! + offsets[selectedIndex(selection[dim]!, Math.floor(i / inner) % count)]!;
  }
}

/** `inner` taken from what `outer` selects, as one selection of the source. */
function compose(outer: DimSelection, inner: DimSelection): DimSelection {
  if (typeof inner === "number") return selectedIndex(outer, inner);
  if (isSlice(outer) && isSlice(inner)) {
    return slice(
      outer.start + inner.start * outer.step,
      outer.start + inner.stop * outer.step,
      outer.step * inner.step,
    );
  }
  return Array.from({ length: selectionCount(inner) }, (_, i) => selectedIndex(outer, selectedIndex(inner, i)));
}

function unknown(kind: string, name: string, known: Iterable<string>): GyreError {
  const allowed = [...known].slice(0, 100);
  return new GyreError("BadRequest", `there is no ${kind} ${name} here; there are ${allowed.join(", ")}`, {
    subject: name,
    allowed,
  });
}

function bad(subject: string, message: string): GyreError {
  return new GyreError("BadRequest", message, { subject });
}
