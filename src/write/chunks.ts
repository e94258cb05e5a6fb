import { type ArraySpec, type Block, product, strides } from "../core/array.ts";
import { allocate, type DType, entriesPerElement, type Values } from "../core/dtype.ts";
import { GyreError } from "../errors.ts";

/** One chunk of the grid, padded to its full size with `fill` (zeros where the array has none). */
export interface Chunk {
  readonly index: readonly number[];
  readonly data: Values;
}

type Layout = Pick<ArraySpec, "dtype" | "shape" | "chunks">;

/**
 * Cuts a stream of values in C order into chunks, in C order of their grid. Holds one row of chunks: the array's
 * extent along all dimensions but the first. `padding` makes the values of a chunk that reaches over the edge.
 */
export async function* chunksOf(
  layout: Layout,
  blocks: AsyncIterable<Block>,
  padding: (count: number) => Values,
): AsyncGenerator<Chunk> {
  const { dtype, shape, chunks } = layout;
  if (shape.length === 0) {
    for await (const data of bands(dtype, blocks, [1])) yield { index: [], data };
    return;
  }
  const rest = product(shape.slice(1));
  if (shape[0] === 0 || rest === 0) return;
  const rows = chunks[0]!;
  const sizes = Array.from(
    { length: Math.ceil(shape[0]! / rows) },
    (_, i) => Math.min(rows, shape[0]! - i * rows) * rest,
  );
  let first = 0;
  for await (const band of bands(dtype, blocks, sizes)) {
    const bandShape = [Math.min(rows, shape[0]! - first * rows), ...shape.slice(1)];
    for (const inner of grid(shape.slice(1), chunks.slice(1))) {
      const origin = [0, ...inner.map((c, i) => c * chunks[i + 1]!)];
      yield { index: [first, ...inner], data: cut(band, dtype, bandShape, origin, chunks, padding) };
    }
    first++;
  }
}

/** Regroups the values of a stream into runs of the given numbers of elements. Throws when it is too short or long. */
export async function* bands(
  dtype: DType,
  blocks: AsyncIterable<Block>,
  sizes: Iterable<number>,
): AsyncGenerator<Values> {
  const width = entriesPerElement(dtype);
  const wanted = sizes[Symbol.iterator]();
  let next = wanted.next();
  let band: Values | undefined;
  let filled = 0;
  for await (const { data } of blocks) {
    for (let at = 0; at < data.length; ) {
      if (next.done) throw lengthError("more");
      const length = next.value * width;
      if (band === undefined && at === 0 && data.length === length) {
        yield data;
        next = wanted.next();
        break;
      }
      band ??= allocate(dtype, next.value);
      const count = Math.min(length - filled, data.length - at);
      copyRun(band, filled, data, at, count);
      filled += count;
      at += count;
      if (filled < length) continue;
      yield band;
      band = undefined;
      filled = 0;
      next = wanted.next();
    }
  }
  if (!next.done) throw lengthError("fewer");
}

function lengthError(what: string): GyreError {
  return new GyreError("BadSource", `the source gives ${what} values than its shape has`);
}

/** Chunk numbers of a grid in C order. */
function* grid(shape: readonly number[], chunks: readonly number[], head: readonly number[] = []): Generator<number[]> {
  const axis = head.length;
  if (axis === shape.length) {
    yield [...head];
    return;
  }
  const count = Math.ceil(shape[axis]! / chunks[axis]!);
  for (let i = 0; i < count; i++) yield* grid(shape, chunks, [...head, i]);
}

function cut(
  band: Values,
  dtype: DType,
  shape: readonly number[],
  origin: readonly number[],
  chunk: readonly number[],
  padding: (count: number) => Values,
): Values {
  const extent = chunk.map((n, i) => Math.min(n, shape[i]! - origin[i]!));
  const isWhole = extent.every((n, i) => n === chunk[i]);
  if (isWhole && chunk.every((n, i) => n === shape[i])) return band;
  const out = isWhole ? allocate(dtype, product(chunk)) : padding(product(chunk));
  const width = entriesPerElement(dtype);
  const from = strides(shape);
  const to = strides(chunk);
  const last = shape.length - 1;
  const run = extent[last]! * width;
  const copy = (axis: number, source: number, target: number): void => {
    if (axis === last) {
      copyRun(out, target * width, band, (source + origin[axis]!) * width, run);
      return;
    }
    for (let i = 0; i < extent[axis]!; i++) {
      copy(axis + 1, source + (origin[axis]! + i) * from[axis]!, target + i * to[axis]!);
    }
  };
  copy(0, 0, 0);
  return out;
}

function copyRun(target: Values, at: number, source: Values, from: number, count: number): void {
  if (Array.isArray(target)) {
    for (let i = 0; i < count; i++) target[at + i] = (source as string[])[from + i] as string & Uint8Array;
  } else {
    (target as Uint8Array).set((source as Uint8Array).subarray(from, from + count), at);
  }
}
