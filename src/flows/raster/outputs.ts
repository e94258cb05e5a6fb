import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import type { ArraySpec, CodecSpec, IoCall } from "../../core/array.ts";
import { isComplex, isFloat, isNumeric, itemSize } from "../../core/dtype.ts";
import { createLocalFiles } from "../../files/local.ts";
import { writeCog } from "../../write/cog.ts";
import { deflated } from "../../write/netcdf4/filters.ts";
import { writeNetcdf4 } from "../../write/netcdf4/write.ts";
import type { Encoder, Source } from "../../write/source.ts";
import { writeZarr } from "../../write/zarr.ts";
import type { Clipped, ClippedDataset } from "./clip.ts";
import { withConstantTiles } from "./constant-tiles.ts";
import { cutSource } from "./cut-source.ts";
import { imageOf } from "./image.ts";
import { withReadAhead } from "./read-ahead.ts";

export type Compression = "deflate" | "zstd" | "none";

export interface OutputOptions extends IoCall {
  readonly encoder: Encoder;
  readonly compression?: Compression;
  readonly level?: number;
  /** Reduced images beside the whole one. Default: true. */
  readonly overviews?: boolean;
  /** For temporary files. */
  readonly scratch?: string;
  /** Told of bytes that were written. */
  readonly wrote?: (bytes: number) => void;
}

/** Writes one variable as a Cloud Optimized GeoTIFF: tiles, compressed, with its CRS. */
export async function writeGeotiff(path: string, clipped: Clipped, options: OutputOptions): Promise<void> {
  const { raster, description, tile } = imageOf(clipped);
  const { encoder, compression = "deflate", level, overviews = true, signal, scratch } = options;
  const bytes = writeCog(withReadAhead(raster), {
    ...description,
    encoder: withConstantTiles(encoder),
    compression,
    tile,
    overviews: overviews ? reduction(clipped.spec) : "none",
    ...(level === undefined ? {} : { level }),
    ...(signal === undefined ? {} : { signal }),
    ...(scratch === undefined ? {} : { scratch }),
  });
  await toFile(path, bytes, options);
}

/** Integers may be classes, of which there is no mean; scaled ones are measured. */
function reduction({ dtype, attrs }: ArraySpec): "average" | "nearest" {
  const isMeasured = isFloat(dtype) || attrs.has("scale_factor");
  return isMeasured && !isComplex(dtype) ? "average" : "nearest";
}

/** Writes everything that was clipped as one NetCDF-4 file. */
export async function writeNetcdf(path: string, clipped: ClippedDataset, options: OutputOptions): Promise<void> {
  const { encoder, compression = "deflate", level, signal } = options;
  const source = cutSource(clipped, ({ dtype }) => netcdfCodecs(itemSize(dtype) ?? 1, compression, level));
  await toFile(path, writeNetcdf4(source, { encoder, ...(signal === undefined ? {} : { signal }) }), options);
}

function netcdfCodecs(size: number, compression: Compression, level: number | undefined): CodecSpec[] {
  const [bytes, ...rest] = deflated(size, level);
  if (compression === "deflate") return [bytes!, ...rest];
  if (compression === "none") return [bytes!];
  return [
    bytes!,
    ...rest.filter(({ name }) => name === "shuffle"),
    { name: "zstd", configuration: { level: level ?? 3 } },
  ];
}

/** Writes everything that was clipped as a Zarr (version 3) store in a folder. */
export async function writeZarrStore(path: string, clipped: ClippedDataset, options: OutputOptions): Promise<void> {
  const { encoder, compression = "zstd", level, signal, wrote } = options;
  const files = createLocalFiles();
  const source: Source = cutSource(clipped, ({ dtype }) => zarrCodecs(isNumeric(dtype), compression, level));
  const counted: Encoder = {
    async encode(...call) {
      const bytes = await encoder.encode(...call);
      wrote?.(bytes.byteLength);
      return bytes;
    },
  };
  try {
    const folder = pathToFileURL(`${path}/`);
    await writeZarr(source, folder, { files, encoder: counted, ...(signal === undefined ? {} : { signal }) });
  } finally {
    await files.close?.();
  }
}

function zarrCodecs(isNumber: boolean, compression: Compression, level: number | undefined): CodecSpec[] {
  const bytes: CodecSpec = { name: "bytes", configuration: { endian: "little" } };
  if (compression === "none" || !isNumber) return [bytes];
  if (compression === "deflate") return [bytes, { name: "gzip", configuration: { level: level ?? 5 } }];
  return [bytes, { name: "zstd", configuration: { level: level ?? 3, checksum: false } }];
}

/** Streams bytes to a new file. */
async function toFile(path: string, bytes: AsyncIterable<Uint8Array>, { signal, wrote }: OutputOptions): Promise<void> {
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const part of bytes) {
      yield part;
      wrote?.(part.byteLength);
    }
  };
  await pipeline(
    Readable.from(counted()),
    createWriteStream(path, { flags: "wx" }),
    signal === undefined ? {} : { signal },
  );
}
