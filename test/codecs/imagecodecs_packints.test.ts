import assert from "node:assert/strict";
import { test } from "node:test";
import { createPipeline } from "../../src/codecs/pipeline.ts";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import { allocate, type IntegerType, type TypedArray } from "../../src/core/dtype.ts";
import { isGyreError } from "../../src/errors.ts";

const registry = createCodecRegistry();

function packints(dtype: IntegerType, shape: readonly number[], bitspersample: number, runlen = 0) {
  return createPipeline(
    [{ name: "imagecodecs_packints", configuration: { bitspersample, runlen } }],
    { dtype, shape },
    registry,
  );
}

test("imagecodecs_packints: highest bit first, each run on whole bytes", async () => {
  const pipeline = await packints("uint8", [2, 3], 1, 3);
  assert.deepEqual(await pipeline.decode(Uint8Array.of(0b1010_0000, 0b0110_0000)), Uint8Array.of(1, 0, 1, 0, 1, 1));
  const twelve = await packints("uint16", [3], 12);
  assert.deepEqual(
    await twelve.decode(Uint8Array.of(0xab, 0xc1, 0x23, 0xff, 0xf0)),
    Uint16Array.of(0xabc, 0x123, 0xfff),
  );
});

test("imagecodecs_packints: what is packed is unpacked, at every width", async () => {
  for (let bits = 1; bits <= 64; bits++) {
    for (const signed of [false, true]) {
      const width = bits <= 8 ? 8 : bits <= 16 ? 16 : bits <= 32 ? 32 : 64;
      const dtype = `${signed ? "" : "u"}int${width}` as IntegerType;
      const [low, high] = signed
        ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]
        : [0n, 2n ** BigInt(bits) - 1n];
      const numbers = [low, high, 0n, high / 3n, low / 3n, high, low, high - 1n < low ? low : high - 1n, 0n];
      const values = allocate(dtype, numbers.length) as TypedArray;
      for (const [i, value] of numbers.entries()) values[i] = width === 64 ? value : Number(value);
      const pipeline = await packints(dtype, [3, 3], bits, 3);
      const bytes = await pipeline.encode(values);
      assert.equal(bytes.byteLength, 3 * Math.ceil((3 * bits) / 8));
      assert.deepEqual(await pipeline.decode(bytes), values, `${dtype} in ${bits} bits`);
    }
  }
});

test("imagecodecs_packints: short data and bad settings are refused", async () => {
  const pipeline = await packints("uint8", [16], 4);
  await assert.rejects(pipeline.decode(new Uint8Array(7)), (error) => isGyreError(error, "BadSource"));
  await assert.rejects(packints("uint8", [4], 9), (error) => isGyreError(error, "BadSource"));
  await assert.rejects(packints("uint8", [4], 0), (error) => isGyreError(error, "BadSource"));
  await assert.rejects(packints("uint8", [4], 3, 3), (error) => isGyreError(error, "BadSource"));
});
