import type { CodecEntry } from "./codec.ts";
import { corrupt } from "./failure.ts";
import { readElements, writeElements } from "./vlen.ts";

/** numcodecs `vlen-bytes`, also Zarr v3's codec of the type `variable_length_bytes`. */
export const vlenBytes: CodecEntry = {
  name: "vlen-bytes",
  aliases: ["numcodecs.vlen-bytes"],
  kind: "array-bytes",
  summary: "bytes of any length",
  encodes: true,
  create(_configuration, { dtype }) {
    if (dtype !== "bytes") throw corrupt("vlen-bytes", "only bytes can be stored so");
    return {
      kind: "array-bytes",
      encode: ({ data }) => writeElements(data as Uint8Array[]),
      decode: (bytes, shape) => readElements("vlen-bytes", bytes, shape, (element) => element),
    };
  },
};
