import type { CodecEntry } from "./codec.ts";
import { corrupt } from "./failure.ts";

/** numcodecs `base64` (RFC 4648 section 4). */
export const base64: CodecEntry = {
  name: "base64",
  aliases: ["numcodecs.base64"],
  kind: "bytes-bytes",
  summary: "bytes as text",
  encodes: true,
  create: () => ({
    kind: "bytes-bytes",
    encode: (bytes) => Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")),
    decode(bytes) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
      if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw corrupt("base64", "this is no base64");
      return Buffer.from(text, "base64");
    },
  }),
};
