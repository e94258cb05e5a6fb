import {
  type Block,
  type ChunkRef,
  type Dataset,
  type IoCall,
  product,
  strides,
  type Variable,
} from "../../core/array.ts";
import { forEachLimited } from "../../core/concurrency.ts";
import { entriesPerElement, type NumericType } from "../../core/dtype.ts";
import { filled } from "../../core/fill.ts";
import {
  type DimSelection,
  type Selection,
  type Slice,
  selectedIndex,
  selectionCount,
  selectionShape,
  slice,
} from "../../core/selection.ts";
import { badSource } from "../../errors.ts";
import { copyPicked, sequence } from "../copy.ts";
import type { Segment } from "./axis.ts";
import { conversion } from "./compare.ts";
import type { StackedPlan } from "./draft.ts";
import type { ReadValues, VariableSummary } from "./member.ts";
import { unpacked } from "./unpack.ts";

/** What a stacked variable needs of the cube. */
export interface Members {
  summary(member: number): VariableSummary;
  /** Opened now, with the variable, which is checked to be what the plan knows. */
  open(member: number, call?: IoCall): Promise<{ readonly dataset: Dataset; readonly variable: Variable }>;
  readonly read: ReadValues;
}

/** A variable that runs over members: stored bytes of the members where that is right, else computed values. */
export function stackedVariable(name: string, plan: StackedPlan, members: Members): Variable {
  const locate = (chunk: readonly number[], call?: IoCall): Promise<ChunkRef | undefined> =>
    plan.mode === "raw" ? locateIn(plan, members, chunk, call) : Promise.resolve(undefined);
  const mutable = plan.segments.some(({ member }) => members.summary(member).mutable);
  if (plan.mode === "raw") return { name, spec: plan.spec, mutable, locate };
  return {
    name,
    spec: plan.spec,
    mutable,
    locate,
    read: (selection, call) => readFrom(plan, members, selection, call),
  };
}

async function locateIn(
  plan: StackedPlan,
  members: Members,
  chunk: readonly number[],
  call?: IoCall,
): Promise<ChunkRef | undefined> {
  const { axis, isNew, spec } = plan;
  const length = spec.chunks[axis]!;
  const position = chunk[axis]! * length;
  const segment = segmentAt(plan.segments, position);
  if (segment === undefined || position >= segment.start + segment.count) return undefined;
  const local = (position - segment.start + segment.from) / length;
  const { variable } = await members.open(segment.member, call);
  const ref = await variable.locate(isNew ? chunk.slice(1) : chunk.with(axis, local), call);
  if (ref === undefined) return undefined;
  const shape = ref.shape !== undefined && isNew ? [1, ...ref.shape] : ref.shape;
  const codecs = ref.codecs ?? (variable.spec.codecs === spec.codecs ? undefined : differing(variable, spec.codecs));
  return { ...ref, ...(shape === undefined ? {} : { shape }), ...(codecs === undefined ? {} : { codecs }) };
}

function differing(variable: Variable, usual: Variable["spec"]["codecs"]): Variable["spec"]["codecs"] | undefined {
  return JSON.stringify(variable.spec.codecs) === JSON.stringify(usual) ? undefined : variable.spec.codecs;
}

/** The last segment that begins at or before `position`. */
function segmentAt(segments: readonly Segment[], position: number): Segment | undefined {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (segments[middle]!.start <= position) low = middle + 1;
    else high = middle;
  }
  return segments[low - 1];
}

/** Members read at once: each may hold a chunk or more of its own in memory. */
const MEMBERS_IN_FLIGHT = 4;

async function readFrom(plan: StackedPlan, members: Members, selection: Selection, call?: IoCall): Promise<Block> {
  const { spec, axis } = plan;
  const counts = selection.map(selectionCount);
  const target = filled(spec, product(counts));
  const targetStrides = strides(counts);
  const width = entriesPerElement(spec.dtype);
  const whole = selection.map((s) => (typeof s === "number" ? slice(s, s + 1) : s));
  const hits = hitsOf(plan.segments, selection[axis]!);
  await forEachLimited(hits, MEMBERS_IN_FLIGHT, async ({ segment, from, to }) => {
    call?.signal?.throwIfAborted();
    const local = plan.isNew ? whole.toSpliced(axis, 1) : whole.with(axis, compact(from));
    const block = await readMember(plan, members, segment.member, local, call);
    const shape = counts.with(axis, from.length);
    const sourceStrides = strides(shape);
    const picks = shape.map((n, i) => ({
      from: sequence(0, n),
      to: i === axis ? to : sequence(0, n),
      fromStride: sourceStrides[i]!,
      toStride: targetStrides[i]!,
    }));
    copyPicked(target, block.data, picks, width);
  });
  return { dtype: spec.dtype, shape: selectionShape(selection), data: target };
}

async function readMember(
  plan: StackedPlan,
  members: Members,
  member: number,
  selection: Selection,
  call?: IoCall,
): Promise<Block> {
  const { dataset, variable } = await members.open(member, call);
  const block = await members.read(dataset, variable, selection, call);
  if (plan.mode !== "decoded") return block;
  const reference = members.summary(plan.reference);
  return unpacked(block, variable.spec, plan.spec.dtype as NumericType, conversion(members.summary(member), reference));
}

interface Hit {
  readonly segment: Segment;
  /** Positions within the member. */
  readonly from: Int32Array;
  /** Where they go along the axis of the answer. */
  readonly to: Int32Array;
}

/** Sorts what is selected along the axis by segment; what no segment covers stays fill. */
function hitsOf(segments: readonly Segment[], selection: DimSelection): Hit[] {
  const bySegment = new Map<Segment, { from: number[]; to: number[] }>();
  const count = selectionCount(selection);
  let segment: Segment | undefined;
  for (let i = 0; i < count; i++) {
    const position = selectedIndex(selection, i);
    if (segment === undefined || position < segment.start || position >= segment.start + segment.count) {
      segment = segmentAt(segments, position);
    }
    if (segment === undefined || position >= segment.start + segment.count) continue;
    let hit = bySegment.get(segment);
    if (hit === undefined) bySegment.set(segment, (hit = { from: [], to: [] }));
    hit.from.push(position - segment.start + segment.from);
    hit.to.push(i);
  }
  return [...bySegment].map(([of, { from, to }]) => ({
    segment: of,
    from: Int32Array.from(from),
    to: Int32Array.from(to),
  }));
}

/** A slice where positions are evenly spaced, which members read without a list. */
function compact(positions: Int32Array): Slice | number[] {
  const [first = 0, second = first + 1] = positions;
  const step = second - first;
  if (step <= 0) return [...positions];
  for (let i = 1; i < positions.length; i++) if (positions[i] !== positions[i - 1]! + step) return [...positions];
  return slice(first, positions[positions.length - 1]! + 1, step);
}

/** Throws Conflict-like BadSource when a member is not any more what the cube was planned with. */
export function checkMember(
  variable: Variable | undefined,
  summary: VariableSummary,
  name: string,
  source: string,
): Variable {
  if (variable === undefined) throw badSource(source, undefined, `the cube's member has no variable ${name} any more`);
  const isSame = variable.spec.shape.every((n, i) => n === summary.spec.shape[i]);
  if (!isSame || variable.spec.shape.length !== summary.spec.shape.length) {
    throw badSource(source, undefined, `${name} has another shape than when the cube was put together`);
  }
  return variable;
}
