import type { TypedArray } from "../core/dtype.ts";
import { allocate } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import { numberOption, typeOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";
import { cast, numbersOf, realType, roundHalfEven } from "./numbers.ts";

/** numcodecs `fixedscaleoffset`: stored = round((value - offset) * scale). Single precision stays single, as in NumPy. */
export const fixedscaleoffset: CodecEntry = {
  name: "fixedscaleoffset",
  aliases: ["numcodecs.fixedscaleoffset"],
  kind: "array-array",
  summary: "values times a scale, rounded to integers",
  encodes: true,
  create(configuration, { dtype, shape }) {
    const name = "fixedscaleoffset";
    const offset = numberOption(name, configuration, "offset");
    const scale = numberOption(name, configuration, "scale");
    if (scale === 0) throw corrupt(name, "scale is zero");
    const from = realType(name, typeOption(name, configuration, "dtype", dtype));
    const to = realType(name, typeOption(name, configuration, "astype", from));
    return {
      kind: "array-array",
      encoded: { dtype: to, shape },
      encode({ data }) {
        const values = numbersOf(data);
        const out = new Float64Array(values.length);
        if (values instanceof Float32Array) {
          const [o, s] = [Math.fround(offset), Math.fround(scale)];
          for (let i = 0; i < out.length; i++) {
            out[i] = roundHalfEven(Math.fround(Math.fround(values[i]! - o) * s));
          }
        } else {
          for (let i = 0; i < out.length; i++) out[i] = roundHalfEven((Number(values[i]) - offset) * scale);
        }
        return { dtype: to, shape, data: cast(out, to) };
      },
      decode({ data }) {
        return { dtype, shape, data: cast(unscaled(numbersOf(data), offset, scale), from) };
      },
    };
  },
};

function unscaled(stored: TypedArray, offset: number, scale: number): TypedArray {
  if (stored instanceof Float32Array) {
    const out = allocate("float32", stored.length) as Float32Array;
    const [o, s] = [Math.fround(offset), Math.fround(scale)];
    for (let i = 0; i < out.length; i++) out[i] = Math.fround(stored[i]! / s) + o;
    return out;
  }
  const out = new Float64Array(stored.length);
  for (let i = 0; i < out.length; i++) out[i] = Number(stored[i]) / scale + offset;
  return out;
}
