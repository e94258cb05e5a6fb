import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";

type Inflate = (input: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;
/** As `hyparquet` calls them: with the length that a page says it has. */
type Decompress = (input: Uint8Array, length: number) => Uint8Array;

const CODECS: Readonly<Record<string, Inflate>> = {
  ZSTD: zstdDecompressSync,
  GZIP: gunzipSync,
  BROTLI: brotliDecompressSync,
};

/** Node's own decompressors for Parquet, none of which gives more than the page says it holds, or than `most` bytes. */
export function parquetCompressors(most: number): Record<string, Decompress> {
  const bounded =
    (inflate: Inflate): Decompress =>
    (input, length) => {
      if (length > most) throw new Error(`a page of ${length} bytes`);
      return inflate(input, { maxOutputLength: Math.max(1, length) });
    };
  return Object.fromEntries(Object.entries(CODECS).map(([name, inflate]) => [name, bounded(inflate)]));
}
