import type { CodecEntry } from "./codec.ts";
import { typeOption } from "./configuration.ts";
import { cast, numbersOf, realType } from "./numbers.ts";

/** numcodecs `astype`: stores numbers as another type. */
export const astype: CodecEntry = {
  name: "astype",
  aliases: ["numcodecs.astype"],
  kind: "array-array",
  summary: "numbers stored as another type",
  encodes: true,
  create(configuration, { dtype, shape }) {
    const to = realType("astype", typeOption("astype", configuration, "encode_dtype"));
    const from = realType("astype", typeOption("astype", configuration, "decode_dtype", dtype));
    return {
      kind: "array-array",
      encoded: { dtype: to, shape },
      encode: ({ data }) => ({ dtype: to, shape, data: cast(numbersOf(data), to) }),
      decode: ({ data }) => ({ dtype, shape, data: cast(numbersOf(data), from) }),
    };
  },
};
