import type { CodecEntry } from "./codec.ts";
import { corrupt, tooLong } from "./failure.ts";
import { copyWithin } from "./lz4-block.ts";

/** LibLZF as h5py's filter 32000 stores it. */
export const lzf: CodecEntry = {
  name: "lzf",
  aliases: ["hdf5:32000", "imagecodecs_lzf"],
  kind: "bytes-bytes",
  summary: "LZF (h5py)",
  encodes: false,
  create: () => ({ kind: "bytes-bytes", decode: (bytes, { maxBytes }) => decode(bytes, maxBytes) }),
};

function decode(bytes: Uint8Array, maxBytes: number): Uint8Array {
  // Three bytes make at most 264.
  const out = new Uint8Array(Math.min(maxBytes, bytes.length * 88));
  let op = 0;
  let at = 0;
  while (at < bytes.length) {
    const control = bytes[at++]!;
    if (control < 32) {
      const length = control + 1;
      if (at + length > bytes.length) throw corrupt("lzf", "literals are cut off");
      if (op + length > out.length) throw tooLong("lzf", maxBytes);
      out.set(bytes.subarray(at, at + length), op);
      at += length;
      op += length;
      continue;
    }
    let length = control >> 5;
    if (length === 7) length += bytes[at++] ?? 0;
    length += 2;
    if (at >= bytes.length) throw corrupt("lzf", "a match is cut off");
    const distance = ((control & 31) << 8) + bytes[at++]! + 1;
    if (distance > op) throw corrupt("lzf", "a match is out of range");
    if (op + length > out.length) throw tooLong("lzf", maxBytes);
    copyWithin(out, op, distance, length);
    op += length;
  }
  return out.subarray(0, op);
}
