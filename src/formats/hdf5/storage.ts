import { type ChunkRef, type CodecSpec, type IoCall, product, strides, virtualChunks } from "../../core/array.ts";
import { badSource } from "../../errors.ts";
import { readChunkIndex } from "./chunk-index/chunk-index.ts";
import { gridOf } from "./chunk-index/grid.ts";
import { findPlace, type Places } from "./chunk-index/places.ts";
import type { ChunkTable } from "./chunk-table.ts";
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
  table?(): Promise<ChunkTable>;
}

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

/** The index is read once, when the first chunk is asked for; a failure is tried again by the next. */
function chunkedStorage(
  dataset: StoredDataset,
  layout: ChunkedLayout,
  elements: CodecSpec,
  shape: readonly number[],
): Storage {
  const { file, filters } = dataset;
  const grid = gridOf(dataset, layout, shape);
  const codecs = [elements, ...filterCodecs(filters)];
  let index: Promise<Places> | undefined;
  const load = (): Promise<Places> => {
    if (index === undefined) {
      const reading = readChunkIndex(file, layout.index, grid).finally(() => file.forget());
      reading.catch(() => index === reading && (index = undefined));
      index = reading;
    }
    return index;
  };

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
    table: async () => tableOf(dataset, await load(), (cell, mask) => skipped(chunkOf(cell, grid), mask), elements),
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
  places: Places,
  skipped: (cell: number, mask: number) => number,
  elements: CodecSpec,
): ChunkTable {
  const count = places.offsets.length;
  const variants = new Uint8Array(filters.length === 0 ? 0 : count);
  const masks: number[] = [];
  for (let i = 0; i < variants.length; i++) {
    const mask = skipped(places.cells?.[i] ?? i, places.masks?.[i] ?? 0);
    if (mask === 0 || places.offsets[i]! < 0) continue;
    const known = masks.indexOf(mask);
    variants[i] = 1 + (known < 0 ? masks.push(mask) - 1 : known);
  }
  return {
    url: file.url,
    etag: file.reader.etag,
    ...(places.cells === undefined ? {} : { cells: places.cells }),
    offsets: places.offsets,
    lengths: places.lengths,
    ...(masks.length === 0 ? {} : { variants }),
    codecs: masks.map((mask) => [elements, ...filterCodecs(filters, mask)]),
  };
}
