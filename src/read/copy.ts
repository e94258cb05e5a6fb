import type { Values } from "../core/dtype.ts";

/** Along one dimension: which positions of the source go to which positions of the target, and both strides. */
export interface Pick {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly fromStride: number;
  readonly toStride: number;
}

/** Copies the outer product of `picks` (slowest first); `width` container entries make one element. */
export function copyPicked(target: Values, source: Values, picks: readonly Pick[], width: number): void {
  if (picks.some((p) => p.from.length === 0)) return;
  const dims = mergeRuns(picks);
  if (Array.isArray(target)) {
    copyList(target as unknown[], source as readonly unknown[], dims, 0, 0, 0);
  } else {
    copyTyped(target as Uint8Array, source as Uint8Array, dims, width, 0, 0, 0);
  }
}

type Dim = Pick & { readonly run: boolean };

/** Joins the fastest dimensions while both sides walk them without a gap, so that the inner copy is one long run. */
function mergeRuns(picks: readonly Pick[]): Dim[] {
  const dims = picks.map((p) => ({ ...p, run: isRun(p.from) && isRun(p.to) }));
  for (let i = dims.length - 1; i > 0; i--) {
    const inner = dims[i]!;
    const outer = dims[i - 1]!;
    const n = inner.from.length;
    const whole =
      inner.run && outer.run && outer.fromStride === n * inner.fromStride && outer.toStride === n * inner.toStride;
    if (!whole || inner.fromStride !== 1 || inner.toStride !== 1 || inner.from[0] !== 0 || inner.to[0] !== 0) break;
    const length = outer.from.length * n;
    dims.splice(i - 1, 2, {
      from: sequence(outer.from[0]! * n, length),
      to: sequence(outer.to[0]! * n, length),
      fromStride: 1,
      toStride: 1,
      run: true,
    });
  }
  return dims;
}

/** Consecutive positions from `start`. */
export function sequence(start: number, length: number, step = 1): Int32Array {
  const out = new Int32Array(length);
  for (let i = 0; i < length; i++) out[i] = start + i * step;
  return out;
}

function isRun(positions: Int32Array): boolean {
  for (let i = 1; i < positions.length; i++) if (positions[i] !== positions[i - 1]! + 1) return false;
  return true;
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
  const { from, to, fromStride, toStride } = dim;
  const n = from.length;
  if (depth === dims.length - 1) {
    if (dim.run && fromStride === 1 && toStride === 1) {
      const start = (fromBase + from[0]!) * width;
      target.set(source.subarray(start, start + n * width), (toBase + to[0]!) * width);
    } else if (width === 1) {
      for (let i = 0; i < n; i++) target[toBase + to[i]! * toStride] = source[fromBase + from[i]! * fromStride]!;
    } else {
      for (let i = 0; i < n; i++) {
        const a = (fromBase + from[i]! * fromStride) * width;
        const b = (toBase + to[i]! * toStride) * width;
        for (let k = 0; k < width; k++) target[b + k] = source[a + k]!;
      }
    }
    return;
  }
  for (let i = 0; i < n; i++) {
    copyTyped(target, source, dims, width, depth + 1, fromBase + from[i]! * fromStride, toBase + to[i]! * toStride);
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
  for (let i = 0; i < dim.from.length; i++) {
    const a = fromBase + dim.from[i]! * dim.fromStride;
    const b = toBase + dim.to[i]! * dim.toStride;
    copyList(target, source, dims, depth + 1, a, b);
  }
}
