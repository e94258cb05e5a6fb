import { createDecoder } from "../../src/codecs/pool.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import { chunkGrid, type Dataset, product, strides, type Variable } from "../../src/core/array.ts";
import { itemSize } from "../../src/core/dtype.ts";
import { isGyreError } from "../../src/errors.ts";
import type { Files } from "../../src/files/files.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import type { Format, FormatContext } from "../../src/formats/format.ts";
import { decodedChunk, fetchChunk, rawChunk } from "../../src/read/chunk.ts";
import type { Input } from "./target.ts";

export const codecs = createCodecRegistry();
export const decoder = createDecoder({ registry: codecs, workers: 0 });

const ROOT = new URL("memory://fuzz/");
const MOST_VARIABLES = 48;
const MOST_CHUNKS = 6;
const MOST_DECODED = 8 * 1024 * 1024;

export function filesOf(input: Input): Files {
  return createMemoryFiles([...input].map(([name, bytes]) => [addressOf(name).href, bytes] as const));
}

export function addressOf(name: string): URL {
  return new URL(name.split("/").map(encodeURIComponent).join("/"), ROOT);
}

/** What is opened of an input: its first file, or the folder that it lies in. */
export function mainOf(input: Input): URL {
  const [first = ""] = input.keys();
  return first.includes(".") && !/(^|\/)(zarr\.json|\.z[a-z]+)$/.test(first) ? addressOf(first) : new URL(ROOT);
}

/** Opens the input, and locates, reads and decodes some chunks of all variables. */
export async function openAndRead(format: Format, input: Input): Promise<void> {
  const files = filesOf(input);
  const context: FormatContext = { files, codecs, open: (url, call) => format.open(url, context, call) };
  await readSome(await format.open(mainOf(input), context), files);
}

/** Throws a plain Error for what no format may say; an error of a chunk's own is as good as the chunk. */
export async function readSome(dataset: Dataset, files: Files): Promise<void> {
  let first: unknown;
  for (const group of [dataset, ...dataset.groups.values()]) {
    if (!(group.attrs instanceof Map && group.dimensions instanceof Map)) throw new Error("impossible: half a group");
  }
  for (const variable of [...dataset.variables.values()].slice(0, MOST_VARIABLES)) {
    checkSpec(variable);
    for (const chunk of someCells(variable)) {
      try {
        await readChunk(variable, chunk, files);
      } catch (error) {
        if (!isGyreError(error)) throw error;
        first ??= error;
      }
    }
  }
  if (first !== undefined) throw first;
}

function checkSpec({ name, spec }: Variable): void {
  const { shape, chunks, dims, codecs: chain } = spec;
  const isSize = (least: number) => (n: number) => Number.isSafeInteger(n) && n >= least;
  const isFit = chunks.length === shape.length && dims.length === shape.length && chain.length > 0;
  if (!isFit || !shape.every(isSize(0)) || !chunks.every(isSize(1))) {
    throw new Error(`impossible: ${name} [${shape}] in chunks of [${chunks}] along [${dims}]`);
  }
}

/** First, last, and some between. */
function someCells({ spec }: Variable): number[][] {
  const grid = chunkGrid(spec);
  const count = product(grid);
  if (count === 0) return [];
  const steps = strides(grid);
  const wanted = Math.min(count, MOST_CHUNKS);
  return Array.from({ length: wanted }, (_, k) => {
    const n = wanted === 1 ? 0 : Math.floor((k * (count - 1)) / (wanted - 1));
    return steps.map((step, d) => Math.min(grid[d]! - 1, Math.floor(n / step) % grid[d]!));
  });
}

async function readChunk(variable: Variable, chunk: readonly number[], files: Files): Promise<void> {
  const { spec, name } = variable;
  const ref = variable.read === undefined ? await variable.locate(chunk) : undefined;
  if (ref !== undefined && !("inline" in ref)) {
    const { url, offset, length } = ref;
    const info = await files.head(url);
    const isInside = Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= (info?.size ?? 0);
    // A reference into another file is only known to be wrong when that is asked.
    if (!isInside) await fetchChunk(files, ref).then(() => Promise.reject(new Error(`${name} lies outside ${url}`)));
  }
  const bytes = product(spec.chunks) * (itemSize(spec.dtype) ?? 16);
  if (bytes > MOST_DECODED) return;
  const reader = { files, decoder };
  await decodedChunk(reader, variable, chunk);
  await rawChunk(reader, variable, chunk);
}
