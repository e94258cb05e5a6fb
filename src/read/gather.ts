import type { Part } from "../codecs/codec.ts";
import { Loan } from "../codecs/shared-memory.ts";
import { type ArraySpec, type Block, type ChunkRef, type IoCall, product, type Variable } from "../core/array.ts";
import { batchesOf } from "../core/batches.ts";
import { forEachLimited } from "../core/concurrency.ts";
import { allocate, asBytes, asValues, entriesPerElement, itemSize, type TypedArray } from "../core/dtype.ts";
import { type Selection, selectionCount, selectionShape } from "../core/selection.ts";
import { isGyreError } from "../errors.ts";
import { type ChunkReader, decodedChunk, fetchChunk, metaOf, placeOf } from "./chunk.ts";
import { copyPicked, wholeRun } from "./copy.ts";
import { type Cell, cellsOf, selectFrom } from "./select.ts";

export interface GatherOptions {
  /** The answer lies in memory shared with threads: they write chunks to their places there, but not everything takes it. */
  readonly shared?: boolean;
}

/** Where a stored chunk lies in a file. */
type Place = Extract<ChunkRef, { url: URL }>;

interface Located {
  readonly cell: Cell;
  readonly place: Place;
}

/** Decoded bytes of chunks that are located, read and decoded together: a message and a read for each would cost more. */
const BATCH_BYTES = 2 << 20;
const BATCH_CHUNKS = 256;
/** As many batches at once as make so many bytes, yet enough that no thread waits for a read. */
const BYTES_IN_FLIGHT = 16 << 20;
const FEWEST_IN_FLIGHT = 4;
/** Chunks this near become one read. */
const MOST_GAP = 1 << 14;
/** Larger chunks gain nothing from any of this. */
const MOST_CHUNK = 1 << 25;

/**
 * Gathers a selection, already checked, as `selectFrom` does from single chunks, for those who keep none: neighbours are
 * read at once and decoded in one job, through memory that is used again.
 */
export async function gather(
  reader: ChunkReader,
  variable: Variable,
  selection: Selection,
  { shared = false }: GatherOptions = {},
  call?: IoCall,
): Promise<Block> {
  const { spec } = variable;
  const { dtype } = spec;
  const size = itemSize(dtype);
  if (size === undefined || product(spec.chunks) * size > MOST_CHUNK) {
    return selectFrom(variable, selection, (chunk) => decodedChunk(reader, variable, chunk, call), call);
  }
  const count = product(selection.map(selectionCount));
  const target = (shared ? asValues(dtype, sharedBytes(count * size)) : allocate(dtype, count)) as TypedArray;
  const chunkBytes = product(spec.chunks) * size;
  const perBatch = Math.min(BATCH_CHUNKS, Math.max(1, Math.floor(BATCH_BYTES / chunkBytes)));
  const inFlight = Math.max(
    FEWEST_IN_FLIGHT,
    Math.floor(BYTES_IN_FLIGHT / Math.max(perBatch * chunkBytes, BATCH_BYTES)),
  );

  async function copyAlone({ chunk, picksOf }: Cell): Promise<void> {
    const block = await decodedChunk(reader, variable, chunk, call);
    copyPicked(target, block.data, picksOf(block.shape), entriesPerElement(dtype));
  }

  await forEachLimited(batchesOf(cellsOf(spec, selection), perBatch), inFlight, async (cells) => {
    call?.signal?.throwIfAborted();
    const places = await Promise.all(cells.map(({ chunk }) => placeOf(variable, chunk, call)));
    const located: Located[] = [];
    const others: Cell[] = [];
    cells.forEach((cell, i) => {
      const place = places[i];
      if (place !== undefined && "url" in place && isOrdinary(place, spec)) located.push({ cell, place });
      else others.push(cell);
    });
    await Promise.all([
      ...others.map(copyAlone),
      ...runsOf(located).map((run) =>
        gatherRun(reader, variable, run, target, call).catch(async (error: unknown) => {
          if (!isGyreError(error, "BadSource") && !isGyreError(error, "Unsupported")) throw error;
          // Which of them it was, and where, is said by reading it alone.
          for (const { cell } of run) await copyAlone(cell);
        }),
      ),
    ]);
  });
  return { dtype, shape: selectionShape(selection), data: target };
}

const weights = new WeakMap<SharedArrayBuffer, ArrayBuffer>();

/**
 * The collector does not count shared memory, and would leave gigabytes of it lying. What it does count is memory of the
 * same size that lives as long and that nobody touches, so that the system never has to find it.
 */
function sharedBytes(length: number): Uint8Array {
  const memory = new SharedArrayBuffer(length);
  weights.set(memory, new ArrayBuffer(length));
  return new Uint8Array(memory);
}

function isOrdinary({ codecs, length, shape }: Place, { chunks }: ArraySpec): boolean {
  return codecs === undefined && length <= MOST_CHUNK && (shape === undefined || product(shape) <= product(chunks));
}

/** Reads chunks that lie near each other and decodes them to their places. */
async function gatherRun(
  { files, decoder }: ChunkReader,
  { spec }: Variable,
  run: readonly Located[],
  target: TypedArray,
  call?: IoCall,
): Promise<void> {
  const { memory } = decoder;
  const { dtype } = spec;
  const width = entriesPerElement(dtype);
  const size = itemSize(dtype)!;
  const first = run[0]!.place;
  const length = run.reduce((end, { place }) => Math.max(end, place.offset + place.length), 0) - first.offset;
  const loan = new Loan(memory);
  const stored = loan.hold(await fetchChunk(files, { ...first, length }, { ...call, into: loan.into }));

  const shapes = run.map(({ place }) => place.shape ?? spec.chunks);
  const decoded = memory.take(shapes.reduce((bytes, shape) => bytes + product(shape) * size, 0));
  const copies: (() => void)[] = [];
  let at = 0;
  const parts = run.map(({ cell, place }, i): Part => {
    const shape = shapes[i]!;
    const bytes = stored.subarray(place.offset - first.offset, place.offset - first.offset + place.length);
    const length = product(shape) * size;
    const picks = cell.picksOf(shape);
    const start = target.buffer instanceof SharedArrayBuffer ? wholeRun(picks, product(shape)) : undefined;
    if (start !== undefined)
      return { bytes, shape, into: asBytes(target).subarray(start * size, start * size + length) };
    const part = decoded.subarray(at, at + length);
    at += length;
    copies.push(() => copyPicked(target, asValues(dtype, part), picks, width));
    return { bytes, shape, into: part };
  });
  await decoder.decodeAll(spec.codecs, metaOf(spec), parts, call);
  for (const copy of copies) copy();
  // Only now: a thread whose work is not waited for may still be at it.
  loan.giveBack();
  memory.give(decoded);
}

/** Sorts by place and cuts where another file begins, the gap is wide or the whole is long. */
function runsOf(located: readonly Located[]): Located[][] {
  const sorted = [...located].sort((a, b) => a.place.offset - b.place.offset);
  const runs: Located[][] = [];
  const open = new Map<string, { run: Located[]; start: number; end: number }>();
  for (const one of sorted) {
    const { url, etag = "", offset, length } = one.place;
    const key = `${etag} ${url.href}`;
    const last = open.get(key);
    if (last !== undefined && offset - last.end <= MOST_GAP && offset + length - last.start <= BATCH_BYTES) {
      last.run.push(one);
      last.end = Math.max(last.end, offset + length);
    } else {
      const run = [one];
      runs.push(run);
      open.set(key, { run, start: offset, end: offset + length });
    }
  }
  return runs;
}
