import type { CodecEntry } from "./codec.ts";
import { corrupt } from "./failure.ts";

/** Most 16-bit words whose sums cannot overflow 32 bits. */
const RUN = 360;

/** HDF5's Fletcher-32: sums of big-endian 16-bit words, an odd last byte counting as the high one. */
export function fletcher32Of(bytes: Uint8Array): number {
  let a = 0;
  let b = 0;
  const even = bytes.length & ~1;
  for (let start = 0; start < even; start += 2 * RUN) {
    const end = Math.min(start + 2 * RUN, even);
    for (let i = start; i < end; i += 2) {
      a += (bytes[i]! << 8) | bytes[i + 1]!;
      b += a;
    }
    a = (a & 0xffff) + (a >>> 16);
    b = (b & 0xffff) + (b >>> 16);
  }
  if (even !== bytes.length) {
    a += bytes[even]! << 8;
    b += a;
  }
  return ((fold(b) << 16) | fold(a)) >>> 0;
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** As writers before HDF5 1.6.3 stored it on little-endian machines: each half with its bytes exchanged. */
function exchanged(sum: number): number {
  return (((sum & 0x00ff00ff) << 8) | ((sum >>> 8) & 0x00ff00ff)) >>> 0;
}

/** HDF5 filter 3 and numcodecs `fletcher32`: a little-endian checksum behind the bytes. */
export const fletcher32: CodecEntry = {
  name: "fletcher32",
  aliases: ["numcodecs.fletcher32", "hdf5:3"],
  kind: "bytes-bytes",
  summary: "Fletcher-32 checksum (HDF5)",
  encodes: true,
  create: () => ({
    kind: "bytes-bytes",
    encode(bytes) {
      const out = new Uint8Array(bytes.length + 4);
      out.set(bytes);
      new DataView(out.buffer).setUint32(bytes.length, fletcher32Of(bytes), true);
      return out;
    },
    decode(bytes) {
      if (bytes.length < 4) throw corrupt("fletcher32", `${bytes.length} bytes have no room for a checksum`);
      const payload = bytes.subarray(0, -4);
      const stored = new DataView(bytes.buffer, bytes.byteOffset + payload.length, 4).getUint32(0, true);
      const computed = fletcher32Of(payload);
      if (stored !== computed && stored !== exchanged(computed)) {
        throw corrupt("fletcher32", `checksum ${stored.toString(16)} stored, ${computed.toString(16)} computed`);
      }
      return payload;
    },
  }),
};
