import type { CodecSpec } from "../core/array.ts";

const BLOSC_CNAMES = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"] as const;
const BITSHUFFLE_CNAMES = { 2: "lz4", 3: "zstd" } as const;

/**
 * The codec that an HDF5 filter is, by its number, its client data and the dataset's element size: the numcodecs id
 * with its configuration where one exists. Unknown filters become `hdf5:NUMBER`, which no registry knows, so that the
 * dataset opens and a decoder can name them.
 */
export function hdf5Filter(id: number, values: readonly number[], elementSize: number): CodecSpec {
  switch (id) {
    case 1:
      return { name: "zlib", configuration: { level: Math.min(values[0] ?? 6, 9) } };
    case 2:
      return { name: "shuffle", configuration: { elementsize: values[0] ?? elementSize } };
    case 3:
      return { name: "fletcher32" };
    case 4: {
      const [mask = 0, pixels_per_block = 0, bits_per_pixel = 0, pixels_per_scanline = 0] = values;
      return { name: "szip", configuration: { mask, pixels_per_block, bits_per_pixel, pixels_per_scanline } };
    }
    case 5:
      return { name: "nbit", configuration: { values } };
    case 6:
      return { name: "scaleoffset", configuration: { values } };
    case 307:
      return { name: "bz2", configuration: { level: values[0] ?? 9 } };
    case 32000:
      return { name: "lzf" };
    case 32001: {
      const [, , , , clevel = 5, shuffle = 1, compressor = 0] = values;
      const cname = BLOSC_CNAMES[compressor] ?? "blosclz";
      return { name: "blosc", configuration: { cname, clevel, shuffle, blocksize: 0 } };
    }
    case 32004:
      return { name: "hdf5-lz4", configuration: { blocksize: values[0] ?? 0 } };
    case 32008: {
      const [, , elementsize = elementSize, blocksize = 0, compressor = 0] = values;
      const cname = BITSHUFFLE_CNAMES[compressor as 2 | 3] ?? "none";
      return { name: "bitshuffle", configuration: { elementsize, blocksize, cname } };
    }
    case 32015:
      return { name: "zstd", configuration: { level: values[0] ?? 3 } };
    default:
      return { name: `hdf5:${id}`, configuration: { values } };
  }
}
