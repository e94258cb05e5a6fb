import { allocate, isFloat } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import { integerOption, typeOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";
import { cast, numbersOf, realType, roundHalfEven } from "./numbers.ts";

/** numcodecs `quantize`: rounds to a power of two that keeps `digits` decimals. Decoding only casts. */
export const quantize: CodecEntry = {
  name: "quantize",
  aliases: ["numcodecs.quantize"],
  kind: "array-array",
  summary: "rounding to a number of decimals (lossy)",
  encodes: true,
  create(configuration, { dtype, shape }) {
    const digits = integerOption("quantize", configuration, "digits", undefined, { min: -300, max: 300 });
    const from = realType("quantize", typeOption("quantize", configuration, "dtype", dtype));
    const to = realType("quantize", typeOption("quantize", configuration, "astype", from));
    if (!isFloat(from) || !isFloat(to)) throw corrupt("quantize", "only floating point numbers can be quantized");
    const scale = 2 ** Math.ceil(Math.log2(10 ** digits));
    return {
      kind: "array-array",
      encoded: { dtype: to, shape },
      encode({ data }) {
        const values = numbersOf(data);
        const out = allocate(from, values.length) as Float64Array;
        const single = values instanceof Float32Array;
        for (let i = 0; i < out.length; i++) {
          const scaled = (values[i] as number) * scale;
          out[i] = roundHalfEven(single ? Math.fround(scaled) : scaled) / scale;
        }
        return { dtype: to, shape, data: cast(out, to) };
      },
      decode({ data }) {
        return { dtype, shape, data: cast(numbersOf(data), from) };
      },
    };
  },
};
