import { crc32 as zlibCrc32 } from "node:zlib";
import type { BytesBytesCodec, CodecEntry } from "./codec.ts";
import { wordOption } from "./configuration.ts";
import { corrupt } from "./failure.ts";

const END = ["start", "end"] as const;

/** A codec that adds a 32-bit little-endian checksum and, on decoding, checks and removes it. */
export function checksum(
  name: string,
  sum: (bytes: Uint8Array) => number,
  {
    aliases,
    location,
    summary,
  }: {
    readonly aliases?: readonly string[];
    readonly location: "start" | "end";
    readonly summary: string;
  },
): CodecEntry {
  return {
    name,
    ...(aliases === undefined ? {} : { aliases }),
    kind: "bytes-bytes",
    summary,
    encodes: true,
    create: (configuration) => guarded(name, sum, wordOption(name, configuration, "location", END, location)),
  };
}

/** Adds and checks a 32-bit little-endian checksum of all other bytes. */
export function guarded(name: string, sum: (bytes: Uint8Array) => number, location: "start" | "end"): BytesBytesCodec {
  return {
    kind: "bytes-bytes",
    encode(bytes) {
      const out = new Uint8Array(bytes.length + 4);
      out.set(bytes, location === "start" ? 4 : 0);
      new DataView(out.buffer).setUint32(location === "start" ? 0 : bytes.length, sum(bytes), true);
      return out;
    },
    decode(bytes) {
      if (bytes.length < 4) throw corrupt(name, `${bytes.length} bytes have no room for a checksum`);
      const payload = location === "start" ? bytes.subarray(4) : bytes.subarray(0, -4);
      const at = bytes.byteOffset + (location === "start" ? 0 : bytes.length - 4);
      const stored = new DataView(bytes.buffer, at, 4).getUint32(0, true);
      const computed = sum(payload);
      if (stored !== computed) {
        throw corrupt(name, `checksum ${stored.toString(16)} stored, ${computed.toString(16)} computed`);
      }
      return payload;
    },
  };
}

export const crc32 = checksum("crc32", (bytes) => zlibCrc32(bytes), {
  aliases: ["numcodecs.crc32"],
  location: "start",
  summary: "CRC-32 checksum",
});
