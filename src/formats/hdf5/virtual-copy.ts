import { createPipeline } from "../../codecs/pipeline.ts";
import { chunkExtent, type IoCall, product, strides, type Variable } from "../../core/array.ts";
import { allocate, asBytes, type TypedArray } from "../../core/dtype.ts";
import type { Environment } from "./file.ts";
import { readRef } from "./read-ref.ts";

/** Which indices of a source go where: lists of equal length for partners, one index for other dimensions. */
export interface Pairing {
  /** The source's dimension for each of the target. */
  readonly partners: readonly (number | undefined)[];
  readonly source: readonly (readonly number[])[];
  /** Relative to the target block. */
  readonly target: readonly (readonly number[])[];
}

/** A block that is put together, of elements of `size` bytes in the machine's order. */
export interface Target {
  readonly data: Uint8Array;
  readonly shape: readonly number[];
  readonly size: number;
}

/** Positions in a pairing's lists that fall into one chunk along a dimension. */
interface Run {
  readonly chunk: number;
  readonly from: number;
  readonly to: number;
}

/** Copies every paired element, reading each chunk of the source once. */
export async function copySource(
  environment: Environment,
  source: Variable,
  pairing: Pairing,
  target: Target,
  call: IoCall | undefined,
): Promise<void> {
  if (pairing.source.some((list) => list.length === 0) || pairing.target.some((list) => list.length === 0)) return;
  const runs = pairing.source.map((list, s) => runsOf(list, source.spec.chunks[s]!));
  const counts = runs.map((list) => list.length);
  for (let i = 0, total = product(counts); i < total; i++) {
    let rest = i;
    const picked = runs.toReversed().map((list) => {
      const run = list[rest % list.length]!;
      rest = Math.floor(rest / list.length);
      return run;
    });
    picked.reverse();
    const chunk = picked.map((run) => run.chunk);
    const block = await readChunk(environment, source, chunk, call);
    copyBlock(block, source.spec.chunks, pairing, picked, target);
  }
}

function runsOf(list: readonly number[], chunk: number): Run[] {
  const runs: Run[] = [];
  for (let from = 0; from < list.length; ) {
    const index = Math.floor(list[from]! / chunk);
    let to = from + 1;
    while (to < list.length && Math.floor(list[to]! / chunk) === index) to++;
    runs.push({ chunk: index, from, to });
    from = to;
  }
  return runs;
}

interface Block {
  readonly data: Uint8Array;
  readonly shape: readonly number[];
}

/** A chunk's elements in the machine's byte order: those of a missing one are the source's fill, or zeros. */
async function readChunk(
  environment: Environment,
  { spec, locate }: Variable,
  chunk: readonly number[],
  call: IoCall | undefined,
): Promise<Block> {
  const { dtype, fill } = spec;
  const ref = await locate(chunk, call);
  if (ref === undefined) {
    const shape = chunkExtent(spec, chunk);
    const values = allocate(dtype, product(shape)) as TypedArray;
    if (typeof fill === "bigint") (values as BigInt64Array).fill(fill);
    else if (typeof fill === "number" || typeof fill === "boolean") (values as Float64Array).fill(Number(fill));
    return { data: asBytes(values), shape };
  }
  const shape = ref.shape ?? spec.chunks;
  const pipeline = await createPipeline(ref.codecs ?? spec.codecs, { dtype, shape }, environment.codecs);
  const stored = await readRef(environment, ref, call);
  return { data: asBytes((await pipeline.decode(stored)) as TypedArray), shape };
}

/** Copies the elements of one source chunk: `picked` says which part of each list lies in it. */
function copyBlock(
  block: Block,
  chunks: readonly number[],
  { partners, source, target: to }: Pairing,
  picked: readonly Run[],
  { data, shape, size }: Target,
): void {
  const sourceSteps = strides(block.shape);
  const targetSteps = strides(shape);
  const offset = (s: number, i: number): number => (source[s]![i]! % chunks[s]!) * sourceSteps[s]! * size;
  // Byte offsets of each position along each dimension of the target, in both blocks.
  const from: number[][] = [];
  const into: number[][] = [];
  let base = 0;
  picked.forEach((run, s) => {
    if (!partners.includes(s)) base += offset(s, run.from);
  });
  partners.forEach((s, d) => {
    const run = s === undefined ? undefined : picked[s]!;
    const list = run === undefined ? to[d]! : to[d]!.slice(run.from, run.to);
    into.push(list.map((n) => n * targetSteps[d]! * size));
    from.push(list.map((_, i) => (run === undefined ? 0 : offset(s!, run.from + i))));
  });
  const copy = (d: number, a: number, b: number): void => {
    if (d === partners.length) {
      for (let k = 0; k < size; k++) data[b + k] = block.data[a + k]!;
      return;
    }
    for (let i = 0; i < into[d]!.length; i++) copy(d + 1, a + from[d]![i]!, b + into[d]![i]!);
  };
  copy(0, base, 0);
}
