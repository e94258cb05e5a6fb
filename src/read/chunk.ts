import type { ChunkMeta } from "../codecs/codec.ts";
import type { Decoder } from "../codecs/pool.ts";
import { Loan } from "../codecs/shared-memory.ts";
import type { RawChunk } from "../core/access.ts";
import {
  type Block,
  type ChunkRef,
  type CodecSpec,
  chunkExtent,
  type IoCall,
  inGrid,
  product,
  strides,
  type Variable,
  type WholeFile,
} from "../core/array.ts";
import { allocate, entriesPerElement, itemSize } from "../core/dtype.ts";
import { filled } from "../core/fill.ts";
import { slice } from "../core/selection.ts";
import { badSource, GyreError, inSource } from "../errors.ts";
import type { Files, ReadOptions } from "../files/files.ts";
import { readWithInfo } from "../files/read-with-info.ts";
import { copyPicked, sequence } from "./copy.ts";
import type { KeptChunks } from "./kept-chunks.ts";

/** What turns a located chunk into bytes and values. */
export interface ChunkReader {
  readonly files: Files;
  readonly decoder: Decoder;
  /** Stored bytes that were asked for lately. */
  readonly kept?: KeptChunks;
}

/** The stored bytes of a chunk; undefined when it was never written or is no cell of the grid. */
export async function rawChunk(
  reader: ChunkReader,
  variable: Variable,
  chunk: readonly number[],
  call?: IoCall,
): Promise<RawChunk | undefined> {
  const { spec } = variable;
  if (!inGrid(spec, chunk)) return undefined;
  if (variable.read !== undefined) return recode(reader, variable, chunk, call);
  const ref = await placeOf(variable, chunk, call);
  if (ref === undefined) return undefined;
  if ("file" in ref) return wholeChunk(reader.files, ref, call);
  if (ref.codecs !== undefined) return recode(reader, variable, chunk, call);
  const isShort = ref.shape !== undefined && product(ref.shape) < product(spec.chunks);
  if (isShort && !padsAtEnd(variable, ref)) return recode(reader, variable, chunk, call);
  const etag = "url" in ref && ref.etag !== undefined ? { etag: ref.etag } : {};
  const fetch = (options?: ReadOptions): Promise<Uint8Array> => fetchChunk(reader.files, ref, options);
  const stored = (await reader.kept?.read(ref, fetch, call)) ?? { bytes: await fetch(call), source: "raw", ...etag };
  if (!isShort) return stored;
  const whole = grown(stored.bytes, variable);
  stored.release?.();
  return { bytes: whole, source: "raw", ...etag };
}

/** The bytes of a short chunk with nothing behind them up to a whole one. */
function grown(bytes: Uint8Array, { spec }: Variable): Uint8Array {
  const whole = new Uint8Array(product(spec.chunks) * (itemSize(spec.dtype) ?? 1));
  whole.set(bytes.subarray(0, whole.byteLength));
  return whole;
}

/** Where a chunk is to be read now. */
export function placeOf(
  variable: Variable,
  chunk: readonly number[],
  call?: IoCall,
): Promise<ChunkRef | WholeFile | undefined> {
  return variable.locateToRead?.(chunk, call) ?? variable.locate(chunk, call);
}

async function wholeChunk(files: Files, { file }: WholeFile, call?: IoCall): Promise<RawChunk | undefined> {
  const found = await readWithInfo(files, file, undefined, call);
  if (found === undefined) return undefined;
  const { bytes, info } = found;
  return { bytes, source: "raw", ...(info.etag === undefined ? {} : { etag: info.etag }) };
}

/** Bytes of a chunk with the place that they are from. */
async function readChunk(
  files: Files,
  variable: Variable,
  chunk: readonly number[],
  call?: ReadOptions,
): Promise<{ readonly ref: ChunkRef; readonly bytes: Uint8Array } | undefined> {
  const place = await placeOf(variable, chunk, call);
  if (place === undefined || !("file" in place)) {
    return place && { ref: place, bytes: await fetchChunk(files, place, call) };
  }
  const bytes = (await wholeChunk(files, place, call))?.bytes;
  return bytes && { ref: { url: place.file, offset: 0, length: bytes.byteLength }, bytes };
}

/** The first two bytes of a chunk as they lie in its file. */
export async function stagedBytes(
  files: Files,
  variable: Variable,
  chunk: readonly number[],
  call?: IoCall,
): Promise<Uint8Array | undefined> {
  const ref = inGrid(variable.spec, chunk) ? await variable.locate(chunk, call) : undefined;
  if (ref === undefined) return undefined;
  return "inline" in ref
    ? ref.inline.subarray(0, 2)
    : fetchChunk(files, { ...ref, length: Math.min(2, ref.length) }, call);
}

/** A chunk cut along its slowest long dimension and stored plainly needs only bytes behind it to be whole. */
function padsAtEnd(variable: Variable, ref: ChunkRef): boolean {
  const { chunks, codecs, dtype } = variable.spec;
  if (codecs.length !== 1 || codecs[0]?.name !== "bytes" || itemSize(dtype) === undefined) return false;
  const first = chunks.findIndex((n) => n > 1);
  return ref.shape?.every((n, i) => i === first || n === chunks[i]) ?? true;
}

async function recode(
  reader: ChunkReader,
  variable: Variable,
  chunk: readonly number[],
  call?: IoCall,
): Promise<RawChunk> {
  const { spec } = variable;
  const block = padded(await decodedChunk(reader, variable, chunk, call), variable);
  const bytes = await reader.decoder.encode(spec.codecs, metaOf(spec), block.data, spec.chunks, call);
  return { bytes, source: "recoded" };
}

/** The bytes a reference points to. Throws BadSource when the file is gone or shorter than the reference says. */
export async function fetchChunk(files: Files, ref: ChunkRef, options?: ReadOptions): Promise<Uint8Array> {
  if ("inline" in ref) return ref.inline;
  const { url, offset, length, etag } = ref;
  const bytes = await files.read(
    url,
    { offset, length },
    { ...options, ...(etag === undefined ? {} : { ifMatch: etag }) },
  );
  if (bytes === undefined) throw new GyreError("NotFound", `${url} is not there any more`, { source: url.href });
  if (bytes.byteLength < length) {
    throw badSource(url, offset, `a chunk of ${length} bytes ends after ${bytes.byteLength}: the file is cut off`);
  }
  return bytes;
}

/** A decoded chunk, cut to the array's extent; a chunk that was never written comes as fill. */
export async function decodedChunk(
  reader: ChunkReader,
  variable: Variable,
  chunk: readonly number[],
  call?: IoCall,
): Promise<Block> {
  const { spec } = variable;
  const extent = chunkExtent(spec, chunk);
  if (variable.read !== undefined) {
    return variable.read(
      extent.map((n, i) => slice(chunk[i]! * spec.chunks[i]!, chunk[i]! * spec.chunks[i]! + n)),
      call,
    );
  }
  const stored = await readChunk(reader.files, variable, chunk, call);
  if (stored === undefined) return { dtype: spec.dtype, shape: extent, data: filled(spec, product(extent)) };
  const { ref, bytes } = stored;
  const shape = ref.shape ?? spec.chunks;
  const decoded = reader.decoder.decode(ref.codecs ?? spec.codecs, metaOf(spec), bytes, shape, call);
  const data = await decoded.catch((error: unknown) => {
    throw placed(error, variable, chunk, ref);
  });
  return cropped({ dtype: spec.dtype, shape, data }, extent);
}

/**
 * A stored chunk, decoded and encoded again without a stop in between, and kept by `key` where it is worth it. Undefined
 * for one that is not simply whole: cut, never written, or computed.
 */
export async function recodedChunk(
  { files, decoder, kept }: ChunkReader,
  variable: Variable,
  chunk: readonly number[],
  codecs: readonly CodecSpec[],
  key?: string,
): Promise<RawChunk | undefined> {
  const { spec } = variable;
  if (variable.read !== undefined || chunkExtent(spec, chunk).some((n, i) => n !== spec.chunks[i])) return undefined;
  const loan = new Loan(decoder.memory);
  const stored = await readChunk(files, variable, chunk, { into: loan.into });
  if (stored === undefined || stored.ref.shape !== undefined) return undefined;
  const { ref, bytes } = stored;
  const make = async ({ into }: ReadOptions): Promise<Uint8Array> => {
    try {
      const room = into === undefined ? {} : { into };
      const made = await decoder.recode(ref.codecs ?? spec.codecs, codecs, metaOf(spec), bytes, room);
      loan.giveBack();
      return made;
    } catch (error) {
      throw placed(error, variable, chunk, ref);
    }
  };
  if (key === undefined || kept === undefined) return { bytes: await make({}), source: "recoded" };
  const isNear = "url" in ref && ref.url.protocol === "file:";
  return kept.made(key, product(spec.chunks) * (itemSize(spec.dtype) ?? 1), isNear, make);
}

/** Codecs do not know what they decode: says which chunk it was and where its bytes lie. */
function placed(error: unknown, { name }: Variable, chunk: readonly number[], ref: ChunkRef): unknown {
  const what = chunk.length === 0 ? name : `chunk ${chunk.join(".")} of ${name}`;
  return "inline" in ref ? inSource(error, what) : inSource(error, ref.url, ref.offset);
}

/** What decoding must know of a variable's chunks. */
export function metaOf({ dtype, chunks, fill }: Variable["spec"]): ChunkMeta {
  return { dtype, shape: chunks, fill };
}

/** The leading `extent` of a block. */
function cropped(block: Block, extent: readonly number[]): Block {
  if (block.shape.every((n, i) => n === extent[i])) return block;
  return { ...block, shape: extent, data: moved(block, extent, extent) };
}

/** A block grown to a whole chunk, with fill behind. */
export function padded(block: Block, variable: Variable): Block {
  const { chunks, fill, dtype } = variable.spec;
  if (block.shape.every((n, i) => n === chunks[i])) return block;
  const data = filled({ dtype, fill }, product(chunks));
  return { ...block, shape: chunks, data: moved(block, chunks, block.shape, data) };
}

function moved(
  block: Block,
  shape: readonly number[],
  extent: readonly number[],
  target = allocate(block.dtype, product(shape)),
): Block["data"] {
  const from = strides(block.shape);
  const to = strides(shape);
  const picks = extent.map((n, i) => {
    const positions = sequence(0, n);
    return { from: positions, to: positions, fromStride: from[i]!, toStride: to[i]! };
  });
  copyPicked(target, block.data, picks, entriesPerElement(block.dtype));
  return target;
}
