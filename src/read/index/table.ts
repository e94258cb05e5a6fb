import {
  type ChunkRef,
  type ChunkTable,
  type CodecSpec,
  chunkGrid,
  type IoCall,
  inGrid,
  product,
  strides,
  type Variable,
} from "../../core/array.ts";
import { asBytes, type TypedArray } from "../../core/dtype.ts";
import { badSource } from "../../errors.ts";
import { fromPortable, toPortable } from "./portable.ts";

/** Where chunks lie: a file, or the table itself. */
type Home = { readonly url: URL; readonly etag?: string } | "inline";

/** What a chunk has beside its place, when it is not as all others. */
interface Variant {
  readonly codecs?: readonly CodecSpec[];
  readonly shape?: readonly number[];
}

/** Where every stored chunk of a variable lies, in columns. Row-major over the chunk grid. */
export interface LocationTable {
  readonly homes: readonly Home[];
  /** The first is that of most chunks: nothing special. */
  readonly variants: readonly Variant[];
  /** Linear cell of each entry, ascending; absent when entry `i` is cell `i`. */
  readonly cells?: Float64Array;
  /** In the home; -1: never written. */
  readonly offsets: Float64Array;
  readonly lengths: Float64Array | Uint32Array;
  /** Indices; absent when all are 0. */
  readonly homeOf?: Uint32Array;
  readonly variantOf?: Uint16Array;
  readonly inline: Uint8Array;
}

/** Cells that are walked at most to make a table; variables with more are asked of their file. */
const MAX_CELLS = 1_048_576;
const MAX_INLINE = 4 * 1024 * 1024;
const MAX_VARIANTS = 65_535;

/**
 * The table of a variable, or undefined when it is better asked of its file: values that are computed or that do not
 * lie in their chunks, and grids too large to walk.
 */
export async function tableOf(variable: Variable, call?: IoCall): Promise<LocationTable | undefined> {
  if (variable.read !== undefined) return undefined;
  const known = await variable.table?.(call);
  if (known !== undefined) {
    const { url, etag, cells, offsets, lengths, variants, codecs } = known;
    return {
      homes: [etag === undefined ? { url } : { url, etag }],
      variants: [{}, ...codecs.map((list) => ({ codecs: list }))],
      ...(cells === undefined ? {} : { cells }),
      offsets,
      lengths,
      ...(variants === undefined ? {} : { variantOf: Uint16Array.from(variants) }),
      inline: new Uint8Array(0),
    };
  }
  return walk(variable, call);
}

/** The same in the model's terms; undefined where they have none for it. */
export function toChunkTable({ homes, variants, variantOf, ...columns }: LocationTable): ChunkTable | undefined {
  const [home] = homes;
  if (homes.length !== 1 || home === undefined || home === "inline") return undefined;
  const [, ...others] = variants.map(({ codecs, shape }) => (shape === undefined ? codecs : undefined));
  if (others.includes(undefined)) return undefined;
  const { cells, offsets, lengths } = columns;
  return {
    url: home.url,
    etag: home.etag,
    ...(cells === undefined ? {} : { cells }),
    offsets,
    lengths,
    ...(variantOf === undefined ? {} : { variants: variantOf }),
    codecs: others.filter((codecs) => codecs !== undefined),
  };
}

async function walk(variable: Variable, call?: IoCall): Promise<LocationTable | undefined> {
  const grid = chunkGrid(variable.spec);
  const count = product(grid);
  if (count > MAX_CELLS) return undefined;
  const offsets = new Float64Array(count).fill(-1);
  const lengths = new Float64Array(count);
  const homeOf = new Uint32Array(count);
  const variantOf = new Uint16Array(count);
  const homes = new Map<string, { index: number; home: Home }>();
  const variants = new Map<string, { index: number; variant: Variant }>([["{}", { index: 0, variant: {} }]]);
  const inline: Uint8Array[] = [];
  let inlineBytes = 0;
  const chunk = grid.map(() => 0);
  for (let cell = 0; cell < count; cell++) {
    const ref = await variable.locate([...chunk], call);
    advance(chunk, grid);
    if (ref === undefined) continue;
    const home: Home =
      "inline" in ref ? "inline" : ref.etag === undefined ? { url: ref.url } : { url: ref.url, etag: ref.etag };
    const homeKey = home === "inline" ? home : `${home.url.href} ${home.etag}`;
    if (!homes.has(homeKey)) homes.set(homeKey, { index: homes.size, home });
    homeOf[cell] = homes.get(homeKey)!.index;
    const variant: Variant = {
      ...(ref.codecs === undefined ? {} : { codecs: ref.codecs }),
      ...(ref.shape === undefined ? {} : { shape: ref.shape }),
    };
    const variantKey = JSON.stringify(variant);
    if (!variants.has(variantKey)) variants.set(variantKey, { index: variants.size, variant });
    if (variants.size > MAX_VARIANTS) return undefined;
    variantOf[cell] = variants.get(variantKey)!.index;
    if ("inline" in ref) {
      offsets[cell] = inlineBytes;
      lengths[cell] = ref.inline.byteLength;
      inlineBytes += ref.inline.byteLength;
      if (inlineBytes > MAX_INLINE) return undefined;
      inline.push(ref.inline);
    } else {
      offsets[cell] = ref.offset;
      lengths[cell] = ref.length;
    }
  }
  return {
    homes: [...homes.values()].map(({ home }) => home),
    variants: [...variants.values()].map(({ variant }) => variant),
    offsets,
    lengths,
    ...(homes.size > 1 ? { homeOf } : {}),
    ...(variants.size > 1 ? { variantOf } : {}),
    inline: new Uint8Array(Buffer.concat(inline)),
  };
}

function advance(chunk: number[], grid: readonly number[]): void {
  for (let i = grid.length - 1; i >= 0; i--) {
    if (++chunk[i]! < grid[i]!) return;
    chunk[i] = 0;
  }
}

/** `locate` over a table. */
export function locator(
  spec: Variable["spec"],
  table: LocationTable,
): (chunk: readonly number[]) => ChunkRef | undefined {
  const steps = strides(chunkGrid(spec));
  const { cells, offsets, lengths, homes, variants, homeOf, variantOf, inline } = table;
  return (chunk) => {
    if (!inGrid(spec, chunk)) return undefined;
    let cell = 0;
    for (let i = 0; i < chunk.length; i++) cell += chunk[i]! * steps[i]!;
    const entry = cells === undefined ? cell : search(cells, cell);
    const offset = entry === undefined ? undefined : offsets[entry];
    if (entry === undefined || offset === undefined || offset < 0) return undefined;
    const length = lengths[entry]!;
    const home = homes[homeOf?.[entry] ?? 0]!;
    const variant = variants[variantOf?.[entry] ?? 0];
    return home === "inline"
      ? { inline: inline.subarray(offset, offset + length), ...variant }
      : { url: home.url, offset, length, ...(home.etag === undefined ? {} : { etag: home.etag }), ...variant };
  };
}

function search(cells: Float64Array, cell: number): number | undefined {
  let low = 0;
  let high = cells.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cells[middle]! < cell) low = middle + 1;
    else high = middle;
  }
  return cells[low] === cell ? low : undefined;
}

const COLUMNS = {
  cells: Float64Array,
  offsets: Float64Array,
  lengths: Float64Array,
  homeOf: Uint32Array,
  variantOf: Uint16Array,
  inline: Uint8Array,
} as const;

type ColumnName = keyof typeof COLUMNS;

/** A table as bytes: a JSON head, then columns at multiples of 8. Offsets are kept as gaps behind the last chunk. */
export function packTable(table: LocationTable): Uint8Array {
  const gaps = new Float64Array(table.offsets.length);
  let end = 0;
  for (let i = 0; i < gaps.length; i++) {
    const offset = table.offsets[i]!;
    gaps[i] = offset < 0 ? Number.NaN : offset - end;
    if (offset >= 0) end = offset + table.lengths[i]!;
  }
  const columns: [ColumnName, TypedArray][] = [
    ["offsets", gaps],
    ["lengths", Float64Array.from(table.lengths)],
    ["inline", table.inline],
  ];
  for (const name of ["cells", "homeOf", "variantOf"] as const) {
    const column = table[name];
    if (column !== undefined) columns.push([name, column]);
  }
  const head = Buffer.from(
    JSON.stringify({
      homes: toPortable(table.homes),
      variants: toPortable(table.variants),
      columns: columns.map(([name, { length }]) => [name, length]),
    }),
  );
  const parts: Uint8Array[] = [Buffer.from(Uint32Array.of(head.length, 0).buffer), head, padding(head.length)];
  for (const [, column] of columns) parts.push(asBytes(column), padding(column.byteLength));
  return new Uint8Array(Buffer.concat(parts));
}

/** The table again, its columns as views of `bytes`. Throws BadSource when the bytes are not a table. */
export function unpackTable(bytes: Uint8Array): LocationTable {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
  const { buffer, byteOffset, byteLength } = aligned;
  if (byteLength < 8) throw badSource("index", 0, "a table of chunks is cut off");
  const headLength = new DataView(buffer, byteOffset).getUint32(0, true);
  const head = JSON.parse(Buffer.from(aligned.subarray(8, 8 + headLength)).toString()) as {
    homes: unknown;
    variants: unknown;
    columns: [ColumnName, number][];
  };
  let at = 8 + headLength + padding(headLength).length;
  const columns: Partial<Record<ColumnName, TypedArray>> = {};
  for (const [name, count] of head.columns) {
    const type = COLUMNS[name];
    const size = count * type.BYTES_PER_ELEMENT;
    if (at + size > byteLength) throw badSource("index", at, `column ${name} is cut off`);
    columns[name] = new type(buffer as ArrayBuffer, byteOffset + at, count);
    at += size + padding(size).length;
  }
  const gaps = columns.offsets as Float64Array;
  const lengths = columns.lengths as Float64Array;
  const offsets = new Float64Array(gaps.length);
  let end = 0;
  for (let i = 0; i < gaps.length; i++) {
    const gap = gaps[i]!;
    offsets[i] = Number.isNaN(gap) ? -1 : end + gap;
    if (Number.isNaN(gap)) continue;
    end = offsets[i]! + lengths[i]!;
    if (!(offsets[i]! >= 0 && lengths[i]! >= 0 && Number.isSafeInteger(end))) {
      throw badSource("index", 0, `a chunk of ${lengths[i]} bytes at ${offsets[i]}`);
    }
  }
  const table = {
    ...(columns as Pick<LocationTable, "inline" | "cells" | "homeOf" | "variantOf">),
    homes: fromPortable(head.homes) as Home[],
    variants: fromPortable(head.variants) as Variant[],
    offsets,
    lengths,
  };
  if (!isConsistent(table)) throw badSource("index", 0, "the columns of a table of chunks do not fit together");
  return table;
}

function isConsistent({ homes, variants, inline, cells, offsets, lengths, homeOf, variantOf }: LocationTable): boolean {
  const count = offsets.length;
  const isFit = (column: { readonly length: number } | undefined): boolean => (column?.length ?? count) === count;
  const isHome = (home: Home): boolean => home === "inline" || home.url instanceof URL;
  const isBelow = (column: Iterable<number> | undefined, limit: number): boolean => {
    for (const n of column ?? []) if (n >= limit) return false;
    return limit > 0 || count === 0;
  };
  return (
    [cells, lengths, homeOf, variantOf].every(isFit) &&
    homes.every(isHome) &&
    isBelow(homeOf, homes.length) &&
    isBelow(variantOf, variants.length) &&
    inline instanceof Uint8Array
  );
}

function padding(length: number): Uint8Array {
  return new Uint8Array((8 - (length % 8)) % 8);
}
