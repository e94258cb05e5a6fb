import type { TypedArray } from "../core/dtype.ts";
import { allocate } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import { typeOption } from "./configuration.ts";
import type { BigArray, NumberArray } from "./numbers.ts";
import { cast, isBigArray, numbersOf, realType } from "./numbers.ts";

/** numcodecs `delta`: differences of neighbours in C order, the first value kept; integers wrap. */
export const delta: CodecEntry = {
  name: "delta",
  aliases: ["numcodecs.delta"],
  kind: "array-array",
  summary: "differences of neighbouring values",
  encodes: true,
  create(configuration, { dtype, shape }) {
    const from = realType("delta", typeOption("delta", configuration, "dtype", dtype));
    const to = realType("delta", typeOption("delta", configuration, "astype", from));
    return {
      kind: "array-array",
      encoded: { dtype: to, shape },
      encode({ data }) {
        return { dtype: to, shape, data: cast(differences(numbersOf(data), from), to) };
      },
      decode({ data }) {
        return { dtype, shape, data: sums(cast(numbersOf(data), from), from) };
      },
    };
  },
};

function differences(values: TypedArray, type: ReturnType<typeof realType>): TypedArray {
  const out = allocate(type, values.length) as TypedArray;
  if (values.length === 0) return out;
  out[0] = values[0]!;
  if (isBigArray(values)) {
    const bigs = out as BigArray;
    for (let i = 1; i < values.length; i++) bigs[i] = values[i]! - values[i - 1]!;
  } else {
    const numbers = out as NumberArray;
    for (let i = 1; i < values.length; i++) numbers[i] = values[i]! - values[i - 1]!;
  }
  return out;
}

function sums(steps: TypedArray, type: ReturnType<typeof realType>): TypedArray {
  const out = allocate(type, steps.length) as TypedArray;
  if (steps.length === 0) return out;
  out[0] = steps[0]!;
  if (isBigArray(steps)) {
    const bigs = out as BigArray;
    for (let i = 1; i < steps.length; i++) bigs[i] = bigs[i - 1]! + steps[i]!;
  } else {
    const numbers = out as NumberArray;
    for (let i = 1; i < steps.length; i++) numbers[i] = numbers[i - 1]! + steps[i]!;
  }
  return out;
}
