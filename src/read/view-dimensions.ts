import type { Dataset, Variable } from "../core/array.ts";
import { type Axis, axisOf, dimensionPath } from "../core/axes.ts";
import { isFloat } from "../core/dtype.ts";
import { all, type DimSelection, slice } from "../core/selection.ts";
import { compareInstants, parseTime, type TimeUnits } from "../core/time.ts";
import type { View } from "../core/view.ts";
import { GyreError } from "../errors.ts";
import { timeTexts, timeUnitsOf } from "./cf/times.ts";
import { type DecodedBlock, decodeCf } from "./cf.ts";
import { resolveLabels } from "./labels.ts";
import type { ReadValues } from "./view.ts";

/** What a view keeps of one dimension. */
export interface DimensionView {
  readonly selection: DimSelection;
  /** Degrees to add to a longitude axis, by position in the selection, so that it runs on across the date line. */
  readonly shift?: { readonly variable: string; readonly offsets: Float64Array };
}

/** Coordinates longer than this are not searched. */
const LONGEST_AXIS = 10_000_000;
/** A metre on the ground: what single precision does to a longitude. */
const TOLERANCE = 1e-5;

/** The dimensions that a view's box and time cut, by path. Throws BadRequest when nothing is left. */
export async function viewedDimensions(
  dataset: Dataset,
  view: View,
  readValues: ReadValues,
): Promise<ReadonlyMap<string, DimensionView>> {
  const found = new Map<string, DimensionView>();
  const keep = (path: string, indices: Int32Array, shift?: DimensionView["shift"]): void => {
    const before = found.get(path);
    const both = before === undefined ? indices : intersection(before.selection, indices);
    if (both.length === 0) throw new GyreError("BadRequest", `the view keeps nothing of ${path}`, { subject: path });
    found.set(path, { selection: asSelection(both), ...(shift === undefined ? {} : { shift }) });
  };

  if (view.time !== undefined) {
    for (const axis of axes(dataset, "time")) {
      keep(pathOf(dataset, axis), await within(axis, view.time, readValues));
    }
  }
  if (view.bbox !== undefined) {
    const [west, south, east, north] = view.bbox;
    for (const axis of axes(dataset, "latitude")) {
      const values = await readDegrees(axis, readValues);
      keep(
        pathOf(dataset, axis),
        where(values, (v) => v >= south - TOLERANCE && v <= north + TOLERANCE),
      );
    }
    for (const axis of axes(dataset, "longitude")) {
      const values = await readDegrees(axis, readValues);
      const path = pathOf(dataset, axis);
      const box = eastward(values, west, east);
      // Along a dimension that latitude shares (an unstructured grid) there is no order to keep.
      const isOwn = !found.has(path) && axis.spec.dims[0] === baseName(axis.name);
      const { indices, offsets } = isOwn ? inOrder(box, values) : { indices: box.indices, offsets: undefined };
      const canShift = offsets !== undefined && isFloat(axis.spec.dtype) && !axis.spec.attrs.has("scale_factor");
      keep(path, indices, canShift ? { variable: axis.name, offsets } : undefined);
    }
  }
  for (const [path, { selection }] of found) if (isWhole(dataset, path, selection)) found.delete(path);
  return found;
}

/** One-dimensional coordinates of one kind; a coordinate variable is preferred to others along its dimension. */
function axes(dataset: Dataset, kind: Axis): Variable[] {
  const byDimension = new Map<string, Variable>();
  for (const variable of dataset.variables.values()) {
    if (variable.spec.dims.length !== 1 || axisOf(variable) !== kind) continue;
    const path = pathOf(dataset, variable);
    const isCoordinate = variable.spec.dims[0] === baseName(variable.name);
    if (isCoordinate || !byDimension.has(path)) byDimension.set(path, variable);
  }
  if (byDimension.size === 0) {
    throw new GyreError("BadRequest", `this dataset has no one-dimensional ${kind} to cut by`, {
      subject: kind === "time" ? "time" : "bbox",
    });
  }
  return [...byDimension.values()];
}

function pathOf(dataset: Dataset, axis: Variable): string {
  return dimensionPath(dataset, axis.name, axis.spec.dims[0] as string);
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The axis' values in the meaning of its attributes: unpacked, and with what is missing marked so. */
async function readAxis(axis: Variable, readValues: ReadValues): Promise<DecodedBlock> {
  const size = axis.spec.shape[0] as number;
  if (size > LONGEST_AXIS) {
    throw new GyreError("TooLarge", `${axis.name} has ${size} entries; axes up to ${LONGEST_AXIS} are searched`);
  }
  const block = await readValues(axis, all(axis.spec.shape));
  if (!ArrayBuffer.isView(block.data)) throw new GyreError("BadRequest", `${axis.name} holds no numbers`);
  return decodeCf(block, axis.spec, { validRange: false });
}

async function readDegrees(axis: Variable, readValues: ReadValues): Promise<Float64Array> {
  const { data, mask } = await readAxis(axis, readValues);
  const values = Float64Array.from(data as Float64Array, Number);
  if (mask !== undefined) for (let i = 0; i < mask.length; i++) if (mask[i] === 1) values[i] = Number.NaN;
  return values;
}

/** Positions whose time lies in the closed interval. */
async function within(
  axis: Variable,
  [first, last]: readonly [string, string],
  readValues: ReadValues,
): Promise<Int32Array> {
  const time = timeUnitsOf(axis.spec);
  if (time === undefined) throw new GyreError("BadRequest", `${axis.name} does not say what it counts time from`);
  const { start } = parseTime(first, time.calendar);
  const { end } = parseTime(last, time.calendar);
  if (compareInstants(start, end) >= 0)
    throw new GyreError("BadRequest", `time=${first}~${last} ends before it starts`);
  const block = await readAxis(axis, readValues);
  const indices = Int32Array.from(
    asIndices(resolveLabels({ name: axis.name, block, time }, { from: first, to: last })),
  );
  if (indices.length > 0) return indices;
  const size = block.shape[0] as number;
  const ends = [0, size - 1].filter((i) => i >= 0).map((i) => textAt(block, i, time));
  throw new GyreError(
    "BadRequest",
    `time=${first}~${last} holds no step of ${axis.name}, which runs from ${ends.join(" to ") || "nothing"}`,
    { subject: "time" },
  );
}

function textAt({ dtype, data, mask }: DecodedBlock, i: number, time: TimeUnits): string {
  const one = { dtype, shape: [1], data: (data as Float64Array).slice(i, i + 1) };
  const [text] = timeTexts(mask === undefined ? one : { ...one, mask: mask.slice(i, i + 1) }, time);
  return text ?? "nothing";
}

interface Eastward {
  readonly indices: Int32Array;
  /** Degrees east of the box's western edge, by entry of `indices`. */
  readonly fromWest: Float64Array;
  readonly west: number;
}

/** Longitudes from `west` eastward to `east`, whatever turn they are written in. */
function eastward(values: Float64Array, west: number, east: number): Eastward {
  const span = east < west ? east - west + 360 : east - west;
  const distance = (value: number): number => {
    const turned = (((value - west) % 360) + 360) % 360;
    return turned > 360 - TOLERANCE ? turned - 360 : turned;
  };
  const indices = where(values, (value) => span >= 360 || distance(value) <= span + TOLERANCE);
  return { indices, fromWest: Float64Array.from(indices, (i) => distance(values[i]!)), west };
}

/**
 * Entries as they follow each other on the ground. Where the axis is written in another turn on both sides of a seam,
 * they come in the axis' own direction and `offsets` says how many degrees bring them into one turn. A box that keeps
 * every entry leaves the axis as it is.
 */
function inOrder(box: Eastward, values: Float64Array): { indices: Int32Array; offsets?: Float64Array } {
  const turn = (i: number): number => Math.round((box.west + box.fromWest[i]! - values[box.indices[i]!]!) / 360);
  const first = box.indices.length > 0 ? turn(0) : 0;
  const isRound = box.indices.length === values.length;
  if (isRound || box.indices.every((_, i) => turn(i) === first)) return { indices: box.indices };
  const isDescending = values.length > 1 && values[1]! < values[0]!;
  const order = Array.from(box.indices.keys()).sort((a, b) => box.fromWest[a]! - box.fromWest[b]!);
  if (isDescending) order.reverse();
  return {
    indices: Int32Array.from(order, (i) => box.indices[i]!),
    offsets: Float64Array.from(order, (i) => turn(i) * 360),
  };
}

function where<T>(values: ArrayLike<T>, test: (value: T) => boolean): Int32Array {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) if (test(values[i] as T)) found.push(i);
  return Int32Array.from(found);
}

/** Both selections of one dimension, in the order of the second. */
function intersection(before: DimSelection, indices: Int32Array): Int32Array {
  const kept = new Set(asIndices(before));
  return indices.filter((i) => kept.has(i));
}

function* asIndices(selection: DimSelection): Generator<number> {
  if (typeof selection === "number") yield selection;
  else if ("start" in selection) for (let i = selection.start; i < selection.stop; i += selection.step) yield i;
  else yield* selection;
}

/** A slice where the indices follow each other. */
function asSelection(indices: Int32Array): DimSelection {
  const first = indices[0]!;
  for (let i = 1; i < indices.length; i++) if (indices[i] !== first + i) return Array.from(indices);
  return slice(first, first + indices.length);
}

function isWhole(dataset: Dataset, path: string, selection: DimSelection): boolean {
  const at = path.lastIndexOf("/");
  const group = at < 0 ? dataset : dataset.groups.get(path.slice(0, at));
  const size = group?.dimensions.get(path.slice(at + 1))?.size;
  return typeof selection === "object" && "start" in selection && selection.start === 0 && selection.stop === size;
}
