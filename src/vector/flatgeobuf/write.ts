import { rm } from "node:fs/promises";
import { Builder } from "flatbuffers";
import type { IoCall } from "../../core/array.ts";
import { bboxOf, hasHeights } from "../../core/geometry.ts";
import type { Geometry } from "../../core/stac.ts";
import { WKB_CODES } from "../../core/wkb.ts";
import { ByteOutput } from "../byte-output.ts";
import type { Feature, Layer, VectorWriter } from "../feature.ts";
import { filtered } from "../fields.ts";
import { LocalFile } from "../local-file.ts";
import { buildGeometry } from "./geometry.ts";
import { buildHeader, type Column, columnsOf, MAGIC } from "./header.ts";
import { writeProperties } from "./properties.ts";
import { Boxes } from "./tree.ts";

const NODE_SIZE = 16;
/** Features of which an index is made: 36 bytes each in memory, and 12 more while they are sorted. */
const MOST_INDEXED = 20_000_000;
/** Features that are read at once as they are put in order, and bytes of them. */
const BATCH = 256;
const BATCH_BYTES = 16 * 1024 * 1024;

/**
 * FlatGeobuf 3 of one layer with its index. Features wait in a file beside it until all are there, and are then written
 * along the Hilbert curve; more than twenty millions in their own order, without an index.
 */
export const flatgeobufWriter: VectorWriter = {
  name: "FlatGeobuf",
  extension: ".fgb",
  mediaType: "application/vnd.flatgeobuf",
  async write(path, layer, call) {
    await using cleanup = new AsyncDisposableStack();
    const waiting = `${path}.waiting`;
    cleanup.defer(() => rm(waiting, { force: true }));
    const spill = cleanup.use(await ByteOutput.create(waiting));
    const found = await spilled(layer, spill, call);
    const { count } = found.boxes;
    const isIndexed = count > 0 && count <= MOST_INDEXED;
    const nodeSize = isIndexed ? NODE_SIZE : 0;
    const output = cleanup.use(await ByteOutput.create(path));
    const { kind, hasZ, boxes } = found;
    await output.write(MAGIC);
    await output.write(buildHeader(layer, { kind, hasZ, count, nodeSize, bbox: boxes.extent }));
    const order = isIndexed ? boxes.order() : undefined;
    if (order !== undefined) await output.write(boxes.tree(order, nodeSize));
    const input = cleanup.use(await LocalFile.open(waiting));
    await copy(input, order === undefined ? inTurn(boxes) : sorted(boxes, order), output, call);
    return { count, bytes: await output.end() };
  },
};

interface Found {
  readonly boxes: Boxes;
  /** The one kind that all geometries are of; else 0. */
  readonly kind: number;
  readonly hasZ: boolean;
}

async function spilled(layer: Layer, spill: ByteOutput, call: IoCall | undefined): Promise<Found> {
  const boxes = new Boxes();
  const columns = columnsOf(layer);
  const kinds = new Set<Geometry["type"]>();
  let hasZ = false;
  for await (const feature of filtered(layer.features(call), call)) {
    const message = featureMessage(feature, columns);
    const { geometry } = feature;
    boxes.add(geometry === null ? undefined : bboxOf(geometry), message.length);
    if (geometry !== null) kinds.add(geometry.type);
    hasZ ||= geometry !== null && hasHeights(geometry);
    await spill.write(message);
  }
  await spill.end();
  const [only] = kinds.size === 1 ? kinds : [];
  return { boxes, kind: only === undefined ? 0 : WKB_CODES[only], hasZ };
}

/** A feature with its length in front. */
function featureMessage({ geometry, properties }: Feature, columns: readonly Column[]): Uint8Array {
  const builder = new Builder(1024);
  const values = builder.createByteVector(writeProperties(properties, columns));
  const shape = geometry === null ? 0 : buildGeometry(builder, geometry);
  builder.startObject(3);
  builder.addFieldOffset(0, shape, 0);
  builder.addFieldOffset(1, values, 0);
  builder.finishSizePrefixed(builder.endObject());
  return builder.asUint8Array();
}

interface Extent {
  readonly start: number;
  readonly length: number;
}

/** Where the features lie that come next, as they wait. */
function* sorted(boxes: Boxes, order: Uint32Array): Generator<Extent> {
  const starts = new Float64Array(boxes.count);
  for (let i = 1; i < boxes.count; i++) starts[i] = starts[i - 1]! + boxes.length(i - 1);
  for (const i of order) yield { start: starts[i]!, length: boxes.length(i) };
}

function* inTurn(boxes: Boxes): Generator<Extent> {
  let start = 0;
  for (let i = 0; i < boxes.count; i++) {
    yield { start, length: boxes.length(i) };
    start += boxes.length(i);
  }
}

async function copy(input: LocalFile, extents: Iterable<Extent>, output: ByteOutput, call?: IoCall): Promise<void> {
  for (const batch of inBatches(extents)) {
    call?.signal?.throwIfAborted();
    for (const bytes of await Promise.all(batch.map(({ start, length }) => input.read(start, length))))
      await output.write(bytes);
  }
}

/** Few enough to be read at once: by their number, and by their bytes but for the last. */
function* inBatches(extents: Iterable<Extent>): Generator<readonly Extent[]> {
  let batch: Extent[] = [];
  let bytes = 0;
  for (const extent of extents) {
    batch.push(extent);
    bytes += extent.length;
    if (batch.length < BATCH && bytes < BATCH_BYTES) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}
