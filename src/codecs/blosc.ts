import { constants, deflateSync, inflateSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { itemSize } from "../core/dtype.ts";
import { bitshuffleBlock, bitunshuffleBlock } from "./bitshuffle.ts";
import { blosclzDecode } from "./blosclz.ts";
import type { ChunkMeta, CodecEntry } from "./codec.ts";
import type { Configuration } from "./configuration.ts";
import { integerOption, wordOption } from "./configuration.ts";
import { corrupt, tooLong, unsupported } from "./failure.ts";
import { lz4Decode, lz4Encode } from "./lz4-block.ts";
import { shuffled, unshuffled } from "./shuffle.ts";

const HEADER = 16;
const SHUFFLE = 1;
const MEMCPYED = 2;
const BITSHUFFLE = 4;
const DONT_SPLIT = 16;
/** A block is split into one stream per byte of an element only up to this size, and from so many elements on. */
const MAX_SPLITS = 16;
const MIN_BUFFERSIZE = 128;

const CNAMES = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"] as const;
/** Inner codec in the flags, bits 5 to 7 (LZ4HC is read by LZ4). */
const LZ4 = 1;
const ZLIB = 3;
const ZSTD = 4;

/** Blosc 1 chunks: numcodecs, Zarr v3 and HDF5's filter 32001. Reads all inner codecs but Snappy. */
export const blosc: CodecEntry = {
  name: "blosc",
  aliases: ["numcodecs.blosc", "hdf5:32001", "imagecodecs_blosc"],
  kind: "bytes-bytes",
  summary: "Blosc 1 with blosclz, LZ4, zlib or Zstandard and both shuffles (writes BloscLZ as LZ4)",
  encodes: true,
  create(configuration, meta) {
    const options = encoding(configuration, meta);
    return {
      kind: "bytes-bytes",
      encode: (bytes) => encode(bytes, options),
      decode: (bytes, { maxBytes }) => decode(bytes, maxBytes),
    };
  },
};

function decode(chunk: Uint8Array, maxBytes: number): Uint8Array {
  if (chunk.length < HEADER) throw corrupt("blosc", `${chunk.length} bytes are no header`);
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const version = chunk[0]!;
  const flags = chunk[2]!;
  const typesize = chunk[3]!;
  const total = view.getUint32(4, true);
  const blocksize = view.getUint32(8, true);
  const stored = view.getUint32(12, true);
  if (version > 2) throw unsupported("blosc", `version ${version} of the format is not read`);
  if (total > maxBytes) throw tooLong("blosc", maxBytes);
  if (stored > chunk.length || stored < HEADER)
    throw corrupt("blosc", `${stored} bytes announced, ${chunk.length} given`);
  if (total === 0) return new Uint8Array(0);
  if (flags & MEMCPYED) {
    if (stored !== HEADER + total) throw corrupt("blosc", "a stored copy has another size");
    return chunk.subarray(HEADER, stored);
  }
  if (blocksize === 0 || blocksize > total || typesize === 0) throw corrupt("blosc", `blocks of ${blocksize} bytes`);
  const out = new Uint8Array(total);
  for (let start = 0, block = 0; start < total; start += blocksize, block++) {
    const target = out.subarray(start, start + blocksize);
    const split =
      !(flags & DONT_SPLIT) &&
      typesize <= MAX_SPLITS &&
      Math.floor(blocksize / typesize) >= MIN_BUFFERSIZE &&
      target.length === blocksize;
    const at = view.getUint32(HEADER + 4 * block, true);
    const shuffles = (flags & SHUFFLE && typesize > 1) || (flags & BITSHUFFLE && target.length >= typesize);
    const plain = shuffles ? new Uint8Array(target.length) : target;
    readStreams(chunk.subarray(0, stored), at, plain, split ? typesize : 1, flags >> 5);
    if (shuffles) target.set(flags & SHUFFLE ? unshuffled(plain, typesize) : bits(plain, typesize, bitunshuffleBlock));
  }
  return out;
}

function readStreams(chunk: Uint8Array, start: number, plain: Uint8Array, streams: number, format: number): void {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const each = Math.floor(plain.length / streams);
  let at = start;
  for (let i = 0; i < streams; i++) {
    const size = view.getUint32(at, true);
    const stream = chunk.subarray(at + 4, at + 4 + size);
    if (stream.length !== size) throw corrupt("blosc", "a block is cut off");
    const target = plain.subarray(i * each, (i + 1) * each);
    if (size === each) target.set(stream);
    else inflate(stream, target, format);
    at += 4 + size;
  }
}

function inflate(stream: Uint8Array, target: Uint8Array, format: number): void {
  const exact = (plain: Uint8Array): void => {
    if (plain.length !== target.length) throw corrupt("blosc", `${plain.length} bytes instead of ${target.length}`);
    target.set(plain);
  };
  if (format === 0) blosclzDecode(stream, target);
  else if (format === LZ4) lz4Decode("blosc", stream, target);
  else if (format === ZLIB) exact(inflateSync(stream, { maxOutputLength: target.length }));
  else if (format === ZSTD) exact(zstdDecompressSync(stream, { maxOutputLength: target.length }));
  else throw unsupported("blosc", format === 2 ? "Snappy is not read" : `there is no inner codec ${format}`);
}

/** Blosc shuffles bits only in blocks that are a multiple of eight elements. */
function bits(plain: Uint8Array, typesize: number, transform: typeof bitshuffleBlock): Uint8Array {
  const elements = Math.floor(plain.length / typesize);
  if (elements % 8 !== 0) return plain;
  const out = plain.slice();
  transform(plain.subarray(0, elements * typesize), out.subarray(0, elements * typesize), typesize);
  return out;
}

interface Encoding {
  readonly format: number;
  readonly level: number;
  readonly flags: number;
  readonly typesize: number;
  readonly blocksize: number;
}

function encoding(configuration: Configuration, { dtype }: ChunkMeta): Encoding {
  const cname = wordOption("blosc", configuration, "cname", CNAMES, "lz4");
  const level = integerOption("blosc", configuration, "clevel", 5, { min: 0, max: 9 });
  const item = itemSize(dtype) ?? 1;
  const typesize = integerOption("blosc", configuration, "typesize", item, { min: 1, max: 1 << 20 });
  const blocksize = integerOption("blosc", configuration, "blocksize", 0, { min: 0, max: 0x7fffffff });
  return {
    format: cname === "zlib" ? ZLIB : cname === "zstd" ? ZSTD : LZ4,
    level,
    flags: shuffleFlag(configuration.shuffle ?? SHUFFLE, typesize),
    typesize: typesize > 255 ? 1 : typesize,
    blocksize,
  };
}

/** numcodecs writes 0, 1, 2 and -1 (bits for single bytes, else bytes), Zarr v3 words. */
function shuffleFlag(shuffle: unknown, typesize: number): number {
  switch (shuffle) {
    case 0:
    case "noshuffle":
      return 0;
    case 1:
    case "shuffle":
      return SHUFFLE;
    case 2:
    case "bitshuffle":
      return BITSHUFFLE;
    case -1:
      return typesize === 1 ? BITSHUFFLE : SHUFFLE;
    default:
      throw corrupt("blosc", `shuffle ${JSON.stringify(shuffle)} is unknown`);
  }
}

/** Blocks large enough to compress well and small enough for a cache, whole eights of elements for the bit shuffle. */
function encode(bytes: Uint8Array, { format, level, flags, typesize, blocksize }: Encoding): Uint8Array {
  const unit = typesize * 8;
  const wanted = blocksize || 1 << 18;
  const size = Math.min(Math.max(Math.floor(wanted / unit) * unit, unit), Math.max(bytes.length, 1));
  const count = Math.ceil(bytes.length / size);
  const blocks: Uint8Array[] = [];
  for (let start = 0; level > 0 && start < bytes.length; start += size) {
    const plain = bytes.subarray(start, start + size);
    const sorted =
      flags & SHUFFLE ? shuffled(plain, typesize) : flags & BITSHUFFLE ? bits(plain, typesize, bitshuffleBlock) : plain;
    const packed = deflate(sorted, format, level);
    blocks.push(packed.length < plain.length ? packed : sorted);
  }
  let total = HEADER + 4 * count + blocks.reduce((sum, block) => sum + 4 + block.length, 0);
  const isCopy = level === 0 || total >= HEADER + bytes.length;
  if (isCopy) total = HEADER + bytes.length;
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  out.set([2, 1, flags | (format << 5) | DONT_SPLIT | (isCopy ? MEMCPYED : 0), typesize]);
  view.setUint32(4, bytes.length, true);
  view.setUint32(8, size, true);
  view.setUint32(12, total, true);
  if (isCopy) {
    out.set(bytes, HEADER);
    return out;
  }
  let at = HEADER + 4 * count;
  blocks.forEach((block, i) => {
    view.setUint32(HEADER + 4 * i, at, true);
    view.setUint32(at, block.length, true);
    out.set(block, at + 4);
    at += 4 + block.length;
  });
  return out;
}

function deflate(plain: Uint8Array, format: number, level: number): Uint8Array {
  if (format === LZ4) return lz4Encode(plain);
  if (format === ZLIB) return deflateSync(plain, { level });
  // c-blosc's mapping of nine levels to Zstandard's 22.
  const zstdLevel = level < 9 ? level * 2 - 1 : 22;
  return zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } });
}
