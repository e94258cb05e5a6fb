import { product } from "../core/array.ts";
import type { CodecEntry } from "./codec.ts";
import { corrupt } from "./failure.ts";

/** numcodecs `packbits`: booleans as bits, highest first, behind one byte that counts the padding bits. */
export const packbits: CodecEntry = {
  name: "packbits",
  aliases: ["numcodecs.packbits"],
  kind: "array-array",
  summary: "booleans as bits",
  encodes: true,
  create(_configuration, { dtype, shape }) {
    if (dtype !== "bool") throw corrupt("packbits", "only booleans can be packed");
    const count = product(shape);
    const encoded = { dtype: "uint8", shape: [1 + Math.ceil(count / 8)] } as const;
    return {
      kind: "array-array",
      encoded,
      encode({ data }) {
        const flags = data as Uint8Array;
        const out = new Uint8Array(encoded.shape[0]!);
        out[0] = (8 - (count % 8)) % 8;
        for (let i = 0; i < count; i++) if (flags[i] !== 0) out[1 + (i >> 3)]! |= 0x80 >> (i & 7);
        return { ...encoded, data: out };
      },
      decode({ data }) {
        const packed = data as Uint8Array;
        if (packed[0] !== (8 - (count % 8)) % 8) throw corrupt("packbits", `${packed[0]} padding bits`);
        const out = new Uint8Array(count);
        for (let i = 0; i < count; i++) out[i] = (packed[1 + (i >> 3)]! >> (7 - (i & 7))) & 1;
        return { dtype, shape, data: out };
      },
    };
  },
};
