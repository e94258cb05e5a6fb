import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { aecDecode } from "../../src/codecs/aec.ts";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import type { CodecSpec } from "../../src/core/array.ts";
import type { DType, TypedArray, Values } from "../../src/core/dtype.ts";
import { asBytes, asValues } from "../../src/core/dtype.ts";
import { filterCodecs } from "../../src/formats/hdf5/filter-codecs.ts";

/** One chunk as a reference library stored it; see `test/fixtures/codecs/make.py`. */
interface Case {
  readonly name: string;
  readonly codecs: readonly CodecSpec[];
  readonly filters?: readonly (readonly [number, readonly number[]])[];
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly stored: string;
  readonly values?: string;
  readonly texts?: readonly string[];
  readonly lists?: readonly (readonly number[])[];
  /** Values that the stored ones were made of, where encoding loses some. */
  readonly source?: string;
  /** How far values may be off after they were encoded again; decoding is exact. */
  readonly tolerance?: number;
  readonly fill?: number;
  readonly repeat?: number;
  readonly start?: number;
}

interface Fixture {
  readonly cases: readonly Case[];
  readonly aec: readonly {
    readonly bits: number;
    readonly flags: readonly string[];
    readonly block: number;
    readonly rsi: number;
    readonly count: number;
    readonly stored: string;
    readonly values: string;
  }[];
  readonly values: { readonly [key: string]: string };
}

const fixture = JSON.parse(readFileSync(new URL("../fixtures/codecs/cases.json", import.meta.url), "utf8")) as Fixture;
const registry = createCodecRegistry();
const valuesOf = (key: string): Uint8Array => Buffer.from(fixture.values[key] ?? "", "base64");

function expected(c: Case): Values {
  if (c.texts !== undefined) return [...c.texts];
  if (c.lists !== undefined) {
    return c.lists.map((list) => (c.dtype === "bytes" ? Uint8Array.from(list) : Int16Array.from(list)));
  }
  if (c.repeat !== undefined) {
    const out = new Float64Array(c.shape.reduce((a, b) => a * b));
    for (let i = 0; i < out.length; i++) out[i] = Math.floor(i / c.repeat) + (c.start ?? 0);
    return out;
  }
  return asValues(c.dtype, valuesOf(c.values ?? ""));
}

function assertValues(actual: Values, c: Case, tolerance?: number): void {
  const wanted = expected(c);
  if (tolerance === undefined) {
    if (ArrayBuffer.isView(wanted)) {
      assert.equal(actual.constructor, wanted.constructor);
      assert.ok(Buffer.from(asBytes(actual as TypedArray)).equals(asBytes(wanted as TypedArray)), "values differ");
    } else assert.deepEqual(actual, wanted);
    return;
  }
  for (let i = 0; i < wanted.length; i++) {
    assert.ok(Math.abs(Number(actual[i]) - Number(wanted[i])) <= tolerance, `sample ${i}`);
  }
}

const LOSSY = new Set(["fixedscaleoffset", "quantize", "bitround", "imagecodecs_jpeg"]);

suite("codecs read what reference libraries wrote", () => {
  for (const c of fixture.cases) {
    const filters = (c.filters ?? []).map(([id, values]) => ({ id, name: "", values }));
    const codecs = [...c.codecs, ...filterCodecs(filters)];
    const meta = { dtype: c.dtype, shape: c.shape, ...(c.fill === undefined ? {} : { fill: c.fill }) };
    test(c.name, async () => {
      const pipeline = await createPipeline(codecs, meta, registry);
      assertValues(await pipeline.decode(Buffer.from(c.stored, "base64")), c);
      const source = c.source === undefined ? expected(c) : asValues(c.dtype, valuesOf(c.source));
      let stored: Uint8Array;
      try {
        stored = await pipeline.encode(source);
      } catch (error) {
        assert.match(String(error), /only decoding is offered/);
        return;
      }
      if (codecs.some(({ name }) => LOSSY.has(name)) && c.source !== undefined) {
        assert.ok(Buffer.from(c.stored, "base64").equals(stored), "a lossy codec stores other bytes than numcodecs");
      }
      assertValues(await pipeline.decode(stored), c, c.tolerance);
    });
  }
});

suite("AEC reads what libaec wrote", () => {
  for (const [i, c] of fixture.aec.entries()) {
    test(`${i}: ${c.bits} bits, blocks of ${c.block}, ${c.rsi} per interval ${c.flags.join(" ")}`, () => {
      const samples = aecDecode("aec", Buffer.from(c.stored, "base64"), c.count, {
        bitsPerSample: c.bits,
        blockSize: c.block,
        rsi: c.rsi,
        preprocess: c.flags.includes("PREPROCESS"),
        signed: c.flags.includes("SIGNED"),
        restricted: c.flags.includes("RESTRICTED"),
        padRsi: c.flags.includes("PAD_RSI"),
      });
      assert.deepEqual(samples, asValues("uint32", valuesOf(c.values)));
    });
  }
});
