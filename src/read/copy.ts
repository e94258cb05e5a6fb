import type { Values } from "../core/dtype.ts";

/** `count` positions from `start` on, `step` apart. */
export interface Run {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Positions along one dimension, in the order of the target. */
export type Positions = Run | Int32Array;

/** Along one dimension: which positions of the source go to which positions of the target, and both strides. */
export interface Pick {
  readonly from: Positions;
  readonly to: Positions;
  readonly fromStride: number;
  readonly toStride: number;
}

/** Consecutive positions from `start`. */
export function sequence(start: number, count: number, step = 1): Run {
  return { start, step, count };
}

/** Copies the outer product of `picks` (slowest first); `width` container entries make one element. */
export function copyPicked(target: Values, source: Values, picks: readonly Pick[], width: number): void {
  const dims = joined(picks.map(dimOf));
  if (dims.some(({ count }) => count === 0)) return;
  if (Array.isArray(target)) {
    copyList(target as unknown[], source as readonly unknown[], dims, 0, 0, 0);
  } else {
    copyTyped(target as Uint8Array, source as Uint8Array, dims, width, 0, 0, 0);
  }
}

/** Where `picks` put a whole source of `count` elements as it is: one run of the target, in elements. */
export function wholeRun(picks: readonly Pick[], count: number): number | undefined {
  const dims = joined(picks.map(dimOf));
  const [dim] = dims;
  if (dim === undefined) return count === 1 ? 0 : undefined;
  const { from, to } = dim;
  if (dims.length > 1 || dim.count !== count || from.list !== undefined || to.list !== undefined) return undefined;
  return from.first === 0 && (count === 1 || (from.step === 1 && to.step === 1)) ? to.first : undefined;
}

/** Offsets in elements: `first + i * step`, or `list[i] * step`. */
interface Walk {
  readonly first: number;
  readonly step: number;
  readonly list?: Int32Array;
}

interface Dim {
  readonly count: number;
  readonly from: Walk;
  readonly to: Walk;
}

function dimOf({ from, to, fromStride, toStride }: Pick): Dim {
  const count = from instanceof Int32Array ? from.length : from.count;
  return { count, from: walkOf(from, fromStride), to: walkOf(to, toStride) };
}

function walkOf(positions: Positions, stride: number): Walk {
  if (positions instanceof Int32Array) return { first: 0, step: stride, list: positions };
  return { first: positions.start * stride, step: positions.step * stride };
}

function offset({ first, step, list }: Walk, i: number): number {
  return list === undefined ? first + i * step : list[i]! * step;
}

/** Joins neighbouring dimensions that both sides walk as one, so that the inner copy is one long run. */
function joined(dims: Dim[]): readonly Dim[] {
  for (let i = dims.length - 1; i > 0; i--) {
    const inner = dims[i]!;
    const outer = dims[i - 1]!;
    const from = joinedWalk(outer.from, inner.from, outer.count, inner.count);
    const to = joinedWalk(outer.to, inner.to, outer.count, inner.count);
    if (from !== undefined && to !== undefined) {
      dims.splice(i - 1, 2, { count: outer.count * inner.count, from, to });
    }
  }
  return dims;
}

function joinedWalk(outer: Walk, inner: Walk, outerCount: number, innerCount: number): Walk | undefined {
  if (outer.list !== undefined || inner.list !== undefined) return undefined;
  if (outerCount !== 1 && outer.step !== innerCount * inner.step) return undefined;
  return { first: outer.first + inner.first, step: inner.step };
}

function copyTyped(
  target: Uint8Array,
  source: Uint8Array,
  dims: readonly Dim[],
  width: number,
  depth: number,
  fromBase: number,
  toBase: number,
): void {
  const dim = dims[depth];
  if (dim === undefined) {
    for (let k = 0; k < width; k++) target[toBase * width + k] = source[fromBase * width + k]!;
    return;
  }
  const { count, from, to } = dim;
  if (depth < dims.length - 1) {
    for (let i = 0; i < count; i++) {
      copyTyped(target, source, dims, width, depth + 1, fromBase + offset(from, i), toBase + offset(to, i));
    }
  } else if (from.list === undefined && to.list === undefined && from.step === 1 && to.step === 1) {
    const start = (fromBase + from.first) * width;
    target.set(source.subarray(start, start + count * width), (toBase + to.first) * width);
  } else if (width === 1) {
    for (let i = 0; i < count; i++) target[toBase + offset(to, i)] = source[fromBase + offset(from, i)]!;
  } else {
    for (let i = 0; i < count; i++) {
      const a = (fromBase + offset(from, i)) * width;
      const b = (toBase + offset(to, i)) * width;
      for (let k = 0; k < width; k++) target[b + k] = source[a + k]!;
    }
  }
}

function copyList(
  target: unknown[],
  source: readonly unknown[],
  dims: readonly Dim[],
  depth: number,
  fromBase: number,
  toBase: number,
): void {
  const dim = dims[depth];
  if (dim === undefined) {
    target[toBase] = source[fromBase];
    return;
  }
  for (let i = 0; i < dim.count; i++) {
    copyList(target, source, dims, depth + 1, fromBase + offset(dim.from, i), toBase + offset(dim.to, i));
  }
}
