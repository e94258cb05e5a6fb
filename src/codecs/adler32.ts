import { checksum } from "./checksum.ts";

/** Most bytes whose sums cannot overflow 32 bits (RFC 1950). */
const RUN = 5552;

function adler32Of(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let start = 0; start < bytes.length; start += RUN) {
    const end = Math.min(start + RUN, bytes.length);
    for (let i = start; i < end; i++) {
      a += bytes[i]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}

export const adler32 = checksum("adler32", adler32Of, {
  aliases: ["numcodecs.adler32"],
  location: "start",
  summary: "Adler-32 checksum",
});
