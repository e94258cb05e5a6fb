import { createHash } from "node:crypto";
import { createDecoder } from "../../src/codecs/pool.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import { type Block, type Dataset, product, type Variable } from "../../src/core/array.ts";
import { asBytes, type DType, storageType, type TypedArray, type Values } from "../../src/core/dtype.ts";
import { all } from "../../src/core/selection.ts";
import type { Files } from "../../src/files/files.ts";
import type { Format, FormatContext } from "../../src/formats/format.ts";
import { decodedChunk } from "../../src/read/chunk.ts";
import { selectFrom } from "../../src/read/select.ts";

export const codecs = createCodecRegistry();
const decoder = createDecoder({ registry: codecs, workers: 0 });

/** What a format is given in these tests: `files`, all codecs, no other sources. */
export function contextOf(files: Files): FormatContext {
  return {
    files,
    codecs,
    open: async (url) => {
      throw new Error(`${url} should not have been opened`);
    },
  };
}

export function openWith(format: Format, url: URL, files: Files): Promise<Dataset> {
  return format.open(url, contextOf(files));
}

/** All values of a variable, decoded. */
export function readAll(variable: Variable, files: Files): Promise<Block> {
  const reader = { files, decoder };
  return selectFrom(variable, all(variable.spec.shape), (chunk, call) => decodedChunk(reader, variable, chunk, call));
}

/** sha256 of the values as stored: C order, little-endian, as `truth/` has it. */
export function sha256(values: Values): string {
  return createHash("sha256")
    .update(asBytes(values as TypedArray))
    .digest("hex");
}

/** Values as plain JSON, as `test/fixtures/zarr/make.py` lists them: 64-bit integers as digits, NaN by name, raw as base64. */
export function plain({ dtype, data, shape }: Block): unknown {
  if (storageType(dtype) !== undefined) {
    return Array.from(data as ArrayLike<number | bigint>, (v) =>
      typeof v === "bigint" || Number.isNaN(v) ? String(v) : v,
    );
  }
  if (!(data instanceof Uint8Array)) return [...(data as Values[])];
  return typeof dtype === "object" && (dtype.kind === "fixed-bytes" || dtype.kind === "fixed-utf32")
    ? texts(dtype, data, product(shape))
    : Buffer.from(data).toString("base64");
}

function texts(dtype: DType, data: Uint8Array, count: number): string[] {
  const size = data.byteLength / Math.max(1, count);
  return Array.from({ length: count }, (_, i) => {
    const element = data.slice(i * size, (i + 1) * size);
    if (typeof dtype === "object" && dtype.kind === "fixed-utf32") {
      return String.fromCodePoint(...new Uint32Array(element.buffer)).replace(/\0+$/, "");
    }
    return Buffer.from(element).toString("latin1").replace(/\0+$/, "");
  });
}
