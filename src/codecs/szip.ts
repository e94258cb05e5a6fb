import { aecDecode } from "./aec.ts";
import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";
import { corrupt, tooLong } from "./failure.ts";

/** Bits of the options mask (szlib.h). */
const NN = 32;
const MSB = 16;

/**
 * HDF5 filter 4: the decoded size in four little-endian bytes, then CCSDS 121.0-B as szip lays it out: 32 and 64-bit
 * pixels as planes of bytes, scan lines padded to whole blocks.
 */
export const szip: CodecEntry = {
  name: "szip",
  aliases: ["hdf5:4", "imagecodecs_szip"],
  kind: "bytes-bytes",
  summary: "szip (CCSDS 121.0-B)",
  encodes: false,
  create(configuration) {
    const mask = integerOption("szip", configuration, "mask", undefined, { min: 0, max: 0xffff });
    const blockSize = integerOption("szip", configuration, "pixels_per_block", undefined, { min: 2, max: 64 });
    const bits = integerOption("szip", configuration, "bits_per_pixel", undefined, { min: 1, max: 64 });
    const line = integerOption("szip", configuration, "pixels_per_scanline", undefined, { min: 1, max: 1 << 20 });
    const isPlanar = bits === 32 || bits === 64;
    const layout: Layout = {
      bitsPerSample: isPlanar ? 8 : bits,
      pixelBytes: isPlanar ? 1 : bits > 16 ? 4 : bits > 8 ? 2 : 1,
      line,
      blockSize,
      rsi: Math.ceil(line / blockSize),
      preprocess: (mask & NN) !== 0,
      bigEndian: (mask & MSB) !== 0,
    };
    if (!isPlanar && bits > 32) throw corrupt("szip", `${bits} bits per pixel`);
    return {
      kind: "bytes-bytes",
      decode(bytes, { maxBytes }) {
        if (bytes.length < 4) throw corrupt("szip", "no size");
        const size = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
        if (size > maxBytes) throw tooLong("szip", maxBytes);
        const plain = decodeLines(bytes.subarray(4), size, layout);
        return isPlanar ? interleaved(plain, bits / 8) : plain;
      },
    };
  },
};

interface Layout {
  readonly bitsPerSample: number;
  readonly pixelBytes: number;
  readonly line: number;
  readonly blockSize: number;
  readonly rsi: number;
  readonly preprocess: boolean;
  readonly bigEndian: boolean;
}

function decodeLines(bytes: Uint8Array, size: number, layout: Layout): Uint8Array {
  const { pixelBytes, line } = layout;
  const pixels = Math.floor(size / pixelBytes);
  const padded = layout.rsi * layout.blockSize;
  const count = padded === line ? pixels : Math.ceil(pixels / line) * padded;
  const samples = aecDecode("szip", bytes, count, layout);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  for (let i = 0, at = 0; i < pixels; i++, at++) {
    if (i > 0 && i % line === 0) at += padded - line;
    const value = samples[at]!;
    if (pixelBytes === 1) out[i] = value;
    else if (pixelBytes === 2) view.setUint16(2 * i, value, !layout.bigEndian);
    else view.setUint32(4 * i, value, !layout.bigEndian);
  }
  return out;
}

/** Pixels out of planes of bytes, the first plane holding every pixel's first byte. */
function interleaved(planes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor(planes.length / size);
  const out = new Uint8Array(planes.length);
  for (let b = 0; b < size; b++) {
    for (let i = 0, at = b * count; i < count; i++, at++) out[i * size + b] = planes[at]!;
  }
  return out;
}
