import { zstdDecompressSync } from "node:zlib";
import type { CodecEntry } from "./codec.ts";
import { integerOption, wordOption } from "./configuration.ts";
import { corrupt, tooLong } from "./failure.ts";
import { lz4Decode } from "./lz4-block.ts";

/** Bytes of a block unless told otherwise, and the fewest elements of one (bitshuffle_internals.h). */
const TARGET_BYTES = 8192;
const MIN_ELEMENTS = 128;

/**
 * HDF5 filter 32008 and imagecodecs' bitshuffle: bits of elements sorted by significance, in blocks, each of which may
 * be compressed with LZ4 or Zstandard behind a big-endian header. Encodes without compression only.
 */
export const bitshuffle: CodecEntry = {
  name: "bitshuffle",
  aliases: ["hdf5:32008", "imagecodecs_bitshuffle"],
  kind: "bytes-bytes",
  summary: "bits of elements sorted by significance (decodes its LZ4 and Zstandard forms too)",
  encodes: true,
  create(configuration) {
    const fallback = integerOption("bitshuffle", configuration, "itemsize", 1);
    const size = integerOption("bitshuffle", configuration, "elementsize", fallback, { min: 1, max: 1 << 16 });
    const block = integerOption("bitshuffle", configuration, "blocksize", 0, { min: 0, max: 1 << 26 });
    const cname = wordOption("bitshuffle", configuration, "cname", ["none", "lz4", "zstd"], "none");
    if (block % 8 !== 0) throw corrupt("bitshuffle", `blocks of ${block} elements, which is no multiple of 8`);
    const elements = block || defaultBlock(size);
    if (cname !== "none") {
      return { kind: "bytes-bytes", decode: (bytes, { maxBytes }) => decompressed(bytes, size, cname, maxBytes) };
    }
    return {
      kind: "bytes-bytes",
      encode: (bytes) => inBlocks(bytes, size, elements, bitshuffleBlock),
      decode: (bytes) => inBlocks(bytes, size, elements, bitunshuffleBlock),
    };
  },
};

function defaultBlock(size: number): number {
  return Math.max(Math.floor(TARGET_BYTES / size / 8) * 8, MIN_ELEMENTS);
}

type Transform = (source: Uint8Array, target: Uint8Array, size: number) => void;

/** The last block is as long as eights of elements allow; what is left stays as it is. */
function inBlocks(bytes: Uint8Array, size: number, elements: number, transform: Transform): Uint8Array {
  const out = new Uint8Array(bytes.length);
  const whole = Math.floor(bytes.length / size / 8) * 8 * size;
  for (let start = 0; start < whole; start += elements * size) {
    const end = Math.min(start + elements * size, whole);
    transform(bytes.subarray(start, end), out.subarray(start, end), size);
  }
  out.set(bytes.subarray(whole), whole);
  return out;
}

function decompressed(bytes: Uint8Array, size: number, cname: "lz4" | "zstd", maxBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const total = Number(view.getBigUint64(0));
  const blockBytes = view.getUint32(8);
  if (total > maxBytes) throw tooLong("bitshuffle", maxBytes);
  if (blockBytes === 0 || blockBytes % (8 * size) !== 0) throw corrupt("bitshuffle", `blocks of ${blockBytes} bytes`);
  const out = new Uint8Array(total);
  const whole = Math.floor(total / size / 8) * 8 * size;
  const scratch = new Uint8Array(Math.min(blockBytes, whole));
  let at = 12;
  for (let start = 0; start < whole; start += blockBytes) {
    const target = out.subarray(start, Math.min(start + blockBytes, whole));
    const plain = scratch.subarray(0, target.length);
    const stored = view.getUint32(at);
    const block = bytes.subarray(at + 4, at + 4 + stored);
    if (block.length !== stored) throw corrupt("bitshuffle", "a block is cut off");
    if (cname === "lz4") lz4Decode("bitshuffle", block, plain);
    else plain.set(zstdDecompressSync(block, { maxOutputLength: plain.length }));
    bitunshuffleBlock(plain, target, size);
    at += 4 + stored;
  }
  const rest = bytes.subarray(at, at + total - whole);
  if (rest.length !== total - whole) throw corrupt("bitshuffle", "the last elements are cut off");
  out.set(rest, whole);
  return out;
}

/** Sorts the bits of a multiple of eight elements: bit `k` of byte `b` of all elements makes row `8 b + k`. */
export function bitshuffleBlock(source: Uint8Array, target: Uint8Array, size: number): void {
  const row = source.length / size / 8;
  for (let b = 0; b < size; b++) {
    for (let g = 0; g < row; g++) transposeBits(source, g * 8 * size + b, size, target, b * 8 * row + g, row);
  }
}

/** The inverse of `bitshuffleBlock`. */
export function bitunshuffleBlock(source: Uint8Array, target: Uint8Array, size: number): void {
  const row = source.length / size / 8;
  for (let b = 0; b < size; b++) {
    for (let g = 0; g < row; g++) transposeBits(source, b * 8 * row + g, row, target, g * 8 * size + b, size);
  }
}

/** Transposes 8 x 8 bits (Hacker's Delight 7-3), eight strided bytes to eight strided bytes; its own inverse. */
function transposeBits(s: Uint8Array, from: number, step: number, t: Uint8Array, to: number, stride: number): void {
  let lo = s[from]! | (s[from + step]! << 8) | (s[from + 2 * step]! << 16) | (s[from + 3 * step]! << 24);
  let at = from + 4 * step;
  let hi = s[at]! | (s[at + step]! << 8) | (s[at + 2 * step]! << 16) | (s[at + 3 * step]! << 24);
  let x = (lo ^ (lo >>> 7)) & 0x00aa00aa;
  lo ^= x ^ (x << 7);
  x = (hi ^ (hi >>> 7)) & 0x00aa00aa;
  hi ^= x ^ (x << 7);
  x = (lo ^ (lo >>> 14)) & 0x0000cccc;
  lo ^= x ^ (x << 14);
  x = (hi ^ (hi >>> 14)) & 0x0000cccc;
  hi ^= x ^ (x << 14);
  x = (lo ^ (hi << 4)) & 0xf0f0f0f0;
  lo ^= x;
  hi ^= x >>> 4;
  t[to] = lo;
  t[to + stride] = lo >>> 8;
  t[to + 2 * stride] = lo >>> 16;
  t[to + 3 * stride] = lo >>> 24;
  at = to + 4 * stride;
  t[at] = hi;
  t[at + stride] = hi >>> 8;
  t[at + 2 * stride] = hi >>> 16;
  t[at + 3 * stride] = hi >>> 24;
}
