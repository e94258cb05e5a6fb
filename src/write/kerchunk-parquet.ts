import { zstdCompressSync } from "node:zlib";
import { chunkGrid, type Dataset, product, strides } from "../core/array.ts";
import { isGyreError } from "../errors.ts";
import { type ChunkEntry, type ChunkReference, type KerchunkOptions, referVariables } from "./kerchunk-references.ts";
import type { JsonObject } from "./zarr-fill.ts";
import { groupDocumentsV2, toZarrV2 } from "./zarr-v2.ts";

/** One file of a reference set: its path in the folder, and what it holds. */
export interface ReferenceFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface KerchunkParquetOptions extends KerchunkOptions {
  /** Rows of one file. */
  readonly recordSize?: number;
}

/**
 * A dataset as kerchunk references in Parquet, file by file, for a ZIP archive or a folder: `{variable}/refs.{n}.parq`,
 * and at the end `.zmetadata`. One file is in memory at a time.
 */
export async function* kerchunkParquet(
  dataset: Dataset,
  { recordSize = 100_000, ...options }: KerchunkParquetOptions,
): AsyncGenerator<ReferenceFile> {
  const metadata: (readonly [string, JsonObject])[] = [...groupDocumentsV2(dataset)];
  for (const [variable, referring] of referVariables(dataset.variables.values(), options)) {
    const { name } = variable;
    try {
      toZarrV2(variable.spec);
      const { spec, batches } = await referring;
      const grid = chunkGrid(spec);
      let count = 0;
      for await (const record of recordsOf(batches, grid, recordSize)) {
        count += record.count;
        yield { name: `${name}/refs.${record.number}.parq`, bytes: await record.toParquet() };
      }
      const { zarray, zattrs } = toZarrV2(spec, { fill: count < product(grid) ? "exact" : "cf" });
      metadata.push([`${name}/.zarray`, zarray], [`${name}/.zattrs`, zattrs]);
    } catch (error) {
      // A folder without metadata is no array: readers never see the files written so far.
      if (!isGyreError(error, "Unsupported")) throw error;
      options.onOmitted?.(name, error.message);
    }
  }
  const document = { metadata: Object.fromEntries(metadata), record_size: recordSize };
  yield { name: ".zmetadata", bytes: new TextEncoder().encode(JSON.stringify(document)) };
}

/** A file of references without any, for readers that ask a server for every file of the grid. */
export function withoutReferences(rows: number): Promise<Uint8Array> {
  return new Rows(0, rows).toParquet();
}

/** Records in which there is at least one chunk; a file that is not there holds none. */
async function* recordsOf(
  batches: AsyncIterable<readonly ChunkEntry[]>,
  grid: readonly number[],
  recordSize: number,
): AsyncGenerator<Rows> {
  const total = product(grid);
  const steps = strides(grid);
  let rows: Rows | undefined;
  for await (const batch of batches) {
    for (const { chunk, reference } of batch) {
      const at = chunk.reduce((sum, c, i) => sum + c * steps[i]!, 0);
      const number = Math.floor(at / recordSize);
      if (rows !== undefined && rows.number !== number) {
        yield rows;
        rows = undefined;
      }
      rows ??= new Rows(number, Math.min(recordSize, total - number * recordSize));
      rows.set(at - number * recordSize, reference);
    }
  }
  if (rows !== undefined) yield rows;
}

class Rows {
  readonly number: number;
  /** Rows that hold a chunk. */
  count = 0;
  readonly #path: (string | null)[];
  readonly #offset: BigInt64Array;
  readonly #size: BigInt64Array;
  readonly #raw: (Uint8Array | null)[];

  constructor(number: number, length: number) {
    this.number = number;
    this.#path = new Array<string | null>(length).fill(null);
    this.#offset = new BigInt64Array(length);
    this.#size = new BigInt64Array(length);
    this.#raw = new Array<Uint8Array | null>(length).fill(null);
  }

  set(row: number, reference: ChunkReference): void {
    this.count++;
    if ("inline" in reference) {
      this.#raw[row] = reference.inline;
      return;
    }
    this.#path[row] = reference.href;
    // Offset and size of zero: the whole file.
    this.#offset[row] = BigInt(reference.range?.offset ?? 0);
    this.#size[row] = BigInt(reference.range?.length ?? 0);
  }

  async toParquet(): Promise<Uint8Array> {
    const { parquetWriteBuffer } = await import("hyparquet-writer");
    const hasRaw = this.#raw.some((bytes) => bytes !== null);
    const buffer = parquetWriteBuffer({
      columnData: [
        { name: "path", data: this.#path, type: "STRING", nullable: true },
        { name: "offset", data: this.#offset, type: "INT64", nullable: false },
        { name: "size", data: this.#size, type: "INT64", nullable: false },
        // fsspec takes an absent column for nulls, but a null in a column may come to it as NaN.
        ...(hasRaw ? [{ name: "raw", data: this.#raw, type: "BYTE_ARRAY" as const, nullable: true }] : []),
      ],
      rowGroupSize: this.#path.length,
      // fastparquet reads integers as floats where no statistics say that none is null.
      statistics: true,
      codec: "ZSTD",
      compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
    });
    return new Uint8Array(buffer);
  }
}
