import type { TypedArray } from "../core/dtype.ts";
import { allocate, isInteger } from "../core/dtype.ts";
import type { CodecEntry } from "./codec.ts";
import { typeOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";

/** numcodecs `categorize`: texts as numbers, 1 for the first label; 0 (any text that is no label) reads as empty. */
export const categorize: CodecEntry = {
  name: "categorize",
  aliases: ["numcodecs.categorize"],
  kind: "array-array",
  summary: "texts as numbers of labels",
  encodes: true,
  create(configuration, { dtype, shape }) {
    const { labels } = configuration;
    if (!Array.isArray(labels) || !labels.every((label) => typeof label === "string")) {
      throw corrupt("categorize", "labels are not a list of texts");
    }
    if (dtype !== "string") throw corrupt("categorize", "only texts have labels");
    const astype = typeOption("categorize", configuration, "astype", "uint8");
    if (!isInteger(astype)) throw corrupt("categorize", "labels can only be stored as integers");
    const texts = ["", ...(labels as string[])];
    const codes = new Map(texts.map((text, code) => [text, code] as const).reverse());
    return {
      kind: "array-array",
      encoded: { dtype: astype, shape },
      encode({ data }) {
        const out = allocate(astype, data.length) as TypedArray;
        const wide = out instanceof BigInt64Array || out instanceof BigUint64Array;
        (data as string[]).forEach((text, i) => {
          const code = codes.get(text) ?? 0;
          out[i] = wide ? BigInt(code) : code;
        });
        return { dtype: astype, shape, data: out };
      },
      decode({ data }) {
        return {
          dtype,
          shape,
          data: Array.from(data as ArrayLike<number | bigint>, (code) => texts[Number(code)] ?? ""),
        };
      },
    };
  },
};
