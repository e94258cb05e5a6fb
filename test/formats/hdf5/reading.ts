import { createPipeline } from "../../../src/codecs/pipeline.ts";
import { createCodecRegistry } from "../../../src/codecs/registry.ts";
import { chunkExtent, chunkGrid, type Dataset, product, strides, type Variable } from "../../../src/core/array.ts";
import { allocate, asBytes, entriesPerElement, type TypedArray, type Values } from "../../../src/core/dtype.ts";
import type { Files } from "../../../src/files/files.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import type { FormatContext } from "../../../src/formats/format.ts";
import { hdf5 } from "../../../src/formats/hdf5/hdf5.ts";

export const codecs = createCodecRegistry();
export const localFiles = createLocalFiles();

export function contextOf(files: Files): FormatContext {
  const context: FormatContext = { files, codecs, open: (url, call) => hdf5.open(url, context, call) };
  return context;
}

export function openLocal(url: URL): Promise<Dataset> {
  return hdf5.open(url, contextOf(localFiles));
}

export function fixture(name: string): URL {
  return new URL(`../../fixtures/hdf5/${name}`, import.meta.url);
}

/** All values of a variable in C order, chunk by chunk. */
export async function readAll(variable: Variable, files: Files = localFiles): Promise<Values> {
  const { spec } = variable;
  const per = entriesPerElement(spec.dtype);
  const out = allocate(spec.dtype, product(spec.shape));
  const target = out as unknown[];
  if (spec.fill !== null && per === 1 && typeof spec.fill !== "boolean") target.fill(spec.fill);
  if (spec.fill instanceof Uint8Array && per > 1) {
    for (let i = 0; i < target.length; i++) target[i] = spec.fill[i % per];
  }
  const grid = chunkGrid(spec);
  const steps = strides(spec.shape);
  for (let n = 0; n < product(grid); n++) {
    const gridSteps = strides(grid);
    const chunk = gridSteps.map((step, d) => Math.floor(n / step) % grid[d]!);
    const ref = await variable.locate(chunk);
    if (ref === undefined) continue;
    const stored = "inline" in ref ? ref.inline : (await files.read(ref.url, ref))!;
    const meta = { dtype: spec.dtype, shape: spec.chunks };
    const pipeline = await createPipeline(ref.codecs ?? spec.codecs, meta, codecs);
    const values = (await pipeline.decode(stored, ref.shape)) as unknown[];
    const shape = ref.shape ?? spec.chunks;
    copy(
      values,
      shape,
      chunkExtent(spec, chunk),
      target,
      steps,
      chunk.map((c, d) => c * spec.chunks[d]!),
      per,
    );
  }
  return out;
}

function copy(
  from: readonly unknown[],
  shape: readonly number[],
  extent: readonly number[],
  to: unknown[],
  steps: readonly number[],
  origin: readonly number[],
  per: number,
): void {
  const fromSteps = strides(shape);
  const walk = (d: number, a: number, b: number): void => {
    if (d === extent.length) {
      for (let k = 0; k < per; k++) to[b * per + k] = from[a * per + k];
      return;
    }
    for (let i = 0; i < extent[d]!; i++) walk(d + 1, a + i * fromSteps[d]!, b + (origin[d]! + i) * steps[d]!);
  };
  walk(0, 0, 0);
}

export function bytesOf(values: Values): Uint8Array {
  return asBytes(values as TypedArray);
}
