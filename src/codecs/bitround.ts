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
        const data = (chunk.data as Float32Array | Float64Array | Float16Array).slice();
        roundMantissa(data, keepbits);
        return { dtype, shape, data };
      },
      decode: (chunk) => chunk,
    };
  },
};

/**
 * Keeps so many leading bits of every mantissa, in place, rounding half to even. Infinities and not-a-number keep
 * theirs, for rounding could carry them into the sign.
 */
export function roundMantissa(values: Float16Array | Float32Array | Float64Array, keepbits: number): void {
  if (values instanceof Float64Array) roundBits64(values, MANTISSA.float64 - keepbits);
  else if (values instanceof Float32Array) roundBits32(values, MANTISSA.float32 - keepbits);
  else roundBits16(values, MANTISSA.float16 - keepbits);
}

function roundBits16(values: Float16Array, drop: number): void {
  if (drop <= 0) return;
  const words = new Uint16Array(values.buffer, values.byteOffset, values.length);
  const half = (1 << (drop - 1)) - 1;
  const mask = 0xffff << drop;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & 0x7c00) !== 0x7c00) words[i] = (word + half + ((word >>> drop) & 1)) & mask;
  }
}

function roundBits32(values: Float32Array, drop: number): void {
  if (drop <= 0) return;
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const half = (1 << (drop - 1)) - 1;
  const mask = -1 << drop;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & 0x7f800000) !== 0x7f800000) words[i] = (word + half + ((word >>> drop) & 1)) & mask;
  }
}

/** The 64-bit addition in two halves: BigInt would allocate for every value. */
function roundBits64(values: Float64Array, drop: number): void {
  if (drop <= 0) return;
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const inLow = Math.min(drop, 32);
  const inHigh = drop - inLow;
  const halfLow = inHigh > 0 ? 0xffffffff : 2 ** (inLow - 1) - 1;
  const halfHigh = inHigh > 0 ? 2 ** (inHigh - 1) - 1 : 0;
  const maskLow = inLow === 32 ? 0 : -1 << inLow;
  const maskHigh = -1 << inHigh;
  for (let i = 0; i < words.length; i += 2) {
    const low = words[i]!;
    const high = words[i + 1]!;
    if ((high & 0x7ff00000) === 0x7ff00000) continue;
    const odd = drop < 32 ? (low >>> drop) & 1 : (high >>> inHigh) & 1;
    const sum = low + halfLow + odd;
    words[i] = sum & maskLow;
    words[i + 1] = (high + halfHigh + (sum > 0xffffffff ? 1 : 0)) & maskHigh;
  }
}
