import {
  type ChunkRef,
  type ChunkTable,
  type CodecSpec,
  type IoCall,
  product,
  strides,
  virtualChunks,
} from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import { isAtHand, readChunkIndex } from "./chunk-index/chunk-index.ts";
import { gridOf } from "./chunk-index/grid.ts";
import { findPlace, type Places } from "./chunk-index/places.ts";
import type { StoredDataset } from "./dataset.ts";
import { externalStorage } from "./external-storage.ts";
import { filterCodecs } from "./filter-codecs.ts";
import type { ChunkedLayout } from "./messages/layout.ts";
import { virtualStorage } from "./virtual-storage.ts";

/** Where a dataset's bytes lie, before anything is made of them. Chunk numbers have the rank of its dataspace. */
export interface Storage {
  readonly chunks: readonly number[];
  readonly codecs: readonly CodecSpec[];
  /** Refs say the shape only where a chunk is cut, likewise in the rank of the dataspace. */
  locate(chunk: readonly number[], call?: IoCall): Promise<ChunkRef | undefined>;
  table?(): Promise<ChunkTable | undefined>;
}

/** Combinations of skipped filters in one dataset that a table can tell apart. */
const MOST_VARIANTS = 65_535;

/**
 * `layout` is the array-to-bytes codec of its elements, `shape` that of the array in the model (unlimited dimensions can
 * be longer than the dataset), `limit` the most bytes of a virtual chunk.
 */
export async function storageOf(
  dataset: StoredDataset,
  layout: CodecSpec,
  shape: readonly number[],
  limit?: number,
): Promise<Storage> {
  switch (dataset.layout.class) {
    case "compact":
      return compactStorage(dataset, dataset.layout.data, layout);
    case "contiguous":
      return dataset.externalFiles === undefined
        ? contiguousStorage(dataset, dataset.layout.address, layout, limit)
        : externalStorage(dataset, dataset.externalFiles, layout, limit);
    case "chunked":
      return chunkedStorage(dataset, dataset.layout, layout, shape);
    case "virtual":
      return virtualStorage(dataset, dataset.layout);
  }
}

function compactStorage(dataset: StoredDataset, data: Uint8Array, layout: CodecSpec): Storage {
  const { file, space, type } = dataset;
  const wanted = product(space.shape) * type.size;
  if (data.byteLength < wanted) {
    throw badSource(file.url, file.offset(dataset.address), `${data.byteLength} bytes of compact data, not ${wanted}`);
  }
  const inline = data.subarray(0, wanted);
  return {
    chunks: space.shape.map((n) => Math.max(n, 1)),
    codecs: [layout],
    locate: async () => ({ inline }),
  };
}

/** Bytes of a virtual chunk of data stored in one run, and its shape where the array's edge cuts it. */
export interface Cut {
  readonly start: number;
  readonly length: number;
  readonly shape: readonly number[] | undefined;
}

/** Cuts a run of elements into virtual chunks along the slowest dimensions. */
export function cutter(
  dataset: StoredDataset,
  limit?: number,
): { chunks: number[]; cut(chunk: readonly number[]): Cut } {
  const { shape } = dataset.space;
  const { size } = dataset.type;
  const chunks = virtualChunks(shape, size, limit);
  const steps = strides(shape);
  return {
    chunks,
    cut(chunk) {
      const extent = shape.map((n, d) => Math.min(chunks[d]!, n - chunk[d]! * chunks[d]!));
      const start = chunk.reduce((sum, c, d) => sum + c * chunks[d]! * steps[d]!, 0) * size;
      const whole = extent.every((n, d) => n === chunks[d]);
      return { start, length: product(extent) * size, shape: whole ? undefined : extent };
    },
  };
}

function contiguousStorage(
  dataset: StoredDataset,
  address: number | undefined,
  layout: CodecSpec,
  limit: number | undefined,
): Storage {
  const { file } = dataset;
  const { chunks, cut } = cutter(dataset, limit);
  return {
    chunks,
    codecs: [layout],
    async locate(chunk) {
      if (address === undefined) return undefined;
      const { start, length, shape } = cut(chunk);
      return refTo(dataset, file.offset(address) + start, length, shape && { shape });
    },
  };
}

function refTo(
  { file }: StoredDataset,
  offset: number,
  length: number,
  more?: { shape?: readonly number[]; codecs?: readonly CodecSpec[] },
): ChunkRef {
  file.reader.check(offset, length);
  const { etag } = file.reader;
  return { url: file.url, offset, length, ...(etag === undefined ? {} : { etag }), ...more };
}

/**
 * The index is read once, when the first chunk is asked for; a failure is tried again by the next. One that lies whole
 * beside the other metadata is known at once.
 */
async function chunkedStorage(
  dataset: StoredDataset,
  layout: ChunkedLayout,
  elements: CodecSpec,
  shape: readonly number[],
): Promise<Storage> {
  const { file, filters } = dataset;
  const grid = gridOf(dataset, layout, shape);
  const codecs = [elements, ...filterCodecs(filters)];
  let index: Promise<Places> | undefined;
  const load = (): Promise<Places> => {
    if (index === undefined) {
      const reading = file.during(() => readChunkIndex(file, layout.index, grid));
      reading.catch(() => index === reading && (index = undefined));
      index = reading;
    }
    return index;
  };
  if (await isAtHand(file, layout.index, grid)) await load().catch(() => undefined);

  /** Filters that this chunk went without; all of them at the edges when the layout says so. */
  const skipped = (chunk: readonly number[], mask: number): number => {
    if (filters.length === 0) return 0;
    const every = 2 ** filters.length - 1;
    const atEdge = layout.plainEdges && chunk.some((c, d) => (c + 1) * grid.chunk[d]! > dataset.space.shape[d]!);
    return atEdge ? every : (mask & every) >>> 0;
  };

  return {
    chunks: layout.chunk,
    codecs,
    async locate(chunk, call) {
      const places = await load();
      call?.signal?.throwIfAborted();
      const place = findPlace(
        places,
        chunk.reduce((sum, c, d) => sum + c * grid.strides[d]!, 0),
      );
      if (place === undefined) return undefined;
      const mask = skipped(chunk, place.mask);
      const own = mask === 0 ? undefined : { codecs: [elements, ...filterCodecs(filters, mask)] };
      return refTo(dataset, place.offset, place.length, own);
    },
    async table() {
      const places = await load();
      const isUniform = filters.length === 0 || (places.masks === undefined && !layout.plainEdges);
      const maskAt = isUniform ? undefined : (cell: number, mask: number) => skipped(chunkOf(cell, grid), mask);
      return tableOf(dataset, places, maskAt, elements);
    },
  };
}

function chunkOf(
  cell: number,
  grid: { readonly counts: readonly number[]; readonly strides: readonly number[] },
): number[] {
  return grid.strides.map((step, d) => Math.floor(cell / step) % grid.counts[d]!);
}

function tableOf(
  { file, filters }: StoredDataset,
  { cells, offsets, lengths, masks }: Places,
  skipped: ((cell: number, mask: number) => number) | undefined,
  elements: CodecSpec,
): ChunkTable | undefined {
  const count = offsets.length;
  const variants = new Uint16Array(skipped === undefined ? 0 : count);
  const known = new Map<number, number>([[0, 0]]);
  for (let i = 0; i < count; i++) {
    const offset = offsets[i]!;
    if (offset < 0) continue;
    file.reader.check(offset, lengths[i]!);
    if (skipped === undefined) continue;
    const mask = skipped(cells?.[i] ?? i, masks?.[i] ?? 0);
    const variant = known.get(mask) ?? known.size;
    if (variant > MOST_VARIANTS) return undefined;
    known.set(mask, variant);
    variants[i] = variant;
  }
  const [, ...others] = known.keys();
  return {
    url: file.url,
    etag: file.reader.etag,
    ...(cells === undefined ? {} : { cells }),
    offsets,
    lengths,
    ...(others.length === 0 ? {} : { variants }),
    codecs: others.map((mask) => [elements, ...filterCodecs(filters, mask)]),
  };
}
