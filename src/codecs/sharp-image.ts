import type { Sharp, SharpOptions } from "sharp";
import type { ArrayBytesCodec, ChunkMeta } from "./codec.ts";
import { corrupt } from "./failure.ts";
import type { ImageShape } from "./image-shape.ts";
import { imageShape } from "./image-shape.ts";

/** Rows that an encoder may have padded an image with, to a whole JPEG block; they are cut off. */
const PADDING_ROWS = 16;

/** What a compressed image format adds to the common decoding and encoding by libvips. */
export interface ImageCoding {
  /** Bytes that libvips understands, out of stored ones. */
  prepare?(bytes: Uint8Array): Uint8Array;
  encode(image: Sharp): Sharp;
}

/** A codec of images of 8-bit samples, pixel-interleaved. */
export async function sharpCodec(codec: string, meta: ChunkMeta, coding: ImageCoding): Promise<ArrayBytesCodec> {
  const { default: sharp } = await import("sharp");
  if (meta.dtype !== "uint8") throw corrupt(codec, "samples must be uint8");
  const image = imageShape(codec, meta.shape);
  const { height, width, samples } = image;
  const options: SharpOptions = { limitInputPixels: width * (height + PADDING_ROWS), failOn: "truncated" };
  return {
    kind: "array-bytes",
    async encode({ data }) {
      if (data.length === 0) return new Uint8Array(0);
      const raw = { width, height, channels: samples as 1 | 2 | 3 | 4 };
      return coding.encode(sharp(data as Uint8Array, { raw })).toBuffer();
    },
    async decode(bytes) {
      if (height * width === 0) return new Uint8Array(0);
      const input = sharp(coding.prepare?.(bytes) ?? bytes, options);
      const coloured = samples < 3 ? input.toColourspace("b-w") : input;
      const { data, info } = await coloured.raw().toBuffer({ resolveWithObject: true });
      return samplesOf(codec, data, info, image);
    },
  };
}

function samplesOf(
  codec: string,
  data: Uint8Array,
  info: { readonly width: number; readonly height: number; readonly channels: number },
  { height, width, samples }: ImageShape,
): Uint8Array {
  if (info.width !== width || info.height < height) {
    throw corrupt(codec, `an image of ${info.width} x ${info.height} instead of ${width} x ${height}`);
  }
  if (info.channels === samples) {
    return new Uint8Array(data.buffer, data.byteOffset, height * width * samples) as Uint8Array;
  }
  // An opaque image is stored without its alpha samples.
  if (info.channels !== samples - 1 || samples === 1) {
    throw corrupt(codec, `${info.channels} samples per pixel instead of ${samples}`);
  }
  const out = new Uint8Array(height * width * samples).fill(255);
  for (let pixel = 0, from = 0; pixel < height * width; pixel++) {
    for (let s = 0; s < samples - 1; s++) out[pixel * samples + s] = data[from++]!;
  }
  return out;
}
