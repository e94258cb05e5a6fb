import { guarded } from "./checksum.ts";
import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";

/** Bob Jenkins' lookup3 (`hashlittle`), which also guards every newer metadata structure of HDF5. */
export function lookup3(bytes: Uint8Array, seed = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let left = bytes.byteLength;
  let at = 0;
  let a = (0xdeadbeef + left + seed) | 0;
  let b = a;
  let c = a;
  for (; left > 12; left -= 12, at += 12) {
    a = (a + view.getInt32(at, true)) | 0;
    b = (b + view.getInt32(at + 4, true)) | 0;
    c = (c + view.getInt32(at + 8, true)) | 0;
    a = ((a - c) ^ ((c << 4) | (c >>> 28))) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ ((a << 6) | (a >>> 26))) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ ((b << 8) | (b >>> 24))) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ ((c << 16) | (c >>> 16))) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ ((a << 19) | (a >>> 13))) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ ((b << 4) | (b >>> 28))) | 0;
    b = (b + a) | 0;
  }
  if (left === 0) return c >>> 0;
  const tail = [0, 0, 0];
  for (let i = 0; i < left; i++) tail[i >> 2]! |= bytes[at + i]! << (8 * (i & 3));
  a = (a + tail[0]!) | 0;
  b = (b + tail[1]!) | 0;
  c = (c + tail[2]!) | 0;
  c = ((c ^ b) - ((b << 14) | (b >>> 18))) | 0;
  a = ((a ^ c) - ((c << 11) | (c >>> 21))) | 0;
  b = ((b ^ a) - ((a << 25) | (a >>> 7))) | 0;
  c = ((c ^ b) - ((b << 16) | (b >>> 16))) | 0;
  a = ((a ^ c) - ((c << 4) | (c >>> 28))) | 0;
  b = ((b ^ a) - ((a << 14) | (a >>> 18))) | 0;
  c = ((c ^ b) - ((b << 24) | (b >>> 8))) | 0;
  return c >>> 0;
}

/** numcodecs `jenkins_lookup3`: the checksum behind the bytes. */
export const jenkins_lookup3: CodecEntry = {
  name: "jenkins_lookup3",
  aliases: ["numcodecs.jenkins_lookup3"],
  kind: "bytes-bytes",
  summary: "Jenkins lookup3 checksum",
  encodes: true,
  create(configuration) {
    const seed = integerOption("jenkins_lookup3", configuration, "initval", 0, { min: 0, max: 0xffffffff });
    return guarded("jenkins_lookup3", (bytes) => lookup3(bytes, seed), "end");
  },
};
