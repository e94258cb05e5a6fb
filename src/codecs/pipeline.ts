import type { CodecSpec } from "../core/array.ts";
import { product } from "../core/array.ts";
import type { DType, TypedArray, Values } from "../core/dtype.ts";
import { asBytes, dtypeName, entriesPerElement, itemSize } from "../core/dtype.ts";
import { GyreError, isGyreError } from "../errors.ts";
import type {
  ArrayArrayCodec,
  ArrayBytesCodec,
  BytesBytesCodec,
  ChunkMeta,
  ChunkValues,
  Codec,
  CodecEntry,
  CodecRegistry,
  MaybePromise,
  Part,
  Pipeline,
} from "./codec.ts";
import type { Configuration } from "./configuration.ts";
import { corrupt, tooLong, unsupported } from "./failure.ts";

/** Larger chunks are refused before anything is allocated. */
const MAX_CHUNK_BYTES = 2 ** 31;
/** Most bytes of a chunk of text or ragged arrays, whose size nothing announces. */
const MAX_VARIABLE_BYTES = 2 ** 28;
/** Chains for chunks that are stored cut: one per kind of edge. */
const MAX_CUT_CHAINS = 64;

type Named<C> = { readonly name: string; readonly codec: C };

/** One codec chain for chunks of one shape. */
interface Chain {
  readonly meta: ChunkMeta;
  readonly arrays: readonly Named<ArrayArrayCodec>[];
  readonly layout: Named<ArrayBytesCodec>;
  readonly bytes: readonly Named<BytesBytesCodec>[];
  /** Bytes of the layout: exact for `bytes`, else the most that is believed. */
  readonly maxBytes: number;
  readonly exact: boolean;
}

/**
 * Makes a chunk's codecs ready to run. Throws Unsupported naming a codec that is not known, BadSource for a bad
 * configuration or order. Whatever a decoder throws on bad bytes becomes BadSource.
 */
export async function createPipeline(
  codecs: readonly CodecSpec[],
  meta: ChunkMeta,
  registry: CodecRegistry,
): Promise<Pipeline> {
  const whole = await createChain(codecs, meta, registry);
  const cut = new Map<string, Promise<Chain>>();
  const chainFor = (shape: readonly number[] | undefined): Chain | Promise<Chain> => {
    if (shape === undefined || shape.join() === meta.shape.join()) return whole;
    if (shape.length !== meta.shape.length || shape.some((n, i) => !(n >= 0 && n <= meta.shape[i]!))) {
      throw corrupt("pipeline", `a stored chunk [${shape}] is larger than the regular [${meta.shape}]`);
    }
    const key = shape.join();
    let chain = cut.get(key);
    if (chain === undefined) {
      if (cut.size >= MAX_CUT_CHAINS) cut.clear();
      cut.set(key, (chain = createChain(codecs, { ...meta, shape }, registry)));
      chain.catch(() => cut.delete(key));
    }
    return chain;
  };
  return {
    async decode(bytes, shape, into) {
      return decode(await chainFor(shape), bytes, whole, into);
    },
    async encode(values, shape) {
      return encode(await chainFor(shape), values);
    },
  };
}

/** Decodes chunks one after the other, each into memory of its size. */
export async function decodeParts(pipeline: Pipeline, parts: readonly Part[]): Promise<void> {
  for (const { bytes, shape, into } of parts) {
    const values = await pipeline.decode(bytes, shape, into);
    if (!ArrayBuffer.isView(values) || values.byteLength !== into.length) {
      throw corrupt("pipeline", `a chunk does not take the ${into.length} bytes that are there for it`);
    }
    put(values, into);
  }
}

/** Copies values, unless they are there already, and answers their bytes. */
export function put(values: TypedArray, into: Uint8Array): number {
  if (values.buffer !== into.buffer || values.byteOffset !== into.byteOffset) into.set(asBytes(values));
  return values.byteLength;
}

async function createChain(codecs: readonly CodecSpec[], meta: ChunkMeta, registry: CodecRegistry): Promise<Chain> {
  const arrays: Named<ArrayArrayCodec>[] = [];
  const bytes: Named<BytesBytesCodec>[] = [];
  let layout: Named<ArrayBytesCodec> | undefined;
  let encoded = checkedSize(meta);
  for (const { name, configuration } of codecs) {
    const entry = registry.get(name);
    if (entry === undefined) throw new GyreError("Unsupported", `codec ${name} is not known`, { subject: name });
    if ((entry.kind === "bytes-bytes") !== (layout !== undefined)) {
      throw corrupt(
        name,
        `a codec of kind ${entry.kind} cannot come ${layout === undefined ? "before" : "after"} the layout`,
      );
    }
    const codec = await created(entry, configuration ?? {}, encoded, registry);
    if (codec.kind === "bytes-bytes") bytes.push({ name: entry.name, codec });
    else if (codec.kind === "array-bytes") layout = { name: entry.name, codec };
    else {
      arrays.push({ name: entry.name, codec });
      encoded = checkedSize({ ...meta, ...codec.encoded });
    }
  }
  if (layout === undefined) throw corrupt("pipeline", "no codec lays the array out as bytes");
  const size = sizeOf(encoded.dtype, encoded.shape);
  const exact = layout.name === "bytes";
  const maxBytes = size === undefined ? MAX_VARIABLE_BYTES : exact ? size : 2 * size + 65_536;
  return { meta, arrays, layout, bytes, maxBytes, exact };
}

/** A codec whose package is not there (sharp has one per platform) is unsupported here; the file is not to blame. */
async function created(
  entry: CodecEntry,
  configuration: Configuration,
  meta: ChunkMeta,
  registry: CodecRegistry,
): Promise<Codec> {
  try {
    return await entry.create(configuration, meta, registry);
  } catch (error) {
    if (isGyreError(error)) throw error;
    throw unsupported(entry.name, `cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function sizeOf(dtype: DType, shape: readonly number[]): number | undefined {
  const size = itemSize(dtype);
  return size === undefined ? undefined : product(shape) * size;
}

function checkedSize(meta: ChunkMeta): ChunkMeta {
  const size = sizeOf(meta.dtype, meta.shape) ?? product(meta.shape) * 8;
  if (!(size <= MAX_CHUNK_BYTES)) {
    throw new GyreError("TooLarge", `a chunk [${meta.shape}] of ${dtypeName(meta.dtype)} is more than 2 GiB`);
  }
  return meta;
}

/** `whole` is the chain of regular chunks: some writers store a cut chunk with all its rows. */
async function decode(chain: Chain, stored: Uint8Array, whole: Chain, into?: Uint8Array): Promise<Values> {
  let bytes = stored;
  for (let i = chain.bytes.length - 1; i >= 0; i--) {
    const { name, codec } = chain.bytes[i]!;
    // Codecs nearer to the file may hold what others added: checksums, headers, incompressible data.
    const maxBytes = i === 0 ? whole.maxBytes : whole.maxBytes + (whole.maxBytes >> 1) + 4096;
    const limits = i === 0 && chain.arrays.length === 0 && into !== undefined ? { maxBytes, into } : { maxBytes };
    const input = bytes;
    bytes = await guarded(name, () => codec.decode(input, limits), maxBytes);
  }
  const { layout, meta, arrays, maxBytes } = chain;
  const input = plain(chain !== whole && chain.exact ? bytes.subarray(0, maxBytes) : bytes);
  const shape = arrays.at(-1)?.codec.encoded.shape ?? meta.shape;
  const dtype = arrays.at(-1)?.codec.encoded.dtype ?? meta.dtype;
  const data = await guarded(layout.name, () => layout.codec.decode(input, shape, { maxBytes }), maxBytes);
  let values: ChunkValues = checkedCount(layout.name, { dtype, shape, data });
  for (let i = arrays.length - 1; i >= 0; i--) {
    const { name, codec } = arrays[i]!;
    const from = values;
    values = checkedCount(name, await guarded(name, () => codec.decode(from)));
  }
  return values.data;
}

async function encode(chain: Chain, data: Values): Promise<Uint8Array> {
  let values: ChunkValues = checkedCount("pipeline", { ...chain.meta, data });
  for (const { name, codec } of chain.arrays) {
    const from = values;
    values = await guarded(name, () => codec.encode(from));
  }
  let bytes = await guarded(chain.layout.name, () => chain.layout.codec.encode(values));
  for (const { name, codec } of chain.bytes) {
    if (codec.encode === undefined) throw unsupported(name, "only decoding is offered");
    const from = bytes;
    bytes = await guarded(name, () => codec.encode?.(from) ?? from);
  }
  return plain(bytes);
}

/** Node's Buffers look like a Uint8Array but slice, print and compare otherwise: none leaves a pipeline. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkedCount(name: string, values: ChunkValues): ChunkValues {
  const count = product(values.shape) * entriesPerElement(values.dtype);
  if (values.data.length !== count) {
    throw corrupt(
      name,
      `${values.data.length} entries instead of ${count} for ${dtypeName(values.dtype)}[${values.shape}]`,
    );
  }
  return values;
}

async function guarded<T>(name: string, run: () => MaybePromise<T>, maxBytes = 0): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (isGyreError(error)) throw error;
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLong(name, maxBytes);
    throw corrupt(name, error instanceof Error ? error.message : String(error), error);
  }
}
