import type { CodecSpec, Json } from "../array.ts";
import { type DType, itemSize, swapSize } from "../dtype.ts";
import { type Samples, samplesOf } from "./samples.ts";
import { Compression, Photometric, SampleFormat } from "./tags.ts";

/** How one image stores its pixels: all that decides the codecs of its strips or tiles. */
export interface Encoding {
  readonly littleEndian: boolean;
  readonly compression: number;
  readonly predictor: number;
  readonly fillOrder: number;
  readonly photometric: number;
  readonly format: number;
  readonly bits: number;
  /** Samples next to each other in a strip or tile: SamplesPerPixel, or 1 when planar. */
  readonly interleaved: number;
  readonly subsampling: readonly [number, number];
  readonly jpegTables?: Uint8Array;
  readonly lercCompression?: number;
}

/** Compressions that decode to values by themselves, so that no byte order remains. */
const IMAGES: ReadonlyMap<number, string> = new Map([
  [Compression.Jpeg, "imagecodecs_jpeg"],
  [33003, "imagecodecs_jpeg2k"],
  [33004, "imagecodecs_jpeg2k"],
  [33005, "imagecodecs_jpeg2k"],
  [34712, "imagecodecs_jpeg2k"],
  [Compression.Lerc, "imagecodecs_lerc"],
  [34933, "imagecodecs_png"],
  [34934, "imagecodecs_jpegxr"],
  [Compression.Webp, "imagecodecs_webp"],
  [50002, "imagecodecs_jpegxl"],
  [52546, "imagecodecs_jpegxl"],
]);

const BYTES: ReadonlyMap<number, string> = new Map([
  [2, "imagecodecs_ccittrle"],
  [3, "imagecodecs_ccittfax3"],
  [4, "imagecodecs_ccittfax4"],
  [Compression.Lzw, "imagecodecs_lzw"],
  [Compression.Deflate, "zlib"],
  [Compression.OldDeflate, "zlib"],
  [Compression.Packbits, "imagecodecs_packbits"],
  [Compression.Lzma, "lzma"],
  [Compression.Zstd, "zstd"],
]);

/**
 * Codecs of a strip or tile of `shape` (rows, columns[, samples] or 1, rows, columns), in encoding order. What no
 * codec registry knows is named all the same (`tiff:6`), so that a reader is told what it lacks.
 */
export function tiffCodecs(encoding: Encoding, shape: readonly number[]): CodecSpec[] {
  const samples = samplesOf(encoding.format, encoding.bits);
  if (samples === undefined) return [{ name: `tiff:samples-${encoding.format}-${encoding.bits}` }];
  const image = IMAGES.get(encoding.compression);
  const codecs = image === undefined ? valueCodecs(encoding, samples, shape) : imageCodecs(encoding, image);
  // Bits of a byte in reverse, which only CCITT codecs undo themselves.
  return encoding.fillOrder === 2 ? [...codecs, { name: "imagecodecs_bitorder" }] : codecs;
}

function imageCodecs(encoding: Encoding, name: string): CodecSpec[] {
  if (encoding.compression === Compression.Jpeg) return [{ name, configuration: jpegConfiguration(encoding) }];
  if (encoding.compression === Compression.Webp)
    return [{ name, configuration: { hasalpha: encoding.interleaved === 4 } }];
  if (encoding.compression !== Compression.Lerc) return [{ name }];
  const outer = [undefined, "zlib", "zstd"][encoding.lercCompression ?? 0];
  return outer === undefined ? [{ name }] : [{ name }, { name: outer }];
}

/**
 * The colour space in the stream is PhotometricInterpretation's, whatever the stream's own markers say; YCbCr comes
 * out as RGB, as every reader of TIFF shows it.
 */
function jpegConfiguration(encoding: Encoding): { readonly [key: string]: Json } {
  const ycbcr = encoding.photometric === Photometric.YCbCr && encoding.interleaved === 3;
  const space = ycbcr ? "YCBCR" : encoding.photometric === Photometric.Rgb && encoding.interleaved === 3 ? "RGB" : null;
  return {
    bitspersample: encoding.bits,
    tables: encoding.jpegTables === undefined ? null : base64(encoding.jpegTables),
    colorspace_jpeg: space,
    colorspace_data: ycbcr ? "RGB" : space,
  };
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function valueCodecs(encoding: Encoding, samples: Samples, shape: readonly number[]): CodecSpec[] {
  const compressor = compressorOf(encoding);
  const [across, down] = encoding.subsampling;
  if (encoding.photometric === Photometric.YCbCr && (across !== 1 || down !== 1)) {
    return [{ name: "tiff:ycbcr-subsampled" }, ...compressor];
  }
  return [...layoutCodecs(encoding, samples, shape), ...compressor];
}

function compressorOf({ compression }: Encoding): CodecSpec[] {
  if (compression === Compression.None) return [];
  return [{ name: BYTES.get(compression) ?? `tiff:${compression}` }];
}

function layoutCodecs(encoding: Encoding, samples: Samples, shape: readonly number[]): CodecSpec[] {
  const { littleEndian, predictor } = encoding;
  if (encoding.format === SampleFormat.Float && samples.bits === 24) {
    return [{ name: "imagecodecs_float24", configuration: { byteorder: littleEndian ? "<" : ">" } }];
  }
  if (samples.packed) {
    // A stream of bits, highest first in either byte order, of 24 bits as well: that is what GDAL and tifffile write.
    const configuration = {
      dtype: numpyType(samples.dtype, true),
      bitspersample: samples.bits,
      runlen: (shape.at(encoding.interleaved > 1 ? -2 : -1) ?? 1) * encoding.interleaved,
    };
    const packed: CodecSpec = { name: "imagecodecs_packints", configuration };
    return predictor === 1 ? [packed] : [{ name: `tiff:predictor-${predictor}-of-packed` }, packed];
  }
  return predictor === 1 ? [bytesCodec(samples.dtype, littleEndian)] : predictorCodecs(encoding, samples.dtype, shape);
}

/** Predictors work along rows, from a sample to its like (TIFF 6.0 section 14, Adobe's technical note 3). */
function predictorCodecs(encoding: Encoding, dtype: DType, shape: readonly number[]): CodecSpec[] {
  const { littleEndian, predictor } = encoding;
  const rows = { shape: [...shape], axis: encoding.interleaved > 1 ? -2 : -1, dist: 1 };
  if (predictor === 2) {
    const configuration = { ...rows, dtype: differenceType(dtype, littleEndian) };
    return [{ name: "imagecodecs_delta", configuration }, bytesCodec(dtype, littleEndian)];
  }
  if (predictor === 3) {
    // Planes of bytes, highest first in either file order: there is no order left for `bytes` to know.
    const configuration = { ...rows, dtype: numpyType(dtype, true) };
    return [{ name: "imagecodecs_floatpred", configuration }, { name: "bytes" }];
  }
  return [{ name: `tiff:predictor-${predictor}` }, bytesCodec(dtype, littleEndian)];
}

/** Without a byte order where there is none: single bytes. */
function bytesCodec(dtype: DType, littleEndian: boolean): CodecSpec {
  if (swapSize(dtype) === 1 && typeof dtype === "string") return { name: "bytes" };
  return { name: "bytes", configuration: { endian: littleEndian ? "little" : "big" } };
}

/** Horizontal differences are taken between integers of the samples' width, of floating point bits as well. */
function differenceType(dtype: DType, littleEndian: boolean): string {
  const width = itemSize(dtype) ?? 1;
  return `${width === 1 ? "|" : littleEndian ? "<" : ">"}u${width}`;
}

/** NumPy's type string, for codecs whose configuration comes from Python. */
function numpyType(dtype: DType, littleEndian: boolean): string {
  const width = itemSize(dtype) ?? 1;
  const kind = /^(u|i|f|c)/.exec(String(dtype))?.[1] ?? "V";
  return `${width === 1 ? "|" : littleEndian ? "<" : ">"}${kind}${width}`;
}
