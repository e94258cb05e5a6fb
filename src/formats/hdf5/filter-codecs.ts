import type { CodecSpec } from "../../core/array.ts";
import type { Filter } from "./messages/filters.ts";

type Configuration = NonNullable<CodecSpec["configuration"]>;

interface Known {
  readonly name: string;
  configure?(values: readonly number[]): Configuration;
}

const BLOSC_COMPRESSORS = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"];
const BITSHUFFLE_COMPRESSORS = new Map([
  [0, "none"],
  [2, "lz4"],
  [3, "zstd"],
]);

/** Registered filters and the codecs that undo them; `values` are the filter's client data. */
const FILTERS: ReadonlyMap<number, Known> = new Map<number, Known>([
  [1, { name: "zlib", configure: (v) => ({ level: v[0] ?? 6 }) }],
  [2, { name: "shuffle", configure: (v) => ({ elementsize: v[0] ?? 1 }) }],
  [3, { name: "fletcher32" }],
  [
    4,
    {
      name: "szip",
      configure: (v) => ({
        mask: v[0] ?? 0,
        pixels_per_block: v[1] ?? 0,
        bits_per_pixel: v[2] ?? 0,
        pixels_per_scanline: v[3] ?? 0,
      }),
    },
  ],
  [5, { name: "nbit", configure: (v) => ({ values: v }) }],
  [6, { name: "scaleoffset", configure: (v) => ({ values: v }) }],
  [307, { name: "bz2", configure: (v) => ({ level: v[0] ?? 9 }) }],
  [32000, { name: "lzf" }],
  [32001, { name: "blosc", configure: configureBlosc }],
  [32004, { name: "hdf5-lz4" }],
  [32008, { name: "bitshuffle", configure: configureBitshuffle }],
  [32015, { name: "zstd", configure: (v) => ({ level: v[0] ?? 3 }) }],
]);

/**
 * The bytes-to-bytes codecs of a pipeline, in encoding order. A set bit in `mask` says that the filter of that
 * position was skipped for this chunk. Unknown filters keep their number: the dataset opens, decoding names them.
 */
export function filterCodecs(filters: readonly Filter[], mask = 0): CodecSpec[] {
  return filters
    .filter((_, i) => ((mask >>> i) & 1) === 0)
    .map(({ id, values }) => {
      const known = FILTERS.get(id);
      if (known === undefined) return { name: `hdf5:${id}`, configuration: { parameters: values } };
      return known.configure === undefined
        ? { name: known.name }
        : { name: known.name, configuration: known.configure(values) };
    });
}

/** Client data: filter version, Blosc version, type size, chunk bytes, level, shuffle, compressor. */
function configureBlosc(v: readonly number[]): Configuration {
  const cname = BLOSC_COMPRESSORS[v[6] ?? 0] ?? "blosclz";
  return { cname, clevel: v[4] ?? 5, shuffle: v[5] ?? 1, typesize: v[2] ?? 1, blocksize: 0 };
}

/** Client data: major and minor version, element size, block size in elements (0: default), compressor, level. */
function configureBitshuffle(v: readonly number[]): Configuration {
  const cname = BITSHUFFLE_COMPRESSORS.get(v[4] ?? 0) ?? "none";
  return { elementsize: v[2] ?? 1, blocksize: v[3] ?? 0, cname };
}
