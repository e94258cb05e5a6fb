import { adler32 } from "./adler32.ts";
import { astype } from "./astype.ts";
import { base64 } from "./base64.ts";
import { bitround } from "./bitround.ts";
import { bitshuffle } from "./bitshuffle.ts";
import { blosc } from "./blosc.ts";
import { bytes } from "./bytes.ts";
import { bz2 } from "./bz2.ts";
import { categorize } from "./categorize.ts";
import { crc32 } from "./checksum.ts";
import type { CodecEntry, CodecRegistry } from "./codec.ts";
import { crc32c } from "./crc32c.ts";
import { delta } from "./delta.ts";
import { fixedscaleoffset } from "./fixedscaleoffset.ts";
import { fletcher32 } from "./fletcher32.ts";
import { imagecodecs_delta } from "./imagecodecs_delta.ts";
import { imagecodecs_floatpred } from "./imagecodecs_floatpred.ts";
import { imagecodecs_jpeg } from "./imagecodecs_jpeg.ts";
import { imagecodecs_lerc } from "./imagecodecs_lerc.ts";
import { imagecodecs_lzw } from "./imagecodecs_lzw.ts";
import { imagecodecs_packbits } from "./imagecodecs_packbits.ts";
import { imagecodecs_packints } from "./imagecodecs_packints.ts";
import { imagecodecs_webp } from "./imagecodecs_webp.ts";
import { jenkins_lookup3 } from "./jenkins_lookup3.ts";
import { json2 } from "./json2.ts";
import { hdf5Lz4, lz4 } from "./lz4.ts";
import { lzf } from "./lzf.ts";
import { lzma } from "./lzma.ts";
import { nbit } from "./nbit.ts";
import { packbits } from "./packbits.ts";
import { quantize } from "./quantize.ts";
import { scaleoffset } from "./scaleoffset.ts";
import { shardingIndexed } from "./sharding_indexed.ts";
import { shuffle } from "./shuffle.ts";
import { szip } from "./szip.ts";
import { transpose } from "./transpose.ts";
import { vlenArray } from "./vlen-array.ts";
import { vlenBytes } from "./vlen-bytes.ts";
import { vlenUtf8 } from "./vlen-utf8.ts";
import { gzip, zlib } from "./zlib.ts";
import { zstd } from "./zstd.ts";

const BUILT_IN: readonly CodecEntry[] = [
  bytes,
  vlenUtf8,
  vlenBytes,
  vlenArray,
  json2,
  shardingIndexed,
  transpose,
  delta,
  fixedscaleoffset,
  quantize,
  bitround,
  astype,
  packbits,
  categorize,
  shuffle,
  bitshuffle,
  zlib,
  gzip,
  zstd,
  blosc,
  lz4,
  hdf5Lz4,
  lzf,
  bz2,
  lzma,
  szip,
  nbit,
  scaleoffset,
  fletcher32,
  crc32c,
  crc32,
  adler32,
  jenkins_lookup3,
  base64,
  imagecodecs_lzw,
  imagecodecs_packbits,
  imagecodecs_packints,
  imagecodecs_delta,
  imagecodecs_floatpred,
  imagecodecs_jpeg,
  imagecodecs_webp,
  imagecodecs_lerc,
];

/** All built-in codecs and `extra` ones, which win over built-in ones of the same name. */
export function createCodecRegistry(extra: readonly CodecEntry[] = []): CodecRegistry {
  const entries = new Map([...BUILT_IN, ...extra].map((entry) => [entry.name, entry] as const));
  const byName = new Map<string, CodecEntry>();
  for (const entry of entries.values()) for (const alias of entry.aliases ?? []) byName.set(alias, entry);
  for (const [name, entry] of entries) byName.set(name, entry);
  const list = [...entries.values()];
  return { get: (name) => byName.get(name), entries: () => list };
}
