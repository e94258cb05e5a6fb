import type { Access, ListOptions, Opened, RawChunk, SourceFile } from "../core/access.ts";
import {
  type Block,
  type CodecSpec,
  type Dataset,
  type IoCall,
  inGrid,
  product,
  type Variable,
} from "../core/array.ts";
import { itemSize, type Values } from "../core/dtype.ts";
import type { Call } from "../core/principal.ts";
import { checkSelection, type Selection, selectionCount } from "../core/selection.ts";
import { GyreError } from "../errors.ts";
import { createCache } from "./cache.ts";
import { type ChunkReader, decodedChunk, padded, rawChunk, recodedChunk, stagedBytes } from "./chunk.ts";
import { KeptChunks } from "./kept-chunks.ts";
import { selectFrom } from "./select.ts";
import { pieces, VARIABLE_ITEM_BYTES } from "./stream.ts";
import { createViews } from "./view.ts";

/** Where datasets come from: the registry, as far as reading needs it. */
export interface Holdings {
  list(call: Call, options?: ListOptions): AsyncIterable<string>;
  open(id: string, call: Call): Promise<Opened | undefined>;
  /** What `open` would answer, where that is known without asking anybody. */
  current?(id: string, call: Call): Opened | undefined;
  /** The files that a dataset is made of, as far as they are datasets of their own. */
  files?(id: string, call: Call): readonly SourceFile[];
  /** The id of the STAC item that describes a dataset, as far as that is known without opening it. */
  item?(id: string, call: Call): string | undefined;
}

export interface AccessOptions {
  /** Bytes of chunks that are kept: a quarter as stored, the rest decoded. */
  readonly cacheBytes?: number;
  /** Most bytes that one `select` may answer. */
  readonly selectionBytes?: number;
  /** Bytes of one block of a stream. */
  readonly blockBytes?: number;
}

const MiB = 1024 * 1024;

/** With what measurements want to know of it. */
export interface CachingAccess extends Access {
  /** Bytes of chunks that are kept now. */
  readonly cachedBytes: number;
}

/** Binds the registry, the files and the codecs to the interface that protocols see. */
export function createAccess(holdings: Holdings, reader: ChunkReader, options: AccessOptions = {}): CachingAccess {
  const { cacheBytes = 256 * MiB, selectionBytes = 256 * MiB, blockBytes = 8 * MiB } = options;
  const cache = createCache<Block>(cacheBytes * 0.75);
  const stored = createCache<RawChunk>(cacheBytes * 0.25);
  const keeping: ChunkReader = { ...reader, kept: new KeptChunks(stored) };

  async function chunkOf(
    dataset: Dataset,
    variable: Variable,
    index: readonly number[],
    call?: IoCall,
  ): Promise<Block> {
    const key = await keyOf(dataset, variable, index, call);
    if (key === undefined) return decodedChunk(reader, variable, index, call);
    // Shared by all who wait for it, so it does not end when one of them does.
    return cache.get(key, async () => {
      call?.signal?.throwIfAborted();
      const value = await decodedChunk(reader, variable, index);
      return { value, bytes: valueBytes(value.data) };
    });
  }

  function select(dataset: Dataset, variable: Variable, selection: Selection, call?: IoCall): Promise<Block> {
    if (variable.read !== undefined) return variable.read(selection, call);
    return selectFrom(variable, selection, (index) => chunkOf(dataset, variable, index, call), call);
  }

  function encoded({ dtype, shape, data }: Block, codecs: readonly CodecSpec[], call?: IoCall): Promise<Uint8Array> {
    return reader.decoder.encode(codecs, { dtype, shape }, data, shape, call);
  }

  const views = createViews((dataset) => (variable, selection, call) => select(dataset, variable, selection, call));

  return {
    get cachedBytes() {
      return cache.bytes + stored.bytes;
    },
    list: (call, listing) => holdings.list(call, listing),
    open: (id, call) => holdings.open(id, call),
    current: (id, call) => holdings.current?.(id, call),
    files: (id, call) => holdings.files?.(id, call) ?? [],
    item: (id, call) => holdings.item?.(id, call),
    kept: (key) => stored.find(key),
    raw: (variable, index, call) => rawChunk(keeping, variable, index, call),
    stage: (variable, index, call) => stagedBytes(reader.files, variable, index, call),
    view: (dataset, view) => views(dataset, view),

    async chunk(dataset, variable, index, call) {
      if (!inGrid(variable.spec, index)) {
        throw new GyreError("BadRequest", `${variable.name} has no chunk ${index.join(".")}`, {
          subject: variable.name,
        });
      }
      return chunkOf(dataset, variable, index, call);
    },

    async select(dataset, variable, selection, call) {
      const { dtype, shape, dims } = variable.spec;
      checkSelection(selection, shape, dims);
      const bytes = product(selection.map(selectionCount)) * (itemSize(dtype) ?? VARIABLE_ITEM_BYTES);
      if (bytes > selectionBytes) {
        throw new GyreError(
          "TooLarge",
          `this selection of ${variable.name} is about ${Math.ceil(bytes / MiB)} MiB; at most ${Math.floor(selectionBytes / MiB)} MiB are answered at once: ask for parts along ${dims[0]}`,
          { subject: variable.name },
        );
      }
      return select(dataset, variable, selection, call);
    },

    async *stream(dataset, variable, selection, call) {
      checkSelection(selection, variable.spec.shape, variable.spec.dims);
      for (const piece of pieces(variable, selection, blockBytes)) {
        call.signal?.throwIfAborted();
        yield await select(dataset, variable, piece, call);
      }
    },

    async recode(dataset, variable, index, codecs, call) {
      const key = await keyOf(dataset, variable, index, call);
      const name = key && `${key} ${JSON.stringify(codecs)}`;
      const known = name === undefined ? undefined : stored.find(name);
      if (known !== undefined) return known;
      call.signal?.throwIfAborted();
      const isDecoded = key !== undefined && cache.has(key);
      const direct = isDecoded ? undefined : await recodedChunk(keeping, variable, index, codecs, name);
      if (direct !== undefined) return direct;
      const make = async (): Promise<RawChunk> => {
        const block = padded(await chunkOf(dataset, variable, index), variable);
        return { bytes: await encoded(block, codecs), source: "recoded" };
      };
      if (name === undefined) return make();
      return stored.get(name, async () => {
        const value = await make();
        return { value, bytes: value.bytes.byteLength };
      });
    },

    encode: encoded,
  };
}

/** What a chunk's values are kept by; undefined where nothing tells whether they are still the same. */
async function keyOf(
  { version }: Dataset,
  variable: Variable,
  index: readonly number[],
  call?: IoCall,
): Promise<string | undefined> {
  const key = `${version}/${variable.name}/${index.join(".")}`;
  if (!variable.mutable) return key;
  const ref = variable.read === undefined ? await variable.locate(index, call) : undefined;
  return ref !== undefined && "url" in ref && ref.etag !== undefined ? `${key} ${ref.etag} ${ref.offset}` : undefined;
}

/** Bytes that decoded values take, nearly. */
function valueBytes(values: Values): number {
  if (ArrayBuffer.isView(values)) return values.byteLength;
  let bytes = 0;
  for (const entry of values)
    bytes += 16 + (typeof entry === "string" ? entry.length * 2 : valueBytes(entry as Values));
  return bytes;
}
