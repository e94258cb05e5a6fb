import type { DType, TypedArray, Values } from "../core/dtype.ts";
import { asBytes, asValues, itemSize } from "../core/dtype.ts";
import { swapped } from "./bytes.ts";
import type { CodecEntry } from "./codec.ts";
import { parseTypeName } from "./configuration.ts";
import { corrupt } from "./failure.ts";
import { readElements, writeElements } from "./vlen.ts";

/** numcodecs `vlen-array`: ragged arrays of numbers. */
export const vlenArray: CodecEntry = {
  name: "vlen-array",
  aliases: ["numcodecs.vlen-array"],
  kind: "array-bytes",
  summary: "ragged arrays",
  encodes: true,
  create(configuration, { dtype }) {
    if (typeof dtype !== "object" || dtype.kind !== "vlen") {
      throw corrupt("vlen-array", "only ragged arrays can be stored so");
    }
    const base: DType = dtype.base;
    if (itemSize(base) === undefined) throw corrupt("vlen-array", "elements must have a fixed size");
    const stored = configuration.dtype;
    const big = typeof stored === "string" && parseTypeName(stored)?.endian === "big";
    const ordered = (bytes: Uint8Array): Uint8Array => (big ? swapped(bytes, base) : bytes);
    return {
      kind: "array-bytes",
      encode: ({ data }) => writeElements((data as TypedArray[]).map((values) => ordered(asBytes(values)))),
      decode: (bytes, shape): Values =>
        readElements<TypedArray>("vlen-array", bytes, shape, (element) => asValues(base, ordered(element))),
    };
  },
};
