import type { CodecEntry } from "./codec.ts";
import { corrupt, tooLong } from "./failure.ts";

/** TIFF 6.0 section 9: runs and literals of at most 128 bytes. */
export const imagecodecs_packbits: CodecEntry = {
  name: "imagecodecs_packbits",
  kind: "bytes-bytes",
  summary: "TIFF PackBits",
  encodes: true,
  create: () => ({ kind: "bytes-bytes", encode, decode: (bytes, { maxBytes }) => decode(bytes, maxBytes) }),
};

function decode(bytes: Uint8Array, maxBytes: number): Uint8Array {
  // Two bytes make at most 128.
  const out = new Uint8Array(Math.min(maxBytes, bytes.length * 64));
  let op = 0;
  for (let at = 0; at < bytes.length; ) {
    const control = bytes[at++]!;
    if (control === 128) continue;
    const length = control < 128 ? control + 1 : 257 - control;
    if (op + length > out.length) throw tooLong("imagecodecs_packbits", maxBytes);
    const needed = control < 128 ? length : 1;
    if (at + needed > bytes.length) throw corrupt("imagecodecs_packbits", "the last run is cut off");
    if (control < 128) out.set(bytes.subarray(at, at + length), op);
    else out.fill(bytes[at]!, op, op + length);
    at += needed;
    op += length;
  }
  return out.subarray(0, op);
}

/** Runs of two within literals stay literals, so that the result is never longer than one byte in 128. */
function encode(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + Math.ceil(bytes.length / 128) + 1);
  let op = 0;
  for (let at = 0; at < bytes.length; ) {
    let run = 1;
    while (run < 128 && at + run < bytes.length && bytes[at + run] === bytes[at]) run++;
    if (run > 1) {
      out[op++] = 257 - run;
      out[op++] = bytes[at]!;
      at += run;
      continue;
    }
    let end = at + 1;
    while (end < bytes.length && end - at < 128 && !(bytes[end] === bytes[end + 1] && bytes[end] === bytes[end + 2])) {
      end++;
    }
    out[op++] = end - at - 1;
    out.set(bytes.subarray(at, end), op);
    op += end - at;
    at = end;
  }
  return out.slice(0, op);
}
