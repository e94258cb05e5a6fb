import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";
import { atOnce, bounded } from "./zlib.ts";

/** RFC 8878, in Node's own zstd. HDF5's filter 32015 stores plain frames too. */
export const zstd: CodecEntry = {
  name: "zstd",
  aliases: ["numcodecs.zstd", "hdf5:32015", "imagecodecs_zstd"],
  kind: "bytes-bytes",
  summary: "Zstandard",
  encodes: true,
  create(configuration) {
    const level = integerOption("zstd", configuration, "level", 0, { min: -131_072, max: 22 });
    const checksum = configuration.checksum === true ? 1 : 0;
    const params = {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: checksum,
      [constants.ZSTD_c_contentSizeFlag]: 1,
    };
    return {
      kind: "bytes-bytes",
      encode: (bytes) => zstdCompressSync(bytes, { params, pledgedSrcSize: bytes.length, ...atOnce(bytes) }),
      decode: (bytes, limits) => zstdDecompressSync(bytes, bounded(bytes, limits)),
    };
  },
};
