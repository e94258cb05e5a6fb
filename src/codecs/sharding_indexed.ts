import type { CodecSpec } from "../core/array.ts";
import { product, strides } from "../core/array.ts";
import type { Values } from "../core/dtype.ts";
import { allocate, entriesPerElement } from "../core/dtype.ts";
import { filled } from "../core/fill.ts";
import type { ChunkMeta, CodecEntry, Pipeline } from "./codec.ts";
import { corrupt } from "./failure.ts";
import { createPipeline } from "./pipeline.ts";
import type { ShardLayout } from "./shard-index.ts";
import { readShardIndex, shardIndexBytes, shardLayout } from "./shard-index.ts";

/** Zarr v3 `sharding_indexed`: many small chunks in one stored object behind or before an index of where they lie. */
export const shardingIndexed: CodecEntry = {
  name: "sharding_indexed",
  kind: "array-bytes",
  summary: "many chunks in one object (Zarr v3 sharding)",
  encodes: true,
  async create(configuration, meta, registry) {
    const layout = await shardLayout(configuration, meta, registry);
    const inner: ChunkMeta = { ...meta, shape: layout.chunkShape };
    const pipeline = await createPipeline(layout.codecs as readonly CodecSpec[], inner, registry);
    return {
      kind: "array-bytes",
      encode: ({ data }) => encodeShard(data, meta, layout, pipeline),
      decode: (bytes) => decodeShard(bytes, meta, layout, pipeline),
    };
  },
};

async function decodeShard(
  bytes: Uint8Array,
  meta: ChunkMeta,
  layout: ShardLayout,
  pipeline: Pipeline,
): Promise<Values> {
  const { indexBytes, location, grid, chunkShape } = layout;
  if (bytes.length < indexBytes) throw corrupt("sharding_indexed", `${bytes.length} bytes cannot hold the index`);
  const stored = location === "start" ? bytes.subarray(0, indexBytes) : bytes.subarray(bytes.length - indexBytes);
  const entries = await readShardIndex(layout, stored);
  const out = filled({ dtype: meta.dtype, fill: meta.fill ?? null }, product(meta.shape));
  const count = product(grid);
  for (let i = 0; i < count; i++) {
    const entry = entries.at(i);
    if (entry === undefined) continue;
    if (entry.offset + entry.length > bytes.length) {
      throw corrupt("sharding_indexed", `inner chunk ${i} lies beyond the end of the shard`);
    }
    const values = await pipeline.decode(bytes.subarray(entry.offset, entry.offset + entry.length));
    moveBlock(values, out, meta, chunkShape, originOf(i, grid, chunkShape), "in");
  }
  return out;
}

async function encodeShard(
  data: Values,
  meta: ChunkMeta,
  layout: ShardLayout,
  pipeline: Pipeline,
): Promise<Uint8Array> {
  const { grid, chunkShape, location, indexBytes } = layout;
  const count = product(grid);
  const parts: Uint8Array[] = [];
  const entries: { offset: number; length: number }[] = [];
  let offset = location === "start" ? indexBytes : 0;
  for (let i = 0; i < count; i++) {
    const block = allocate(meta.dtype, product(chunkShape));
    moveBlock(block, data, meta, chunkShape, originOf(i, grid, chunkShape), "out");
    const bytes = await pipeline.encode(block);
    parts.push(bytes);
    entries.push({ offset, length: bytes.length });
    offset += bytes.length;
  }
  const index = await shardIndexBytes(layout, entries);
  return Buffer.concat(location === "start" ? [index, ...parts] : [...parts, index]);
}

function originOf(index: number, grid: readonly number[], chunkShape: readonly number[]): number[] {
  let rest = index;
  const origin = new Array<number>(grid.length).fill(0);
  for (let axis = grid.length - 1; axis >= 0; axis--) {
    origin[axis] = (rest % grid[axis]!) * chunkShape[axis]!;
    rest = Math.floor(rest / grid[axis]!);
  }
  return origin;
}

/** Copies an inner chunk into the shard's values (`in`) or out of them, row by row. */
function moveBlock(
  block: Values,
  shard: Values,
  { dtype, shape }: ChunkMeta,
  chunkShape: readonly number[],
  origin: readonly number[],
  direction: "in" | "out",
): void {
  const width = entriesPerElement(dtype);
  const steps = strides(shape);
  const row = (chunkShape.at(-1) ?? 1) * width;
  const rows = (product(chunkShape) * width) / row;
  for (let r = 0; r < rows; r++) {
    let rest = r;
    let at = origin.at(-1) ?? 0;
    for (let axis = chunkShape.length - 2; axis >= 0; axis--) {
      const size = chunkShape[axis]!;
      at += (origin[axis]! + (rest % size)) * steps[axis]!;
      rest = Math.floor(rest / size);
    }
    if (direction === "in") copyRow(block, r * row, shard, at * width, row);
    else copyRow(shard, at * width, block, r * row, row);
  }
}

function copyRow(source: Values, from: number, target: Values, to: number, count: number): void {
  if (ArrayBuffer.isView(source)) (target as Uint8Array).set((source as Uint8Array).subarray(from, from + count), to);
  else for (let i = 0; i < count; i++) target[to + i] = source[from + i]!;
}
