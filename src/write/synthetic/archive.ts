import type { CodecSpec, IoCall } from "../../core/array.ts";
import type { Files } from "../../files/files.ts";
import { deflated } from "../netcdf4/filters.ts";
import { writeNetcdf4 } from "../netcdf4/write.ts";
import type { Encoder } from "../source.ts";
import { writeZarr } from "../zarr.ts";
import { createEarth } from "./climate.ts";
import { type SyntheticDataset, syntheticDataset, yearly } from "./dataset.ts";

export const ARCHIVE_FORMATS = ["netcdf", "zarr", "cog"] as const;
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];

export interface ArchiveOptions extends IoCall {
  /** Datasets; each is at least one file. */
  readonly count: number;
  readonly format: ArchiveFormat;
  /** Ends in `/`. */
  readonly folder: URL;
  readonly files: Files;
  readonly encoder: Encoder;
  readonly seed?: number;
  /** Rows and columns of the global grid. Default 96 x 192. */
  readonly grid?: readonly [rows: number, columns: number];
  /** Months of each dataset. Default 24, in files of 12. */
  readonly months?: number;
}

/** A file, or a Zarr store, that was written. */
export interface GeneratedFile {
  /** DRS id of its dataset. */
  readonly dataset: string;
  readonly url: URL;
  readonly format: ArchiveFormat;
}

const DEFLATE_LEVEL = 2;
const ZARR_MONTHS = 6;

/**
 * Writes an archive of synthetic CMIP6 datasets in the folders of the data reference syntax: climates with weather on
 * real coastlines. The same options give the same bytes. NetCDF datasets are split in time; Zarr stores are written in
 * version 3 and 2 in turn; GeoTIFFs hold one month each.
 */
export async function* generateArchive(options: ArchiveOptions): AsyncGenerator<GeneratedFile> {
  const { count, seed = 1, grid = [96, 192], months = 24, format } = options;
  const earth = createEarth(...grid);
  for (let index = 0; index < count; index++) {
    options.signal?.throwIfAborted();
    const dataset = syntheticDataset(index, seed, earth, months);
    const folder = new URL(`${dataset.folder}/`, options.folder);
    const written =
      format === "netcdf"
        ? writeYears(dataset, folder, options)
        : writeStore(dataset, folder, index % 2 === 0 ? 3 : 2, options);
    for await (const url of written) yield { dataset: dataset.id, url, format };
  }
}

async function* writeYears(dataset: SyntheticDataset, folder: URL, options: ArchiveOptions): AsyncGenerator<URL> {
  const { files, encoder, signal } = options;
  const call: IoCall = signal === undefined ? {} : { signal };
  for (const stretch of yearly(dataset)) {
    const url = new URL(`${dataset.name(stretch)}.nc`, folder);
    const bytes = writeNetcdf4(dataset.source(stretch, deflated(4, DEFLATE_LEVEL)), { encoder, ...call });
    await files.write?.(url, ReadableStream.from(bytes), { ...call, contentType: "application/x-netcdf" });
    yield url;
  }
}

async function* writeStore(
  dataset: SyntheticDataset,
  folder: URL,
  version: 2 | 3,
  { files, encoder, signal }: ArchiveOptions,
): AsyncGenerator<URL> {
  const whole = { firstMonth: 0, months: dataset.months };
  const codecs: CodecSpec[] = [
    { name: "bytes", configuration: { endian: "little" } },
    { name: "zstd", configuration: { level: 3 } },
  ];
  const url = new URL(`${dataset.name(whole)}.zarr/`, folder);
  const source = dataset.source(whole, codecs, ZARR_MONTHS);
  await writeZarr(source, url, { files, encoder, version, ...(signal === undefined ? {} : { signal }) });
  yield url;
}
