import type { CodecSpec, IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { writeCog } from "../cog.ts";
import { deflated } from "../netcdf4/filters.ts";
import { writeNetcdf4 } from "../netcdf4/write.ts";
import type { Encoder } from "../source.ts";
import { writeZarr } from "../zarr.ts";
import { createEarth } from "./climate.ts";
import { pieces, type SyntheticDataset, syntheticDataset } from "./dataset.ts";
import { monthRaster } from "./raster.ts";

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

const DEFAULT_SEED = 1;
const NETCDF_MONTHS = 12;
const DEFLATE_LEVEL = 2;
const ZARR_CHUNK_MONTHS = 6;
const COG_TILE = 256;

/**
 * Writes an archive of synthetic CMIP6 datasets in the folders of the data reference syntax: climates with weather on
 * real coastlines. The same options give the same bytes. NetCDF datasets are split in time; Zarr stores are written in
 * version 3 and 2 in turn; GeoTIFFs hold one month each.
 */
export async function* generateArchive(options: ArchiveOptions): AsyncGenerator<GeneratedFile> {
  const { count, seed = DEFAULT_SEED, grid = [96, 192], months = 24, format } = options;
  const earth = createEarth(...grid);
  for (let index = 0; index < count; index++) {
    options.signal?.throwIfAborted();
    const dataset = syntheticDataset(index, seed, earth, months);
    const folder = new URL(`${dataset.folder}/`, options.folder);
    const written = WRITERS[format](dataset, folder, options, index);
    for await (const url of written) yield { dataset: dataset.id, url, format };
  }
}

type Writer = (
  dataset: SyntheticDataset,
  folder: URL,
  options: ArchiveOptions,
  index: number,
) => AsyncGenerator<URL, void, undefined>;

const WRITERS: Readonly<Record<ArchiveFormat, Writer>> = {
  async *netcdf(dataset, folder, options) {
    const { encoder } = options;
    for (const stretch of pieces(dataset, NETCDF_MONTHS)) {
      const source = dataset.source(stretch, deflated(4, DEFLATE_LEVEL));
      const bytes = writeNetcdf4(source, { encoder, ...callOf(options) });
      yield await save(new URL(`${dataset.name(stretch)}.nc`, folder), bytes, "application/x-netcdf", options);
    }
  },

  async *zarr(dataset, folder, options, index) {
    const whole = { firstMonth: 0, months: dataset.months };
    const codecs: CodecSpec[] = [
      { name: "bytes", configuration: { endian: "little" } },
      { name: "zstd", configuration: { level: 3 } },
    ];
    const url = new URL(`${dataset.name(whole)}.zarr/`, folder);
    const { files, encoder } = options;
    const version = index % 2 === 0 ? 3 : 2;
    await writeZarr(dataset.source(whole, codecs, ZARR_CHUNK_MONTHS), url, {
      files,
      encoder,
      version,
      ...callOf(options),
    });
    yield url;
  },

  async *cog(dataset, folder, options) {
    const { encoder, seed = DEFAULT_SEED } = options;
    let firstMonth = 0;
    for (const field of dataset.fields({ firstMonth, months: dataset.months })) {
      const stretch = { firstMonth: firstMonth++, months: 1 };
      const { raster, description } = monthRaster(dataset, field, stretch, seed);
      const bytes = writeCog(raster, { ...description, encoder, tile: COG_TILE, ...callOf(options) });
      yield await save(new URL(`${dataset.name(stretch)}.tif`, folder), bytes, "image/tiff", options);
    }
  },
};

function callOf({ signal }: IoCall): IoCall {
  return signal === undefined ? {} : { signal };
}

async function save(
  url: URL,
  bytes: AsyncIterable<Uint8Array>,
  contentType: string,
  options: ArchiveOptions,
): Promise<URL> {
  const { files } = options;
  if (files.write === undefined) throw new GyreError("Unsupported", `${url} lies where nothing can be written`);
  await files.write(url, ReadableStream.from(bytes), { ...callOf(options), contentType });
  return url;
}
