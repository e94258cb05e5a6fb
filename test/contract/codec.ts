import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ChunkMeta, CodecEntry, Pipeline } from "../../src/codecs/codec.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import type { CodecSpec } from "../../src/core/array.ts";
import { product } from "../../src/core/array.ts";
import type { DType, TypedArray, Values } from "../../src/core/dtype.ts";
import { allocate, entriesPerElement } from "../../src/core/dtype.ts";
import { isGyreError } from "../../src/errors.ts";

/** A chunk that a codec must carry. */
export interface CodecCase {
  readonly configuration?: NonNullable<CodecSpec["configuration"]>;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** What is encoded; not needed where `stored` is given. */
  readonly values?: Values;
  /** A chunk written by someone else, needed where the codec does not encode. */
  readonly stored?: Uint8Array;
  /** Values change on encoding, and are compared no further. */
  readonly lossy?: boolean;
}

const MUTATIONS = 150;

/** What every codec owes: right values, any number of bytes in, a bounded number out, and only errors on purpose. */
export function testCodec(name: string, make: () => CodecEntry, cases: readonly CodecCase[]): void {
  suite(`codec contract: ${name}`, () => {
    for (const [i, c] of cases.entries()) {
      const label = `case ${i}`;
      const { values } = c;
      const encodes = make().encodes && values !== undefined;
      if (encodes) {
        test(`${label}: what is encoded is decoded`, async () => {
          const pipeline = await pipelineOf(make(), c, c.shape);
          const decoded = await pipeline.decode(await pipeline.encode(values));
          if (c.lossy === true) assert.equal(decoded.length, values.length);
          else assert.deepEqual(decoded, values);
        });
      }

      if (encodes && c.shape.length > 0) {
        test(`${label}: a chunk without elements`, async () => {
          const shape = [0, ...c.shape.slice(1)];
          const pipeline = await pipelineOf(make(), c, shape);
          assert.equal((await pipeline.decode(await pipeline.encode(allocate(c.dtype, 0)))).length, 0);
        });
      }

      test(`${label}: more than the chunk can hold is refused or cut`, async () => {
        const stored = await storedBytes(make(), c);
        const small = c.shape.map((n, axis) => (axis === 0 ? Math.max(1, n >> 2) : n));
        try {
          await assertBounded(await pipelineOf(make(), c, small), { ...c, shape: small }, stored);
        } catch (error) {
          if (!isGyreError(error, "BadSource")) throw error;
        }
      });

      test(`${label}: broken bytes are refused or decode to as many values, never anything else`, async () => {
        const stored = await storedBytes(make(), c);
        const pipeline = await pipelineOf(make(), c, c.shape);
        const random = generator(stored.length + 17);
        for (let k = 0; k < MUTATIONS; k++) await assertBounded(pipeline, c, mutated(stored, random));
      });

      test(`${label}: nothing, and the first half, are refused`, async () => {
        const stored = await storedBytes(make(), c);
        const pipeline = await pipelineOf(make(), c, c.shape);
        const refused = (error: unknown): boolean => isGyreError(error, "BadSource");
        await assert.rejects(pipeline.decode(new Uint8Array(0)), refused);
        await assert.rejects(pipeline.decode(stored.subarray(0, stored.length >> 1)), refused);
      });
    }
  });
}

/** Broken bytes may still decode, but to as many values as the chunk has. */
async function assertBounded(pipeline: Pipeline, c: CodecCase, stored: Uint8Array): Promise<void> {
  let values: Values;
  try {
    values = await pipeline.decode(stored);
  } catch (error) {
    assert.ok(isGyreError(error, "BadSource", "Unsupported"), `an error not raised on purpose: ${String(error)}`);
    return;
  }
  assert.equal(values.length, product(c.shape) * entriesPerElement(c.dtype));
}

/** The codec alone, with the plain layout where it is not one itself. */
function pipelineOf(entry: CodecEntry, c: CodecCase, shape: readonly number[]): Promise<Pipeline> {
  const own: CodecSpec = { name: entry.name, configuration: c.configuration ?? {} };
  const layout: CodecSpec = { name: "bytes", configuration: { endian: "little" } };
  const codecs = { "array-array": [own, layout], "array-bytes": [own], "bytes-bytes": [layout, own] }[entry.kind];
  const meta: ChunkMeta = { dtype: c.dtype, shape };
  return createPipeline(codecs, meta, createCodecRegistry([entry]));
}

async function storedBytes(entry: CodecEntry, c: CodecCase): Promise<Uint8Array> {
  if (c.stored !== undefined) return c.stored;
  assert.ok(c.values !== undefined, "a case needs values or stored bytes");
  return (await pipelineOf(entry, c, c.shape)).encode(c.values);
}

/** Some bytes flipped, cut off, repeated or replaced by extremes. */
export function mutated(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const out = new Uint8Array(bytes);
  const kind = random(5);
  if (kind === 0) return out.subarray(0, random(out.length));
  if (kind === 1) return Uint8Array.from([...out, ...out.subarray(random(out.length))]);
  for (let i = 1 + random(4); i > 0; i--) {
    // Headers are where the harm is done: half of the changes go there.
    const at = random(2) === 0 ? random(Math.min(32, out.length)) : random(out.length);
    out[at] = kind === 2 ? 255 : kind === 3 ? 0 : random(256);
  }
  return out;
}

/** xorshift32: the same numbers in every run. */
export function generator(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A chunk of slowly changing numbers of any numeric type, for cases. */
export function smoothValues(dtype: DType, count: number): TypedArray {
  const out = allocate(dtype, count) as TypedArray;
  for (let i = 0; i < out.length; i++) {
    const value = Math.round(Math.sin(i / 20) * 100);
    if (out instanceof BigInt64Array || out instanceof BigUint64Array) out[i] = BigInt(value);
    else out[i] = dtype === "bool" ? value & 1 : value;
  }
  return out;
}
