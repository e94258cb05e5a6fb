import { guarded } from "./checksum.ts";
import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";

/** Bob Jenkins' lookup3 (`hashlittle`), also the checksum of HDF5's metadata. */
export function lookup3(bytes: Uint8Array, seed = 0): number {
  let a = (0xdeadbeef + bytes.length + seed) | 0;
  let b = a;
  let c = a;
  const word = (at: number): number =>
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  let at = 0;
  for (; bytes.length - at > 12; at += 12) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    a = ((a - c) ^ rotate(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ rotate(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 4)) | 0;
    b = (b + a) | 0;
  }
  if (at === bytes.length) return c >>> 0;
  a = (a + word(at)) | 0;
  b = (b + word(at + 4)) | 0;
  c = (c + word(at + 8)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
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
