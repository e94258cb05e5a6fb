import type { ArraySpec, Attrs, ChunkRef, CodecSpec, IoCall, Scalar, Variable } from "../../core/array.ts";
import { inGrid, product } from "../../core/array.ts";
import { type DType, isComplex, itemSize, swapSize } from "../../core/dtype.ts";
import { GyreError } from "../../errors.ts";
import type { StoredDataset } from "./dataset.ts";
import { decodeBytes } from "./decode.ts";
import { elementType, type Representation, represent, type TypeNames } from "./dtype.ts";
import { type ElementContext, readElement } from "./element.ts";
import { GlobalHeap } from "./global-heap.ts";
import { loadReferred } from "./heap-reference.ts";
import { readRef } from "./read-ref.ts";
import { type Storage, storageOf } from "./storage.ts";
import { complexParts, translate, translatedLayout } from "./translate.ts";

/** What a variable has besides its dataset. */
export interface VariableParts {
  readonly name: string;
  /** One name per dimension of the dataspace, then one per dimension of an array datatype. */
  readonly dims: readonly string[];
  /** Sizes of those dimensions: unlimited ones can be longer than the dataset. */
  readonly shape: readonly number[];
  readonly attrs: Attrs;
  readonly typeNames?: TypeNames;
  pathOf?(address: number): string | undefined;
}

/** Bytes of a virtual chunk whose elements must be translated, and the most of any chunk that must. */
const TRANSLATED_CHUNK = 1024 * 1024;
const MOST_TRANSLATED = 256 * 1024 * 1024;

/** The shape that a dataset has in the model: a null dataspace has no elements. */
export function shapeOf({ space, type }: StoredDataset): number[] {
  return space.kind === "null" ? [0] : [...space.shape, ...represent(type).dims];
}

export async function makeVariable(dataset: StoredDataset, parts: VariableParts): Promise<Variable> {
  const representation = represent(dataset.type, parts.typeNames);
  if (dataset.space.kind === "null") return emptyVariable(parts, representation.dtype);
  const { dtype, dims, order } = representation;
  const rank = dataset.space.shape.length;
  const limit = order === undefined ? TRANSLATED_CHUNK : undefined;
  const storage = await storageOf(dataset, storedLayout(dtype, order), parts.shape.slice(0, rank), limit);
  const context = (): ElementContext => ({
    file: dataset.file,
    heap: new GlobalHeap(dataset.file),
    pathOf: (address) => parts.pathOf?.(address),
  });
  const spec: ArraySpec = {
    dtype,
    dims: parts.dims,
    shape: parts.shape,
    chunks: [...storage.chunks, ...dims],
    codecs: order === undefined ? [translatedLayout(dtype)] : storage.codecs,
    fill: await fillOf(dataset, representation, context()),
    attrs: parts.attrs,
  };
  const locate = (chunk: readonly number[], call?: IoCall): Promise<ChunkRef | undefined> => {
    call?.signal?.throwIfAborted();
    return order === undefined
      ? locateTranslated(dataset, storage, dtype, context(), chunk.slice(0, rank), call)
      : storage.locate(chunk.slice(0, rank), call);
  };
  const { table } = storage;
  return {
    name: parts.name,
    spec,
    async locate(chunk, call) {
      const ref = inGrid(spec, chunk) ? await locate(chunk, call) : undefined;
      return ref?.shape === undefined || dims.length === 0 ? ref : { ...ref, shape: [...ref.shape, ...dims] };
    },
    ...(order === undefined || table === undefined ? {} : { table }),
  };
}

function storedLayout(dtype: DType, order: Representation["order"]): CodecSpec {
  if (order === undefined || order === "any") return { name: "bytes" };
  const single = swapSize(dtype) === 1 && !(typeof dtype === "object" && dtype.kind === "struct");
  return single ? { name: "bytes" } : { name: "bytes", configuration: { endian: order } };
}

function emptyVariable({ name, dims, attrs }: VariableParts, dtype: DType): Variable {
  const codecs = [itemSize(dtype) === undefined ? translatedLayout(dtype) : { name: "bytes" }];
  const spec: ArraySpec = { dtype, dims, shape: [0], chunks: [1], codecs, fill: null, attrs };
  return { name, spec, locate: async () => undefined };
}

/** Reads the chunk, undoes its filters, fetches what its elements refer to and writes them in the model's terms. */
async function locateTranslated(
  dataset: StoredDataset,
  storage: Storage,
  dtype: DType,
  context: ElementContext,
  chunk: readonly number[],
  call: IoCall | undefined,
): Promise<ChunkRef | undefined> {
  const { file } = dataset;
  const ref = await storage.locate(chunk, call);
  if (ref === undefined) return undefined;
  const type = elementType(dataset.type);
  const size = product(ref.shape ?? storage.chunks) * dataset.type.size;
  if (size > MOST_TRANSLATED) throw new GyreError("TooLarge", `${file.url}: a chunk of ${size} bytes`);
  const stored = await readRef(file.environment, ref, call);
  const bytes = await decodeBytes(file, ref.codecs ?? storage.codecs, stored, size);
  const count = size / type.size;
  await file.during(() => loadReferred(context, type, bytes, count));
  const inline = translate(context, type, dtype, bytes, count);
  return ref.shape === undefined ? { inline } : { inline, shape: ref.shape };
}

async function fillOf(
  dataset: StoredDataset,
  { dtype }: Representation,
  context: ElementContext,
): Promise<Scalar | null> {
  const { fill } = dataset;
  if (fill === undefined) return null;
  const type = elementType(dataset.type);
  if (typeof dtype === "object" && (dtype.kind === "struct" || dtype.kind === "fixed-bytes" || dtype.kind === "raw")) {
    return translate(context, type, dtype, fill, 1);
  }
  if (dtype === "string" && type.class !== "vlen") return null;
  if (typeof dtype === "object" && dtype.kind === "vlen") return null;
  await loadReferred(context, type, fill, 1);
  const value = readElement(context, type, fill, 0);
  if (dtype === "bool") return value !== 0;
  return isComplex(dtype) ? complexParts(value) : (value as Scalar);
}
