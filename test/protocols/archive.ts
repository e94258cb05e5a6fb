import { createDecoder } from "../../src/codecs/pool.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import type { Access, Opened } from "../../src/core/access.ts";
import {
  type ArraySpec,
  type Attr,
  type CodecSpec,
  chunkGrid,
  type Dataset,
  type Json,
  product,
  strides,
  type Variable,
} from "../../src/core/array.ts";
import { attrFromJson } from "../../src/core/attrs.ts";
import { allocate, type DType, entriesPerElement, type Values } from "../../src/core/dtype.ts";
import { ANONYMOUS, type Call } from "../../src/core/principal.ts";
import { GyreError } from "../../src/errors.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { createApp } from "../../src/http/app.ts";
import type { Protocol } from "../../src/protocols/protocol.ts";
import { createAccess } from "../../src/read/access.ts";

/** An array to be stored: its values in C order. */
export interface Stored {
  readonly dtype: DType;
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  readonly values: Values;
  readonly chunks?: readonly number[];
  readonly codecs?: readonly CodecSpec[];
  readonly fill?: ArraySpec["fill"];
  readonly attrs?: Readonly<Record<string, Json>>;
  /** Chunks that are not written. */
  readonly without?: readonly string[];
}

const BYTES: readonly CodecSpec[] = [{ name: "bytes", configuration: { endian: "little" } }];

export const call: Call = { who: ANONYMOUS };
export const codecs = createCodecRegistry();
export const decoder = createDecoder({ registry: codecs, workers: 0 });

/** Datasets whose chunks are written to files in memory, with the node's own reading above them. */
export async function createArchive(): Promise<{
  readonly add: (id: string, dataset: Dataset, more?: Partial<Opened>) => void;
  readonly store: (id: string, name: string, stored: Stored) => Promise<Variable>;
  readonly forget: (id: string, name: string, chunk: string) => Promise<void>;
  readonly access: Access;
  readonly files: ReturnType<typeof createMemoryFiles>;
}> {
  const files = createMemoryFiles();
  const datasets = new Map<string, Opened>();
  const broken = new Set(["broken"]);
  const holdings = {
    async *list(_call: Call, { prefix = "" } = {}) {
      for (const id of [...datasets.keys(), ...broken].sort()) if (id.startsWith(prefix)) yield id;
    },
    async open(id: string) {
      if (broken.has(id)) throw new GyreError("BadSource", "broken.nc at byte 8: not a number of dimensions");
      return datasets.get(id === "alias" ? "grid" : id);
    },
  };
  const addressOf = (id: string, name: string, chunk: string): URL =>
    new URL(`memory://archive/${id}/${encodeURIComponent(name)}/${chunk}`);

  async function store(id: string, name: string, stored: Stored): Promise<Variable> {
    const spec: ArraySpec = {
      dtype: stored.dtype,
      dims: stored.dims,
      shape: stored.shape,
      chunks: stored.chunks ?? stored.shape.map((n) => Math.max(n, 1)),
      codecs: stored.codecs ?? BYTES,
      fill: stored.fill ?? null,
      attrs: new Map(
        Object.entries(stored.attrs ?? {}).map(([key, value]): [string, Attr] => [key, attrFromJson(value)]),
      ),
    };
    const lengths = new Map<string, number>();
    for (const chunk of cells(chunkGrid(spec))) {
      const key = chunk.join(".");
      if (stored.without?.includes(key)) continue;
      const bytes = await decoder.encode(
        spec.codecs,
        { dtype: spec.dtype, shape: spec.chunks },
        cut(spec, chunk, stored.values),
      );
      lengths.set(key, bytes.byteLength);
      await files.write?.(addressOf(id, name, key), bytes);
    }
    return {
      name,
      spec,
      async locate(chunk) {
        const key = chunk.join(".");
        const length = lengths.get(key);
        return length === undefined ? undefined : { url: addressOf(id, name, key), offset: 0, length };
      },
    };
  }

  return {
    add: (id, dataset, more) =>
      datasets.set(id, { id, dataset, source: `file:///secret/place/${id}.nc`, tape: false, ...more }),
    store,
    forget: async (id, name, chunk) => files.delete?.(addressOf(id, name, chunk)),
    access: createAccess(holdings, { files, decoder }),
    files,
  };
}

/** All index tuples of a shape. */
export function* cells(shape: readonly number[]): Generator<number[]> {
  for (let n = 0; n < product(shape); n++) yield strides(shape).map((step, i) => Math.floor(n / step) % shape[i]!);
}

/** The values of one whole chunk, zeros beyond the array's edge. */
function cut(spec: ArraySpec, chunk: readonly number[], values: Values): Values {
  const width = entriesPerElement(spec.dtype);
  const target = allocate(spec.dtype, product(spec.chunks)) as unknown[];
  const source: ArrayLike<unknown> = values;
  const steps = strides(spec.shape);
  let at = 0;
  for (const cell of cells(spec.chunks)) {
    const index = cell.map((c, i) => c + chunk[i]! * spec.chunks[i]!);
    if (index.every((c, i) => c < spec.shape[i]!)) {
      const from = index.reduce((sum, c, i) => sum + c * steps[i]!, 0);
      for (let k = 0; k < width; k++) target[at * width + k] = source[from * width + k];
    }
    at++;
  }
  return target as Values;
}

export const BASE = "https://data.example/gyre/";

/** A node's answers under a public address, from these protocols. */
export function serve(
  access: Access,
  protocols: readonly Protocol[],
  errors: unknown[] = [],
): ReturnType<typeof createApp> {
  return createApp({
    access,
    protocols,
    publicUrl: new URL(BASE),
    onError: (error) => errors.push(error),
  });
}
