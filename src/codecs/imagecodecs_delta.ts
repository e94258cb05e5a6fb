import type { TypedArray } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import type { Rows } from "./imagecodecs-predictor.ts";
import { rowsOf } from "./imagecodecs-predictor.ts";
import type { BigArray, NumberArray } from "./numbers.ts";
import { isBigArray, realType } from "./numbers.ts";

/** TIFF predictor 2 (TIFF 6.0 section 14): differences along rows, modulo the sample's width. */
export const imagecodecs_delta: CodecEntry = {
  name: "imagecodecs_delta",
  kind: "array-array",
  summary: "TIFF predictor 2 (horizontal differences)",
  encodes: true,
  create(configuration, meta) {
    const { dtype, shape } = meta;
    realType("imagecodecs_delta", dtype);
    const rows = rowsOf("imagecodecs_delta", configuration, meta);
    return {
      kind: "array-array",
      encoded: { dtype, shape },
      encode({ data }) {
        const out = (data as TypedArray).slice() as TypedArray;
        difference(asIntegers(out), rows);
        return { dtype, shape, data: out };
      },
      decode({ data }) {
        const out = (data as TypedArray).slice() as TypedArray;
        const integers = asIntegers(out);
        if (isBigArray(integers)) accumulateBig(integers, rows);
        else accumulateNumbers(integers, rows);
        return { dtype, shape, data: out };
      },
    };
  },
};

/** Floating point samples are differenced as the integers that their bits are. */
function asIntegers(values: TypedArray): TypedArray {
  const { buffer, byteOffset, length } = values;
  if (values instanceof Float64Array) return new BigUint64Array(buffer, byteOffset, length);
  if (values instanceof Float32Array) return new Uint32Array(buffer, byteOffset, length);
  return values instanceof Float16Array ? new Uint16Array(buffer, byteOffset, length) : values;
}

function accumulateNumbers(numbers: NumberArray, { rows, length, distance }: Rows): void {
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * length;
    for (let i = row * length + distance; i < end; i++) numbers[i]! += numbers[i - distance]!;
  }
}

function accumulateBig(values: BigArray, { rows, length, distance }: Rows): void {
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * length;
    for (let i = row * length + distance; i < end; i++) values[i]! += values[i - distance]!;
  }
}

function difference(values: TypedArray, { rows, length, distance }: Rows): void {
  const big = isBigArray(values);
  for (let row = 0; row < rows; row++) {
    const start = row * length + distance;
    for (let i = (row + 1) * length - 1; i >= start; i--) {
      if (big) values[i]! -= values[i - distance]!;
      else (values as NumberArray)[i]! -= (values as NumberArray)[i - distance]!;
    }
  }
}
