import type { Compressors } from "hyparquet";
import type { Json } from "../../core/array.ts";
import { parquetCompressors } from "../../core/parquet.ts";
import { badSource, isGyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { urlOfKey } from "../../files/keys.ts";
import { Recent } from "../recent.ts";
import { isObject, type JsonObject, wholeNumbers } from "../zarr/json.ts";
import { checkedReference, inlineBytes, type Reference, type References } from "./references.ts";

/** One `refs.N.parq` in memory: a row for each chunk. */
interface Record {
  readonly rows: number;
  readonly path: ArrayLike<unknown>;
  readonly offset: Float64Array;
  readonly size: Float64Array;
  readonly raw: ArrayLike<unknown>;
}

const MAX_FILE = 512 * 1024 * 1024;
const MAX_ROWS = 4_000_000;
const KEPT_RECORDS = 16;

/**
 * Reads references from a folder of Parquet files (fsspec's LazyReferenceMapper): `{array}/refs.{n}.parq` has the
 * chunks `n * record_size` onwards, counted in C order over the chunk grid.
 */
export function referencesFromParquet(files: Files, folder: URL, zmetadata: JsonObject): References {
  const [recordSize = 0] = wholeNumbers([zmetadata.record_size ?? 0], 1) ?? [];
  const metadata = isObject(zmetadata.metadata) ? zmetadata.metadata : {};
  if (recordSize === 0) throw badSource(folder, undefined, "record_size in .zmetadata is no number of rows");
  const records = new Recent<Record | undefined>(KEPT_RECORDS);

  return {
    keys: () => Object.keys(metadata),
    async get(key) {
      if (Object.hasOwn(metadata, key)) return Buffer.from(JSON.stringify(metadata[key]));
      const place = placeOf(metadata, key);
      if (place === undefined) return undefined;
      const record = Math.floor(place.chunk / recordSize);
      const name = `${place.array}/refs.${record}.parq`;
      const url = urlOfKey(folder, name);
      const refs = url && (await records.get(name, () => readRecord(files, url)));
      return refs && url && rowOf(refs, place.chunk % recordSize, url, key);
    },
  };
}

/** Array and chunk number of a chunk key; undefined when there is no such array or chunk. */
function placeOf(metadata: JsonObject, key: string): { readonly array: string; readonly chunk: number } | undefined {
  for (let cut = key.lastIndexOf("/"); cut > 0; cut = key.lastIndexOf("/", cut - 1)) {
    const array = key.slice(0, cut);
    const zarray: Json | undefined = Object.hasOwn(metadata, `${array}/.zarray`)
      ? metadata[`${array}/.zarray`]
      : undefined;
    if (!isObject(zarray)) continue;
    const shape = wholeNumbers(zarray.shape, 0);
    const chunks = wholeNumbers(zarray.chunks, 1);
    const index = key
      .slice(cut + 1)
      .split(/[./]/)
      .map(Number);
    if (shape === undefined || chunks?.length !== shape.length) return undefined;
    if (shape.length === 0) return { array, chunk: 0 };
    const grid = shape.map((n, i) => Math.ceil(n / chunks[i]!));
    if (index.length !== grid.length || !index.every((c, i) => Number.isInteger(c) && c >= 0 && c < grid[i]!))
      return undefined;
    return { array, chunk: index.reduce((sum, c, i) => sum * grid[i]! + c, 0) };
  }
  return undefined;
}

function rowOf(refs: Record, row: number, url: URL, key: string): Reference | undefined {
  if (row >= refs.rows) return undefined;
  const raw = refs.raw[row];
  if (raw instanceof Uint8Array) return isBase64(raw) ? inlineBytes(Buffer.from(raw).toString("latin1")) : raw;
  const path = refs.path[row];
  if (typeof path !== "string") return undefined;
  const [offset, size] = [refs.offset[row] ?? 0, refs.size[row] ?? 0];
  return checkedReference(url, key, path, offset, offset === 0 && size === 0 ? undefined : size);
}

function isBase64(raw: Uint8Array): boolean {
  return raw.byteLength >= 7 && Buffer.from(raw.buffer, raw.byteOffset, 7).toString("latin1") === "base64:";
}

/** Without a caller's signal: the result is shared by all who wait for it. */
async function readRecord(files: Files, url: URL): Promise<Record | undefined> {
  const info = await files.head(url);
  if (info === undefined) return undefined;
  if (info.size > MAX_FILE) throw badSource(url, undefined, `${info.size} bytes of references in one file`);
  const bytes = await files.read(url);
  if (bytes === undefined) return undefined;
  // A copy of its own, from offset 0: a Buffer's `slice` would only be another view.
  const { buffer } = new Uint8Array(bytes);
  const file = { byteLength: buffer.byteLength, slice: (start: number, end?: number) => buffer.slice(start, end) };
  const { parquetMetadataAsync, parquetScan } = await import("hyparquet");
  try {
    const parsed = await parquetMetadataAsync(file);
    const rows = Number(parsed.num_rows);
    if (!(rows >= 0 && rows <= MAX_ROWS)) throw badSource(url, undefined, `${rows} references in one file`);
    const present = new Set(parsed.schema.map(({ name }) => name));
    const column = async (name: string, utf8 = true): Promise<ArrayLike<unknown>> => {
      if (!present.has(name)) return [];
      const scan = await parquetScan({ file, metadata: parsed, columns: [name], compressors: COMPRESSORS, utf8 });
      const values: unknown[] = [];
      for (const range of scan.ranges) {
        for (const value of await scan.readColumn({ column: name, ...range })) values.push(value);
      }
      return values;
    };
    const numbers = async (name: string): Promise<Float64Array> => Float64Array.from(await column(name), Number);
    return {
      rows,
      path: await column("path"),
      offset: await numbers("offset"),
      size: await numbers("size"),
      raw: await column("raw", false),
    };
  } catch (error) {
    if (isGyreError(error)) throw error;
    throw badSource(url, undefined, `is no Parquet file of references: ${(error as Error).message}`, error);
  }
}

const COMPRESSORS: Compressors = parquetCompressors(MAX_FILE);
