import type { CodecEntry } from "./codec.ts";
import { corrupt } from "./failure.ts";
import { readElements, writeElements } from "./vlen.ts";

/** numcodecs `vlen-utf8`, also Zarr v3's codec of the type `string`. */
export const vlenUtf8: CodecEntry = {
  name: "vlen-utf8",
  aliases: ["numcodecs.vlen-utf8"],
  kind: "array-bytes",
  summary: "texts of any length",
  encodes: true,
  create(_configuration, { dtype }) {
    if (dtype !== "string") throw corrupt("vlen-utf8", "only texts can be stored so");
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    return {
      kind: "array-bytes",
      encode: ({ data }) => writeElements((data as string[]).map((text) => encoder.encode(text))),
      decode: (bytes, shape) => readElements("vlen-utf8", bytes, shape, (element) => decoder.decode(element)),
    };
  },
};
