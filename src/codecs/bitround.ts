import type { TypedArray } from "../core/dtype.ts";
import { isFloat } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";

const MANTISSA = { float16: 10, float32: 23, float64: 52 } as const;

/** numcodecs `bitround`: keeps the first bits of the mantissa, rounding half to even. Decoding changes nothing. */
export const bitround: CodecEntry = {
  name: "bitround",
  aliases: ["numcodecs.bitround"],
  kind: "array-array",
  summary: "keeps the leading bits of the mantissa (lossy)",
  encodes: true,
  create(configuration, { dtype, shape }) {
    if (!isFloat(dtype)) throw corrupt("bitround", "only floating point numbers have a mantissa");
    const mantissa = MANTISSA[dtype];
    const keepbits = integerOption("bitround", configuration, "keepbits", undefined, { min: 0, max: mantissa });
    return {
      kind: "array-array",
      encoded: { dtype, shape },
      encode(chunk) {
        const data = (chunk.data as TypedArray).slice() as TypedArray;
        if (keepbits < mantissa) roundMantissa(data, mantissa - keepbits);
        return { dtype, shape, data };
      },
      decode: (chunk) => chunk,
    };
  },
};

/** In place; not-a-number keeps its bits, for rounding could carry it into the sign. */
function roundMantissa(values: TypedArray, drop: number): void {
  const { buffer, byteOffset, length } = values;
  if (values instanceof Float64Array) {
    const bits = new BigUint64Array(buffer, byteOffset, length);
    const shift = BigInt(drop);
    const half = (1n << (shift - 1n)) - 1n;
    for (let i = 0; i < length; i++) {
      const b = bits[i]!;
      if (!Number.isNaN(values[i])) bits[i] = ((b + ((b >> shift) & 1n) + half) >> shift) << shift;
    }
    return;
  }
  const half = 2 ** (drop - 1) - 1;
  const bits =
    values instanceof Float32Array
      ? new Uint32Array(buffer, byteOffset, length)
      : new Uint16Array(buffer, byteOffset, length);
  for (let i = 0; i < length; i++) {
    const b = bits[i]!;
    if (!Number.isNaN(values[i])) bits[i] = ((b + ((b >>> drop) & 1) + half) >>> drop) << drop;
  }
}
