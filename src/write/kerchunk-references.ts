import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type ArraySpec,
  type ChunkRef,
  type ChunkTable,
  chunkGrid,
  type IoCall,
  product,
  type Variable,
} from "../core/array.ts";
import { batchesOf } from "../core/batches.ts";
import { itemSize } from "../core/dtype.ts";
import { GyreError } from "../errors.ts";
import { hidesFill } from "./zarr-v2.ts";

export interface KerchunkOptions extends IoCall {
  /**
   * The address at which readers of the references find a source file, as fsspec writes it: URLs for http(s), plain
   * paths and keys without escapes for all else. Undefined: they cannot.
   */
  href(url: URL): string | undefined;
  /** The address at which this node answers a whole chunk, for chunks that are no plain byte range of their source. */
  chunkHref?(name: string, chunk: readonly number[]): string;
  /**
   * A whole chunk as the variable's codecs have it, for readers without a node: where a chunk is no plain byte range of
   * its source, those of small variables are written into the references. Undefined: never written.
   */
  raw?(variable: Variable, chunk: readonly number[]): Promise<Uint8Array | undefined>;
  /** Told of variables that are left out, because neither of these can give their chunks. */
  onOmitted?(name: string, reason: string): void;
}

/** Bytes themselves, a whole file, or a part of one. */
export type ChunkReference =
  | { readonly inline: Uint8Array }
  | { readonly href: string; readonly range?: { readonly offset: number; readonly length: number } };

export interface ChunkEntry {
  readonly chunk: readonly number[];
  readonly reference: ChunkReference;
}

/** The chunks of a variable as references, and the spec that describes them. */
export interface VariableReferences {
  readonly spec: ArraySpec;
  /** Some at a time in C order of the grid, without those never written. Throws Unsupported when one is no reference. */
  readonly batches: AsyncIterable<readonly ChunkEntry[]>;
  /** The same as columns, where every chunk is a part of one file: large sets are written many times faster from them. */
  readonly parts?: ChunkParts;
}

/** Places of chunks in the file at `href`; the table has no variants. */
export interface ChunkParts {
  readonly href: string;
  readonly table: ChunkTable;
}

const LOCATED_AT_ONCE = 64;
/** Variables whose chunk indexes are read while those before them are written: that is mostly waiting. */
const AHEAD = 8;
/** Chunks after which others get their turn: places that are known take no turn of the event loop by themselves. */
const TURN = 64 * LOCATED_AT_ONCE;
/** Larger grids are no set of references that anybody could read; a hostile shape has 2^60 chunks. */
const MAX_CHUNKS = 2 ** 24;
/** Larger chunks that lie in no file of their own are fetched from the node, if that is possible. */
const MAX_INLINE = 64 * 1024;
/** Variables up to this size are written into the references where there is no other way. */
const MAX_WRITTEN = 4 * 1024 * 1024;

/** Every variable with its references, which are being made for some in advance. */
export function* referVariables(
  variables: Iterable<Variable>,
  options: KerchunkOptions,
): Generator<readonly [Variable, Promise<VariableReferences>]> {
  const started: (readonly [Variable, Promise<VariableReferences>])[] = [];
  for (const variable of variables) {
    const references = referVariable(variable, options);
    // Whoever comes to it is told; it may be nobody.
    references.catch(() => undefined);
    if (started.push([variable, references]) > AHEAD) yield started.shift()!;
  }
  yield* started;
}

async function referVariable(variable: Variable, given: KerchunkOptions): Promise<VariableReferences> {
  const options = { ...given, href: remembered(given.href) };
  const count = product(chunkGrid(variable.spec));
  if (count > MAX_CHUNKS) {
    const reason = `${variable.name} has ${count} chunks; references are made for at most ${MAX_CHUNKS}`;
    throw new GyreError("Unsupported", reason, { subject: variable.name });
  }
  const cut = variable.read === undefined ? await findCut(variable, options) : undefined;
  if (cut === undefined) {
    const parts = await partsOf(variable, options);
    return { spec: variable.spec, batches: refer(variable, options, whole), ...(parts === undefined ? {} : { parts }) };
  }
  const { spec } = variable;
  const chunks = spec.chunks.map((n, axis) => (axis === cut.axis ? cut.size : n));
  // The node knows chunks of its own grid only.
  const { chunkHref: _href, raw: _raw, ...direct } = options;
  return { spec: { ...spec, chunks }, batches: refer(variable, direct, splitter(spec, cut)) };
}

/** Chunk after chunk lies in the same file. */
function remembered(href: KerchunkOptions["href"]): KerchunkOptions["href"] {
  let last: URL | undefined;
  let known: string | undefined;
  return (url) => {
    if (url !== last) [last, known] = [url, href(url)];
    return known;
  };
}

async function partsOf(variable: Variable, options: KerchunkOptions): Promise<ChunkParts | undefined> {
  const { spec, read } = variable;
  // The node answers for chunks that are not there.
  if (read !== undefined || (hidesFill(spec) && options.chunkHref !== undefined)) return undefined;
  const table = await variable.table?.(options);
  const href = table === undefined || table.variants !== undefined ? undefined : options.href(table.url);
  return table === undefined || href === undefined ? undefined : { href, table };
}

type Split = (chunk: readonly number[], ref: ChunkRef) => Iterable<readonly [readonly number[], ChunkRef]>;

async function* refer(variable: Variable, options: KerchunkOptions, split: Split): AsyncGenerator<ChunkEntry[]> {
  let seen = 0;
  for (const chunks of batchesOf(cells(chunkGrid(variable.spec)), LOCATED_AT_ONCE)) {
    if ((seen += chunks.length) % TURN === 0) await nextTurn();
    options.signal?.throwIfAborted();
    const entries: ChunkEntry[] = [];
    const add = (chunk: readonly number[], reference: ChunkReference | undefined): void => {
      if (reference !== undefined) entries.push({ chunk, reference });
    };
    const refs =
      variable.read === undefined
        ? await Promise.all(chunks.map((chunk) => variable.locate(chunk, options)))
        : chunks.map(() => "computed" as const);
    for (const [i, ref] of refs.entries()) {
      const cell = chunks[i]!;
      // Stated as `fill_value` xarray would mask what is missing; the node answers with a chunk of fill.
      const isAnswered = hidesFill(variable.spec) && options.chunkHref !== undefined;
      if (ref === "computed" || (ref === undefined && isAnswered)) add(cell, await elsewhere(variable, cell, options));
      else if (ref !== undefined) {
        for (const [chunk, part] of split(cell, ref)) {
          add(chunk, referTo(part, options) ?? (await elsewhere(variable, chunk, options)));
        }
      }
    }
    yield entries;
  }
}

/** The stored bytes, where they are what the metadata says. */
function referTo(ref: ChunkRef, options: KerchunkOptions): ChunkReference | undefined {
  if (ref.codecs !== undefined || ref.shape !== undefined) return undefined;
  if ("inline" in ref) {
    return ref.inline.byteLength > MAX_INLINE && options.chunkHref !== undefined ? undefined : ref;
  }
  const href = options.href(ref.url);
  return href === undefined ? undefined : { href, range: { offset: ref.offset, length: ref.length } };
}

/** The node's answer, or what it would be. */
async function elsewhere(
  variable: Variable,
  chunk: readonly number[],
  { chunkHref, raw }: KerchunkOptions,
): Promise<ChunkReference | undefined> {
  const { name, spec } = variable;
  if (chunkHref !== undefined) return { href: chunkHref(name, chunk) };
  if (raw === undefined || product(spec.shape) * (itemSize(spec.dtype) ?? Number.POSITIVE_INFINITY) > MAX_WRITTEN) {
    throw new GyreError("Unsupported", `chunk ${chunk.join(".")} of ${name} is no plain byte range`, { subject: name });
  }
  const inline = await raw(variable, chunk);
  return inline && { inline };
}

interface Cut {
  readonly axis: number;
  /** Length of the finer chunks along that axis: it divides the array as well as the chunks. */
  readonly size: number;
}

/**
 * Contiguous arrays have a short last chunk where their length is no multiple of the chunks', but Zarr knows only whole
 * ones. Uncompressed chunks can be cut finer until they fit.
 */
async function findCut(variable: Variable, options: KerchunkOptions): Promise<Cut | undefined> {
  const { shape, chunks, codecs, dtype } = variable.spec;
  const axis = chunks.findIndex((n) => n > 1);
  const isPlain = codecs.length === 1 && codecs[0]?.name === "bytes" && itemSize(dtype) !== undefined;
  if (!isPlain || axis < 0 || shape.includes(0) || shape[axis]! % chunks[axis]! === 0) return undefined;
  if (!chunks.every((n, i) => i <= axis || n === shape[i])) return undefined;
  const last = chunkGrid(variable.spec).map((n, i) => (i === axis ? n - 1 : 0));
  const ref = await variable.locate(last, options);
  // The node answers chunks of its own grid only.
  if (ref !== undefined && "url" in ref && options.href(ref.url) === undefined) return undefined;
  return ref?.shape === undefined ? undefined : { axis, size: greatestDivisor(shape[axis]!, chunks[axis]!) };
}

function splitter({ shape, chunks, dtype }: ArraySpec, { axis, size }: Cut): Split {
  const bytes = product(shape.slice(axis + 1)) * (itemSize(dtype) as number) * size;
  const perChunk = chunks[axis]! / size;
  return function* (chunk, ref) {
    const { shape: stored, ...rest } = ref;
    const parts = (stored?.[axis] ?? chunks[axis]!) / size;
    for (let part = 0; part < parts; part++) {
      const cell = chunk.map((c, i) => (i === axis ? c * perChunk + part : c));
      const start = part * bytes;
      if ("inline" in rest) yield [cell, { ...rest, inline: rest.inline.subarray(start, start + bytes) }];
      else yield [cell, { ...rest, offset: rest.offset + start, length: bytes }];
    }
  };
}

function whole(chunk: readonly number[], ref: ChunkRef): Iterable<readonly [readonly number[], ChunkRef]> {
  return [[chunk, ref]];
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** Every cell of a grid in C order. */
function* cells(grid: readonly number[]): Generator<number[]> {
  const count = product(grid);
  const cell = grid.map(() => 0);
  for (let n = 0; n < count; n++) {
    yield [...cell];
    for (let axis = grid.length - 1; axis >= 0 && ++cell[axis]! === grid[axis]; axis--) cell[axis] = 0;
  }
}
