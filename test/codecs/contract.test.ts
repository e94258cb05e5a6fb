import { readFileSync } from "node:fs";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import type { CodecSpec, Json } from "../../src/core/array.ts";
import type { DType } from "../../src/core/dtype.ts";
import type { CodecCase } from "../contract/codec.ts";
import { smoothValues, testCodec } from "../contract/codec.ts";

const registry = createCodecRegistry();

/** Configurations and dtypes under which each codec is put to the contract; `{}` and int16 for those not named. */
const CASES: Readonly<Record<string, readonly Partial<CodecCase>[]>> = {
  bytes: [{ configuration: { endian: "big" } }, { dtype: "float64" }, { dtype: "complex64" }, { dtype: "bool" }],
  transpose: [{ configuration: { order: [1, 0] } }, { configuration: { order: "F" }, dtype: "complex128" }],
  delta: [{ configuration: { dtype: "<i2" } }, { dtype: "uint64", configuration: {} }],
  fixedscaleoffset: [{ configuration: { offset: 3, scale: 2, astype: "<i4" } }],
  quantize: [{ dtype: "float32", configuration: { digits: 1 } }],
  bitround: [{ dtype: "float64", configuration: { keepbits: 40 } }],
  astype: [{ configuration: { encode_dtype: "<f4" } }],
  packbits: [{ dtype: "bool" }],
  categorize: [{ dtype: "string", configuration: { labels: ["a", "b"] }, shape: [4, 1], values: ["a", "", "b", "a"] }],
  shuffle: [2, 4, 8, 12, 3].map((elementsize) => ({ configuration: { elementsize }, dtype: "float64" as const })),
  bitshuffle: [
    { configuration: { elementsize: 2 } },
    { configuration: { itemsize: 8, blocksize: 16 }, dtype: "int64" },
  ],
  blosc: ["lz4", "zlib", "zstd", "blosclz"].flatMap((cname) =>
    [0, 1, 2].map((shuffle) => ({ configuration: { cname, shuffle, clevel: 5 } })),
  ),
  "hdf5-lz4": [{}, { configuration: { blocksize: 100 } }],
  sharding_indexed: [
    { configuration: { chunk_shape: [6, 5], codecs: [{ name: "bytes" }, { name: "zstd" }] } },
    { configuration: { chunk_shape: [4, 20], codecs: [{ name: "bytes" }], index_location: "start" }, dtype: "float32" },
    {
      configuration: {
        chunk_shape: [12, 10],
        codecs: [{ name: "sharding_indexed", configuration: { chunk_shape: [2, 5], codecs: [{ name: "bytes" }] } }],
      },
    },
  ],
  "vlen-utf8": [{ dtype: "string", shape: [4, 1], values: ["a", "", "日本", "x".repeat(99)] }],
  json2: [{ dtype: "string", shape: [4, 1], values: ["a", "", "日本", '"'] }],
  "vlen-bytes": [
    { dtype: "bytes", shape: [4, 1], values: ["a", "", "bcd", "e"].map((s) => new TextEncoder().encode(s)) },
  ],
  "vlen-array": [
    {
      dtype: { kind: "vlen", base: "int16" },
      configuration: { dtype: ">i2" },
      shape: [4, 1],
      values: [[1], [], [2, 3], [-4]].map((list) => Int16Array.from(list)),
    },
  ],
  imagecodecs_delta: [{}, { dtype: "float32" }, { dtype: "uint64", configuration: { axis: -2, dist: 2 } }],
  imagecodecs_floatpred: [{ dtype: "float32" }, { dtype: "float64", configuration: { axis: -2 } }],
  imagecodecs_packints: [{ configuration: { bitspersample: 12 } }],
  imagecodecs_jpeg: [40, 3].map(
    (n) => ({ dtype: "uint8", shape: n === 3 ? [40, 16, n] : [40, n], lossy: true }) as const,
  ),
  imagecodecs_webp: [{ dtype: "uint8", shape: [40, 16, 3], configuration: { lossless: true } }],
};

/** Chunks that others wrote, for codecs that do not encode. */
interface Fixture {
  readonly cases: readonly {
    readonly name: string;
    readonly codecs: readonly CodecSpec[];
    readonly filters?: readonly (readonly [number, readonly number[]])[];
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly stored: string;
  }[];
}
const fixture = JSON.parse(readFileSync(new URL("../fixtures/codecs/cases.json", import.meta.url), "utf8")) as Fixture;

function written(name: string, configuration: { readonly [key: string]: Json } = {}): CodecCase[] {
  const found = fixture.cases.find((c) => c.name === name);
  if (found === undefined) throw new Error(`there is no fixture ${name}`);
  const { dtype, shape, stored } = found;
  return [{ dtype, shape, configuration, stored: Buffer.from(stored, "base64") }];
}

function clientValues(name: string): readonly number[] {
  return fixture.cases.find((c) => c.name === name)?.filters?.[0]?.[1] ?? [];
}

const [mask = 0, pixels_per_block = 0, bits_per_pixel = 0, pixels_per_scanline = 0] = clientValues("hdf5 szip nn i2");
const WRITTEN: Readonly<Record<string, readonly CodecCase[]>> = {
  bz2: written("numcodecs bz2 i2"),
  lzma: written("numcodecs lzma i2"),
  lzf: written("lzf"),
  szip: written("hdf5 szip nn i2", { mask, pixels_per_block, bits_per_pixel, pixels_per_scanline }),
  nbit: written("hdf5 nbit u4 in 17 bits", { values: clientValues("hdf5 nbit u4 in 17 bits") }),
  scaleoffset: written("hdf5 scaleoffset i2", { values: clientValues("hdf5 scaleoffset i2") }),
  imagecodecs_lerc: written("lerc f4"),
  bitshuffle: [
    ...written("hdf5 bitshuffle lz4 i2", { elementsize: 2, cname: "lz4" }),
    ...written("hdf5 bitshuffle zstd i2", { elementsize: 2, cname: "zstd" }),
  ],
};

for (const entry of registry.entries()) {
  const cases = (CASES[entry.name] ?? [{}]).map(({ dtype = "int16", shape = [24, 20], ...rest }): CodecCase => {
    return {
      dtype,
      shape,
      values: smoothValues(
        dtype,
        shape.reduce((a, b) => a * b, 1),
      ),
      ...rest,
    };
  });
  testCodec(entry.name, () => entry, [...(entry.encodes ? cases : []), ...(WRITTEN[entry.name] ?? [])]);
}
