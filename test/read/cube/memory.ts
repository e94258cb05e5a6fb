import { readFileSync } from "node:fs";
import { createDecoder } from "../../../src/codecs/pool.ts";
import { createCodecRegistry } from "../../../src/codecs/registry.ts";
import {
  type ArraySpec,
  type Attr,
  type Block,
  type CodecSpec,
  chunkExtent,
  chunkGrid,
  type Dataset,
  product,
  type Scalar,
  strides,
  type Variable,
} from "../../../src/core/array.ts";
import { allocate, type DType, type NumericType, type TypedArray } from "../../../src/core/dtype.ts";
import { all } from "../../../src/core/selection.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { type ChunkReader, decodedChunk } from "../../../src/read/chunk.ts";
import type { CubeMember, ReadValues } from "../../../src/read/cube.ts";
import { selectFrom } from "../../../src/read/select.ts";

export const decoder = createDecoder({ registry: createCodecRegistry(), workers: 0 });
export const reader: ChunkReader = { files: createMemoryFiles(), decoder };

/** Reads as the node does, without its cache. */
export const read: ReadValues = (_dataset, variable, selection, call) =>
  variable.read !== undefined
    ? variable.read(selection, call)
    : selectFrom(variable, selection, (chunk) => decodedChunk(reader, variable, chunk, call), call);

export const readAll = (dataset: Dataset, name: string, by: ReadValues = read): Promise<Block> => {
  const variable = dataset.variables.get(name);
  if (variable === undefined) throw new Error(`no variable ${name}`);
  return by(dataset, variable, all(variable.spec.shape));
};

export interface StoredVariable {
  readonly dtype: NumericType;
  readonly endian?: "big" | "little";
  readonly zlib?: boolean;
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  readonly chunks?: readonly number[];
  readonly attrs?: { readonly [name: string]: readonly [string, Scalar] };
  readonly values: readonly number[];
  /** Default: `_FillValue`. */
  readonly fill?: number;
  /** Before the bytes. */
  readonly codecs?: readonly CodecSpec[];
  /** Chunks that are not written. */
  readonly without?: readonly string[];
}

export interface StoredMember {
  readonly name: string;
  readonly title?: string;
  readonly variables: { readonly [name: string]: StoredVariable };
}

export interface Expected {
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values?: readonly (number | null)[];
  /** Times, in seconds since 2000-01-01. */
  readonly seconds?: readonly number[];
}

export function fixture(name: string): { members: StoredMember[]; expected: Record<string, Expected> } {
  return JSON.parse(readFileSync(new URL(`../../fixtures/cube/${name}.json`, import.meta.url), "utf8"));
}

/** A dataset whose chunks are encoded with real codecs and lie in memory. */
export async function memoryDataset(stored: StoredMember): Promise<Dataset> {
  const variables = new Map<string, Variable>();
  const dimensions = new Map<string, { size: number; unlimited: boolean }>();
  for (const [name, variable] of Object.entries(stored.variables)) {
    variables.set(name, await memoryVariable(name, variable));
    variable.dims.forEach((dim, i) => {
      dimensions.set(dim, { size: variable.shape[i]!, unlimited: dim === "time" });
    });
  }
  const attrs = new Map<string, Attr>([["title", { dtype: "string", value: stored.title ?? stored.name }]]);
  return { format: "memory", version: stored.name, attrs, dimensions, groups: new Map(), variables };
}

async function memoryVariable(name: string, stored: StoredVariable): Promise<Variable> {
  const { dtype, dims, shape } = stored;
  const attrs = new Map<string, Attr>(
    Object.entries(stored.attrs ?? {}).map(([key, [type, value]]) => [key, { dtype: type as DType, value }]),
  );
  const chunks = (stored.chunks ?? shape).map((n) => Math.max(1, n));
  const codecs: CodecSpec[] = [
    ...(stored.codecs ?? []),
    { name: "bytes", configuration: { endian: stored.endian ?? "little" } },
  ];
  if (stored.zlib) codecs.push({ name: "zlib", configuration: { level: 1 } });
  const fill = stored.fill ?? (attrs.get("_FillValue")?.value as number | undefined) ?? null;
  const spec: ArraySpec = { dtype, dims, shape, chunks, codecs, fill, attrs };
  const encoded = new Map<string, Uint8Array>();
  for (const chunk of cells(chunkGrid(spec))) {
    if (stored.without?.includes(chunk.join("."))) continue;
    const values = cut(spec, stored.values, chunk);
    encoded.set(chunk.join("."), await decoder.encode(codecs, { dtype, shape: chunks }, values, chunks));
  }
  return {
    name,
    spec,
    locate: async (chunk) => {
      const inline = encoded.get(chunk.join("."));
      return inline === undefined ? undefined : { inline };
    },
  };
}

export function* cells(grid: readonly number[]): Generator<number[]> {
  const count = product(grid);
  const steps = strides(grid);
  for (let i = 0; i < count; i++) yield grid.map((n, d) => Math.floor(i / steps[d]!) % n);
}

function cut(spec: ArraySpec, values: readonly number[], chunk: readonly number[]): TypedArray {
  const out = allocate(spec.dtype, product(spec.chunks)) as Float64Array | BigInt64Array;
  const extent = chunkExtent(spec, chunk);
  const from = strides(spec.shape);
  const to = strides(spec.chunks);
  for (const at of cells(extent)) {
    const source = at.reduce((n, i, d) => n + (chunk[d]! * spec.chunks[d]! + i) * from[d]!, 0);
    const target = at.reduce((n, i, d) => n + i * to[d]!, 0);
    out[target] = out instanceof BigInt64Array ? BigInt(values[source]!) : values[source]!;
  }
  return out;
}

/** A member that counts how often it is opened. */
export function memberOf(stored: StoredMember): CubeMember & { opened: number } {
  const member = {
    source: `memory:/${stored.name}`,
    identity: `${stored.name}-1`,
    opened: 0,
    open: () => {
      member.opened++;
      return memoryDataset(stored);
    },
  };
  return member;
}
