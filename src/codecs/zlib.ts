import { constants, deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateRawSync, inflateSync } from "node:zlib";
import type { CodecEntry, Limits } from "./codec.ts";
import { integerOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";

/** Options under which Node's decoders write into one buffer that is as large as the chunk, and never beyond it. */
export function bounded(stored: Uint8Array, { maxBytes }: Limits): { maxOutputLength: number; chunkSize: number } {
  // Where only a generous bound is known (text), the first buffer is a guess from what is stored.
  const likely = Math.min(maxBytes, Math.max(stored.length * 16, 1 << 22)) + 64;
  return { maxOutputLength: Math.max(maxBytes, 1), chunkSize: Math.max(likely, 64) };
}

/**
 * Under this option Node's encoders write into one buffer that takes whatever comes of `bytes`: then zstd compresses them
 * where they are, else it copies them into a window of its own first, and all put what comes together from small pieces.
 */
export function atOnce(bytes: Uint8Array): { chunkSize: number } {
  return { chunkSize: bytes.length + (bytes.length >> 8) + 512 };
}

/** RFC 1950, in Node's own zlib. TIFF's deflate (8 and 32946) is the same. */
export const zlib: CodecEntry = {
  name: "zlib",
  aliases: ["numcodecs.zlib", "hdf5:1", "imagecodecs_zlib", "imagecodecs_deflate", "deflate"],
  kind: "bytes-bytes",
  summary: "deflate in a zlib stream",
  encodes: true,
  effort: { encode: 16 },
  create(configuration) {
    const level = integerOption("zlib", configuration, "level", constants.Z_DEFAULT_COMPRESSION, { min: -1, max: 9 });
    const raw = configuration.raw === true;
    return {
      kind: "bytes-bytes",
      encode: (bytes) => (raw ? deflateRawSync : deflateSync)(bytes, { level, ...atOnce(bytes) }),
      decode: (bytes, limits) => (raw ? inflateRawSync : inflateSync)(bytes, bounded(bytes, limits)),
    };
  },
};

/** RFC 1952, members one after the other included. */
export const gzip: CodecEntry = {
  name: "gzip",
  aliases: ["numcodecs.gzip"],
  kind: "bytes-bytes",
  summary: "deflate in a gzip stream",
  encodes: true,
  effort: { encode: 16 },
  create(configuration) {
    const level = integerOption("gzip", configuration, "level", constants.Z_DEFAULT_COMPRESSION, { min: -1, max: 9 });
    return {
      kind: "bytes-bytes",
      encode: (bytes) => gzipSync(bytes, { level, ...atOnce(bytes) }),
      decode(bytes, limits) {
        if (bytes.length === 0) throw corrupt("gzip", "no bytes");
        return gunzipSync(bytes, bounded(bytes, limits));
      },
    };
  },
};
