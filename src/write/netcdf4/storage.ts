import { type ArraySpec, chunkGrid, type IoCall, product } from "../../core/array.ts";
import type { TypedArray } from "../../core/dtype.ts";
import { badSource, GyreError } from "../../errors.ts";
import { orderedBytes } from "../byte-order.ts";
import { chunksOf } from "../chunks.ts";
import { inOrder } from "../in-order.ts";
import type { NetcdfSpec } from "../netcdf-spec.ts";
import { paddingOf } from "../padding.ts";
import type { Encoder, SourceVariable } from "../source.ts";
import { Bytes } from "./bytes.ts";
import { ChunkTree } from "./chunk-tree.ts";
import type { Filtered } from "./filters.ts";
import { chunkedLayout, contiguousLayout, filterMessage, type Message } from "./header.ts";
import { descriptor, type Heap, type HeapText } from "./heap.ts";

/** The values of one dataset in the file: their size is known before any of them is written. */
export interface Storage {
  readonly size: number;
  /** Address of the first byte, set by the layout of the file. */
  address: number;
  /** The index of chunks, which belongs to the metadata. */
  readonly tree?: ChunkTree;
  messages(): Message[];
  /** Exactly `size` bytes. */
  bytes(call?: IoCall): AsyncIterable<Uint8Array>;
}

/** Nothing: dimensions without a variable, and variables without elements. */
export function emptyStorage(elementSize: number, size = 0): Storage {
  return { size: 0, address: 0, messages: () => [contiguousLayout(undefined, size * elementSize)], async *bytes() {} };
}

/** Values one behind the other. */
export function contiguousStorage(variable: SourceVariable, elementSize: number, filtered: Filtered): Storage {
  const size = product(variable.spec.shape) * elementSize;
  return {
    size,
    address: 0,
    messages() {
      return [contiguousLayout(this.address, size)];
    },
    async *bytes(call) {
      let written = 0;
      for await (const { data } of variable.blocks(call)) {
        const bytes = orderedBytes(data as TypedArray, filtered.order);
        written += bytes.length;
        if (written > size) break;
        yield bytes;
      }
      if (written !== size) throw badSource(variable.name, written, `${size} bytes of values were announced`);
    },
  };
}

/** Chunks that are kept in memory between their first encoding, which tells their sizes, and their writing. */
export interface Kept {
  bytes: number;
  readonly limit: number;
}

const ENCODERS = 4;

/**
 * Chunks with filters. Encoding all of them once tells their sizes; those that `kept` has room for are not encoded
 * again when they are written.
 */
export async function chunkedStorage(
  variable: SourceVariable,
  spec: NetcdfSpec,
  elementSize: number,
  { filters }: Filtered,
  encoder: Encoder,
  kept: Kept,
  call?: IoCall,
): Promise<Storage> {
  const { chunks, codecs, dtype } = spec;
  if (product(chunks) * elementSize >= 2 ** 32) {
    throw new GyreError("TooLarge", `${variable.name} has chunks of 4 GiB or more`, { subject: variable.name });
  }
  const meta = { dtype, shape: chunks };
  const encoded = (from: number, io?: IoCall): AsyncIterable<Uint8Array> =>
    inOrder(skipping(chunksOf(spec, variable.blocks(io), paddingOf(spec)), from), ENCODERS, (chunk) =>
      encoder.encode(codecs, meta, chunk.data, chunks, io),
    );
  const sizes: number[] = [];
  const early: Uint8Array[] = [];
  for await (const bytes of encoded(0, call)) {
    if (early.length === sizes.length && kept.bytes + bytes.length <= kept.limit) {
      early.push(bytes);
      kept.bytes += bytes.length;
    }
    sizes.push(bytes.length);
  }
  const offsets = new Float64Array(sizes.length);
  for (let i = 1; i < sizes.length; i++) offsets[i] = offsets[i - 1]! + sizes[i - 1]!;
  const size = sizes.length === 0 ? 0 : offsets.at(-1)! + sizes.at(-1)!;
  const tree: ChunkTree | undefined =
    sizes.length === 0
      ? undefined
      : new ChunkTree({ chunks, grid: chunkGrid(spec), sizes, address: (i) => storage.address + offsets[i]! });
  const storage: Storage = {
    size,
    address: 0,
    ...(tree === undefined ? {} : { tree }),
    messages: () => [
      chunkedLayout(tree?.address, chunks, elementSize),
      ...(filters.length === 0 ? [] : [filterMessage(filters)]),
    ],
    async *bytes(io) {
      yield* early;
      if (early.length === sizes.length) return;
      let i = early.length;
      for await (const bytes of encoded(i, io)) {
        if (bytes.length !== sizes[i++]) {
          throw new GyreError("Conflict", `${variable.name} changed while it was written`, { subject: variable.name });
        }
        yield bytes;
      }
    },
  };
  return storage;
}

async function* skipping<T>(input: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let seen = 0;
  for await (const value of input) if (seen++ >= count) yield value;
}

/** Most text of one file, which is gathered before anything is written. */
const MAX_TEXT = 256 * 1024 * 1024;

/** Strings: descriptors in the dataset, text in the global heap. A growing variable has all of them in one chunk. */
export async function textStorage(
  variable: SourceVariable,
  spec: ArraySpec,
  isGrowing: boolean,
  elementSize: number,
  heap: Heap,
  call?: IoCall,
): Promise<Storage> {
  const texts: HeapText[] = [];
  let total = 0;
  for await (const { data } of variable.blocks(call)) {
    for (const text of data as string[]) {
      const kept = heap.text(text);
      total += kept.length + elementSize;
      if (total > MAX_TEXT) throw new GyreError("TooLarge", `${variable.name} has more than ${MAX_TEXT} bytes of text`);
      texts.push(kept);
    }
  }
  if (texts.length !== product(spec.shape)) {
    throw badSource(variable.name, undefined, `${texts.length} strings instead of ${product(spec.shape)}`);
  }
  const size = texts.length * elementSize;
  if (size === 0)
    return isGrowing
      ? { ...emptyStorage(0), messages: () => [chunkedLayout(undefined, spec.chunks, elementSize)] }
      : emptyStorage(elementSize);
  const tree: ChunkTree | undefined = isGrowing
    ? new ChunkTree({
        chunks: spec.shape,
        grid: spec.shape.map(() => 1),
        sizes: [size],
        address: () => storage.address,
      })
    : undefined;
  const storage: Storage = {
    size,
    address: 0,
    ...(tree === undefined ? {} : { tree }),
    messages: () => [
      tree === undefined
        ? contiguousLayout(storage.address, size)
        : chunkedLayout(tree.address, spec.shape, elementSize),
    ],
    async *bytes() {
      const out = new Bytes();
      for (const { length, at } of texts) descriptor(out, length, at);
      yield out.done();
    },
  };
  return storage;
}
