import type { CodecSpec, IoCall } from "../core/array.ts";
import { type DType, dtypeName, isComplex, isFloat, isNumeric, type TypedArray } from "../core/dtype.ts";
import { tiffCodecs } from "../core/tiff/codecs.ts";
import { sampleFormat } from "../core/tiff/samples.ts";
import { Compression, FieldType, Photometric, Subfile, Tag } from "../core/tiff/tags.ts";
import { GyreError } from "../errors.ts";
import { type Description, descriptionEntries, sampleEntries } from "./cog/description.ts";
import { type Entry, headerBytes, type PlannedDirectory } from "./cog/header.ts";
import { LEADER, type Level, levelSizes, Pyramid, TRAILER } from "./cog/pyramid.ts";
import type { Resampling } from "./cog/reduce.ts";
import { createScratch } from "./cog/scratch.ts";
import type { Encoder } from "./source.ts";

/** An image to write, asked for its rows from top to bottom, each once. */
export interface Raster {
  readonly dtype: DType;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  /** `count` rows from `first` on: one plane of values in C order per band. */
  rows(first: number, count: number, call?: IoCall): Promise<readonly TypedArray[]>;
}

export interface CogOptions extends Description, IoCall {
  readonly encoder: Encoder;
  /** Default `deflate`. */
  readonly compression?: "none" | "lzw" | "deflate" | "zstd";
  /** Level of deflate (default 6) or zstd (default 9). */
  readonly level?: number;
  /** Default `true`: differences of integers (TIFF predictor 2), of the bytes of floating point numbers (3). */
  readonly predictor?: boolean;
  /** Pixels of a tile's side, a multiple of 16. Default 512. */
  readonly tile?: number;
  /** How reduced images are made. Default `average`; classes and palettes want `nearest`. */
  readonly overviews?: Resampling | "none";
  /** Default: only when the file would not fit into 4 GiB. */
  readonly bigTiff?: boolean;
  /** Folder for temporary files; default the system's. */
  readonly scratch?: string;
}

const COMPRESSIONS = {
  none: Compression.None,
  lzw: Compression.Lzw,
  deflate: Compression.Deflate,
  zstd: Compression.Zstd,
} as const;

/** Offsets up to 4 GiB fit into classic TIFF. */
const CLASSIC_LIMIT = 2 ** 32;

/**
 * A Cloud Optimized GeoTIFF, as bytes in file order: directories first, then the tiles of the coarsest level to those
 * of the finest. The image is read once; encoded tiles wait in temporary files, as their sizes come before them.
 */
export async function* writeCog(raster: Raster, options: CogOptions): AsyncGenerator<Uint8Array> {
  const { tile = 512, overviews = "average", encoder, signal, scratch } = options;
  check(raster, tile, options);
  const codecs = codecsOf(raster, tile, options);
  const shape = raster.bands === 1 ? [tile, tile] : [tile, tile, raster.bands];
  const call: IoCall = signal === undefined ? {} : { signal };
  const sizes = levelSizes(raster.width, raster.height, tile).slice(0, overviews === "none" ? 1 : undefined);
  const levels: Level[] = sizes.map((size) => ({ ...size, sizes: [], scratch: createScratch(undefined, scratch) }));
  try {
    const pyramid = new Pyramid(levels, {
      dtype: raster.dtype,
      bands: raster.bands,
      tile,
      resampling: overviews === "none" ? "nearest" : overviews,
      nodata: storedNodata(raster.dtype, options.nodata),
      padding: paddingOf(raster.dtype, options.nodata),
      encode: (values) => encoder.encode(codecs, { dtype: raster.dtype, shape }, values, shape, call),
    });
    for (let first = 0; first < raster.height; first += tile) {
      signal?.throwIfAborted();
      const count = Math.min(tile, raster.height - first);
      await pyramid.push(await raster.rows(first, count, call), count);
    }
    yield header(raster, levels, tile, options);
    for (const level of levels.toReversed()) yield* level.scratch.read();
  } finally {
    await Promise.all(levels.map((level) => level.scratch.close()));
  }
}

function check({ dtype, width, height, bands }: Raster, tile: number, { nodata, colours }: CogOptions): void {
  const refuse = (message: string): never => {
    throw new GyreError("BadRequest", message);
  };
  const isCount = (n: number, most: number): boolean => Number.isInteger(n) && n >= 1 && n <= most;
  if (sampleFormat(dtype) === undefined || !isNumeric(dtype)) refuse(`GeoTIFF has no samples of ${dtypeName(dtype)}`);
  if (!isCount(width, 2 ** 31) || !isCount(height, 2 ** 31)) refuse(`an image of ${width} x ${height} pixels`);
  if (!isCount(bands, 65535)) refuse(`${bands} bands`);
  if (!isCount(tile, 16384) || tile % 16 !== 0) refuse(`tiles of ${tile} pixels: a multiple of 16 is needed`);
  if (typeof nodata === "bigint" && dtype !== "int64" && dtype !== "uint64") refuse("nodata of another type");
  if (typeof colours === "object" && (dtype !== "uint8" || bands !== 1 || colours.palette.length !== 3 * 256)) {
    refuse("a palette is 256 colours for one band of uint8");
  }
  if ((colours === "rgb" && bands < 3) || (colours === "rgba" && bands < 4)) refuse(`${colours} of ${bands} bands`);
}

/** As it lies among the values: rounded to their width. */
function storedNodata(dtype: DType, nodata: number | bigint | undefined): number | undefined {
  if (nodata === undefined) return undefined;
  const value = Number(nodata);
  return dtype === "float32" ? Math.fround(value) : dtype === "float16" ? Math.f16round(value) : value;
}

function paddingOf(dtype: DType, nodata: number | bigint | undefined): number | bigint {
  if (dtype === "int64" || dtype === "uint64") return BigInt(nodata ?? 0);
  return Number(nodata ?? 0);
}

function predictorOf(dtype: DType, { compression = "deflate", predictor = true }: CogOptions): number {
  if (!predictor || compression === "none" || isComplex(dtype)) return 1;
  return isFloat(dtype) ? 3 : 2;
}

function codecsOf(raster: Raster, tile: number, options: CogOptions): CodecSpec[] {
  const { compression = "deflate", level } = options;
  const { format, bits } = sampleFormat(raster.dtype)!;
  const shape = raster.bands === 1 ? [tile, tile] : [tile, tile, raster.bands];
  const codecs = tiffCodecs(
    {
      littleEndian: true,
      compression: COMPRESSIONS[compression],
      predictor: predictorOf(raster.dtype, options),
      fillOrder: 1,
      photometric: Photometric.MinIsBlack,
      format,
      bits,
      interleaved: raster.bands,
      subsampling: [1, 1],
    },
    shape,
  );
  const levels: Readonly<Record<string, number>> = { zlib: level ?? 6, zstd: level ?? 9 };
  return codecs.map((codec) => {
    const own = levels[codec.name];
    return own === undefined ? codec : { ...codec, configuration: { level: own } };
  });
}

/** Sizes are known now: places all tiles behind directories whose own size does not depend on where that is. */
function header(raster: Raster, levels: readonly Level[], tile: number, options: CogOptions): Uint8Array {
  const build = (big: boolean, offsets: readonly (readonly number[])[]): Uint8Array =>
    headerBytes(directories(raster, levels, tile, options, big, offsets), big);
  const none = levels.map((level) => level.sizes.map(() => 0));
  const data = levels.reduce((sum, level) => sum + framedBytes(level), 0);
  const isLarge = build(false, none).byteLength + data >= CLASSIC_LIMIT;
  if (isLarge && options.bigTiff === false)
    throw new GyreError("TooLarge", "the file needs BigTIFF: it has over 4 GiB");
  const big = options.bigTiff ?? isLarge;
  let at = build(big, none).byteLength;
  const offsets: number[][] = [];
  for (const [i, level] of [...levels.entries()].toReversed()) {
    offsets[i] = level.sizes.map((size) => {
      const place = at + LEADER;
      at = place + size + TRAILER;
      return place;
    });
  }
  return build(big, offsets);
}

function framedBytes(level: Level): number {
  return level.sizes.reduce((sum, size) => sum + LEADER + size + TRAILER, 0);
}

function directories(
  raster: Raster,
  levels: readonly Level[],
  tile: number,
  options: CogOptions,
  big: boolean,
  offsets: readonly (readonly number[])[],
): PlannedDirectory[] {
  const { dtype, bands } = raster;
  const { format, bits } = sampleFormat(dtype)!;
  const predictor = predictorOf(dtype, options);
  const numbers = (tag: Entry["tag"], type: Entry["type"], ...values: number[]): Entry => ({ tag, type, values });
  const { SHORT, LONG, LONG8 } = FieldType;
  return levels.map(({ width, height, sizes }, i) => ({
    entries: [
      ...(i === 0 ? [] : [numbers(Tag.NewSubfileType, LONG, Subfile.Reduced)]),
      numbers(Tag.ImageWidth, LONG, width),
      numbers(Tag.ImageLength, LONG, height),
      numbers(Tag.BitsPerSample, SHORT, ...new Array<number>(bands).fill(bits)),
      numbers(Tag.Compression, SHORT, COMPRESSIONS[options.compression ?? "deflate"]),
      numbers(Tag.SamplesPerPixel, SHORT, bands),
      numbers(Tag.PlanarConfiguration, SHORT, 1),
      ...(predictor === 1 ? [] : [numbers(Tag.Predictor, SHORT, predictor)]),
      numbers(Tag.TileWidth, SHORT, tile),
      numbers(Tag.TileLength, SHORT, tile),
      { tag: Tag.TileOffsets, type: big ? LONG8 : LONG, values: offsets[i]! },
      { tag: Tag.TileByteCounts, type: LONG, values: sizes },
      numbers(Tag.SampleFormat, SHORT, ...new Array<number>(bands).fill(format)),
      ...sampleEntries(options, bands),
      ...(i === 0 ? descriptionEntries(options) : []),
    ],
  }));
}
