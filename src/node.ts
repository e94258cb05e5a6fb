import type { CodecRegistry } from "./codecs/codec.ts";
import { createDecoder, type Decoder } from "./codecs/pool.ts";
import { createCodecRegistry } from "./codecs/registry.ts";
import type { Block, Dataset, Variable } from "./core/array.ts";
import { all } from "./core/selection.ts";
import type { Files } from "./files/files.ts";
import { createLocalFiles } from "./files/local.ts";
import type { Format } from "./formats/format.ts";
import { geotiff } from "./formats/geotiff/geotiff.ts";
import { hdf5 } from "./formats/hdf5/hdf5.ts";
import { netcdf3 } from "./formats/netcdf3/netcdf3.ts";
import { createFormatRegistry, type FormatRegistry } from "./formats/registry.ts";
import { zarr } from "./formats/zarr/zarr.ts";
import { decodedChunk } from "./read/chunk.ts";
import { selectFrom } from "./read/select.ts";

/** In the order in which they are asked. */
export const FORMATS: readonly Format[] = [netcdf3, hdf5, geotiff, zarr];

export interface EngineOptions {
  /** Prefixes that may be read. */
  readonly allow: readonly URL[];
}

/** Files, codecs and formats bound together: all that is needed to read, and nothing that serves. */
export interface Engine {
  readonly files: Files;
  readonly codecs: CodecRegistry;
  readonly decoder: Decoder;
  readonly formats: FormatRegistry;
  /** A whole variable, decoded. For variables that fit into memory. */
  readAll(dataset: Dataset, variable: Variable): Promise<Block>;
  close(): Promise<void>;
}

export function createEngine({ allow }: EngineOptions): Engine {
  void allow;
  const files = createLocalFiles();
  const codecs = createCodecRegistry();
  const decoder = createDecoder({ registry: codecs });
  const formats = createFormatRegistry(FORMATS, files, codecs);
  const reader = { files, decoder };
  return {
    files,
    codecs,
    decoder,
    formats,
    readAll: (_dataset, variable) =>
      variable.read?.(all(variable.spec.shape)) ??
      selectFrom(variable, all(variable.spec.shape), (chunk) => decodedChunk(reader, variable, chunk)),
    async close() {
      await decoder.close();
      await files.close?.();
    },
  };
}
