import { type ChunkRef, type CodecSpec, type IoCall, product, type Variable, virtualChunks } from "../../core/array.ts";
import { itemSize, sameDType } from "../../core/dtype.ts";
import { GyreError, isSourceFault } from "../../errors.ts";
import { Recent } from "../recent.ts";
import { openBeside } from "./beside.ts";
import { isDataset, readDataset, type StoredDataset } from "./dataset.ts";
import { represent } from "./dtype.ts";
import { GlobalHeap } from "./global-heap.ts";
import type { Layout } from "./messages/layout.ts";
import { findObject } from "./object-path.ts";
import { type Axis, axisCount, axisIndex, axisRange } from "./selection.ts";
import type { Storage } from "./storage.ts";
import { translate } from "./translate.ts";
import { makeVariable, shapeOf } from "./variable.ts";
import { copySource, type Pairing } from "./virtual-copy.ts";
import { type Mapping, readMappings, targetCounts, wholeAxis } from "./virtual-mappings.ts";

/** Sources kept open. */
const MOST_OPEN = 128;
/** How values that were put together are handed out. */
const ASSEMBLED: readonly CodecSpec[] = [{ name: "bytes", configuration: { endian: "little" } }];
const ASSEMBLED_CHUNK = 1024 * 1024;
const MOST_ASSEMBLED = 256 * 1024 * 1024;

/**
 * A virtual dataset: a chunk is that of a source, untouched, where one covers it and both grids agree; else its values
 * are put together from the sources. Sources that are not there read as fill, as HDF5 has it.
 */
export async function virtualStorage(
  dataset: StoredDataset,
  layout: Extract<Layout, { class: "virtual" }>,
): Promise<Storage> {
  const { file, space, type } = dataset;
  const { dtype, order } = represent(type);
  if (order === undefined) throw new GyreError("Unsupported", `${file.url}: a virtual dataset of translated elements`);
  const mappings = await readMappings(dataset, layout);
  const sources = sourceCache(dataset);
  const own = { chunks: virtualChunks(space.shape, type.size, ASSEMBLED_CHUNK), codecs: ASSEMBLED };
  const { chunks, codecs } = (await agreedGrid(mappings, space.shape, sources)) ?? own;

  async function locate(chunk: readonly number[], call?: IoCall): Promise<ChunkRef | undefined> {
    const low = chunk.map((c, d) => c * chunks[d]!);
    const high = low.map((n, d) => Math.min(n + chunks[d]!, space.shape[d]!));
    const shape = high.map((n, d) => n - low[d]!);
    if (product(shape) * type.size > MOST_ASSEMBLED) {
      throw new GyreError("TooLarge", `${file.url}: a virtual dataset in chunks of more than ${MOST_ASSEMBLED} bytes`);
    }
    const touching = mappings.filter(({ target }) =>
      target.every((axis, d) => {
        const { from, to } = axisRange(axis, low[d]!, high[d]!);
        return to > from;
      }),
    );
    const found: { pairing: Pairing; source: Variable }[] = [];
    for (const mapping of touching) {
      const source = await sources(mapping);
      if (source === undefined) continue;
      if (!sameDType(source.spec.dtype, dtype)) {
        throw new GyreError("Unsupported", `${file.url}: a virtual dataset's source ${mapping.path} has another type`);
      }
      found.push({ source, pairing: pair(mapping, space.shape, source.spec.shape, low, high) });
    }
    if (found.length === 0) return undefined;
    const [only] = found;
    const passed = found.length === 1 && only !== undefined && touching.length === 1;
    const ref = passed ? await passThrough(only.source, only.pairing, shape, chunks, codecs, call) : undefined;
    return ref ?? assemble(shape, found, call);
  }

  async function assemble(
    shape: readonly number[],
    found: readonly { pairing: Pairing; source: Variable }[],
    call: IoCall | undefined,
  ): Promise<ChunkRef> {
    const size = itemSize(dtype);
    if (size === undefined || size !== type.size) {
      throw new GyreError("Unsupported", `${file.url}: parts of a virtual dataset that cannot be put together`);
    }
    const inline = new Uint8Array(product(shape) * size);
    if (dataset.fill !== undefined) {
      const context = { file, heap: new GlobalHeap(file), pathOf: () => undefined };
      const fill = translate(context, type, dtype, dataset.fill, 1);
      for (let at = 0; at < inline.byteLength; at += size) inline.set(fill, at);
    }
    for (const { source, pairing } of found) {
      await copySource(file.environment, source, pairing, { data: inline, shape, size }, call);
    }
    const whole = shape.every((n, d) => n === chunks[d]);
    const same = JSON.stringify(codecs) === JSON.stringify(ASSEMBLED);
    return { inline, ...(same ? {} : { codecs: ASSEMBLED }), ...(whole ? {} : { shape }) };
  }

  return { chunks, codecs, locate };
}

type Sources = (mapping: Mapping) => Promise<Variable | undefined>;

/** Opens sources when they are first needed and keeps the last ones. */
function sourceCache(dataset: StoredDataset): Sources {
  const open = new Recent<Variable | undefined>(MOST_OPEN);
  return (mapping) => open.get(`${mapping.file}\0${mapping.path}`, () => openSource(dataset, mapping));
}

async function openSource(dataset: StoredDataset, { file: name, path }: Mapping): Promise<Variable | undefined> {
  const file = await openBeside(dataset.file, name);
  const header = file && (await findObject(file, path));
  if (file === undefined || header === undefined || !isDataset(header)) return undefined;
  return file.during(async () => {
    const source = await readDataset(file, header);
    const shape = shapeOf(source);
    return makeVariable(source, { name: path, dims: shape.map((_, d) => `dim_${d}`), shape, attrs: new Map() });
  });
}

/** How a mapping's elements in `[low, high)` of the virtual dataset correspond to indices of its source. */
function pair(
  mapping: Mapping,
  shape: readonly number[],
  sourceShape: readonly number[],
  low: readonly number[],
  high: readonly number[],
): Pairing {
  const partners = partnersOf(mapping, shape, sourceShape);
  const sourceAxes = mapping.source ?? sourceShape.map(wholeAxis);
  const source = sourceShape.map((_, s): readonly number[] => (partners.includes(s) ? [] : [sourceAxes[s]!.start]));
  const target = mapping.target.map((axis, d) => {
    const { from, to } = axisRange(axis, low[d]!, high[d]!);
    const partner = partners[d];
    const most = partner === undefined ? to : Math.min(to, axisCount(sourceAxes[partner]!, sourceShape[partner]!));
    const ordinals = Array.from({ length: Math.max(0, most - from) }, (_, i) => from + i);
    if (partner !== undefined) source[partner] = ordinals.map((i) => axisIndex(sourceAxes[partner]!, i));
    return ordinals.map((i) => axisIndex(axis, i) - low[d]!);
  });
  return { partners, source, target };
}

/**
 * Both selections hold the same elements in row-major order. Leaving out dimensions of one element, the others
 * correspond one to one: `partners[d]` is the source's dimension for dimension `d`.
 */
function partnersOf(
  mapping: Mapping,
  shape: readonly number[],
  sourceShape: readonly number[],
): (number | undefined)[] {
  const axes = mapping.source ?? sourceShape.map(wholeAxis);
  if (axes.length !== sourceShape.length) throw mismatch(mapping);
  const wide = (axis: Axis): boolean => axis.count * axis.block > 1;
  const free = [...axes.keys()].filter((s) => wide(axes[s]!));
  const counts = targetCounts(mapping, shape);
  const partners = mapping.target.map((axis) => (wide(axis) ? free.shift() : undefined));
  const complete = free.length === 0 && partners.every((s, d) => s !== undefined || counts[d]! <= 1);
  if (!complete) throw mismatch(mapping);
  return partners;
}

function mismatch({ file, path }: Mapping): GyreError {
  return new GyreError("Unsupported", `the mapping from ${path} of ${file} joins dimensions of unlike sizes`);
}

/** The grid and codecs of the first source that is there, when every mapping lies on that grid. */
async function agreedGrid(
  mappings: readonly Mapping[],
  shape: readonly number[],
  sources: Sources,
): Promise<{ chunks: readonly number[]; codecs: readonly CodecSpec[] } | undefined> {
  try {
    const [first] = mappings;
    const source = first && (await sources(first));
    if (first === undefined || source === undefined || source.spec.shape.includes(0)) return undefined;
    const partners = partnersOf(first, shape, source.spec.shape);
    const chunks = shape.map((_, d) => (partners[d] === undefined ? 1 : source.spec.chunks[partners[d]]!));
    const onGrid = mappings.every(({ target }) =>
      target.every(({ start, stride, count, block }, d) => {
        const step = chunks[d]!;
        const ends = start + block >= shape[d]! || block % step === 0;
        return start % step === 0 && ends && (count === 1 || stride % step === 0);
      }),
    );
    return onGrid ? { chunks, codecs: source.spec.codecs } : undefined;
  } catch (error) {
    // A source that is broken says so when its chunks are asked for. One that cannot be reached now must not change the grid.
    if (isSourceFault(error)) return undefined;
    throw error;
  }
}

/** The source's own chunk when it holds exactly these elements in this order; undefined when it does not. */
async function passThrough(
  { spec, locate }: Variable,
  { partners, source, target }: Pairing,
  shape: readonly number[],
  chunks: readonly number[],
  codecs: readonly CodecSpec[],
  call: IoCall | undefined,
): Promise<ChunkRef | undefined> {
  const consecutive = (list: readonly number[]): boolean => list.every((n, i) => n === list[0]! + i);
  const aligned = spec.chunks.every((size, s) => {
    const d = partners.indexOf(s);
    const list = source[s]!;
    const inside = consecutive(list) && list[0]! % size === 0 && list.length <= size;
    return inside && (d < 0 ? size === 1 : size === chunks[d] && target[d]![0] === 0 && consecutive(target[d]!));
  });
  const plain = partners.every((s, d) => s !== undefined || chunks[d] === 1);
  // What a source that ends early stores behind its end is its own padding, not this dataset's fill.
  const complete = target.every((list, d) => list.length === shape[d]);
  if (!aligned || !plain || !complete) return undefined;
  const ref = await locate(
    source.map((list, s) => list[0]! / spec.chunks[s]!),
    call,
  );
  if (ref === undefined || ref.shape !== undefined) return undefined;
  const own = ref.codecs ?? spec.codecs;
  return JSON.stringify(own) === JSON.stringify(codecs) ? ref : { ...ref, codecs: own };
}
