import { checksum } from "./checksum.ts";

/** Castagnoli's polynomial, reflected; slicing by four bytes. */
const TABLES = Array.from({ length: 4 }, () => new Uint32Array(256));
for (let i = 0; i < 256; i++) {
  let crc = i;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  TABLES[0]![i] = crc;
}
for (let k = 1; k < 4; k++) {
  for (let i = 0; i < 256; i++) {
    const crc = TABLES[k - 1]![i]!;
    TABLES[k]![i] = TABLES[0]![crc & 255]! ^ (crc >>> 8);
  }
}
const [T0, T1, T2, T3] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];

export function crc32cOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  let i = 0;
  for (const end = bytes.length - 3; i < end; i += 4) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc = T3[crc & 255]! ^ T2[(crc >>> 8) & 255]! ^ T1[(crc >>> 16) & 255]! ^ T0[crc >>> 24]!;
  }
  for (; i < bytes.length; i++) crc = T0[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** RFC 3720 appendix B.4, as in Zarr v3; always at the end unless numcodecs says otherwise. */
export const crc32c = checksum("crc32c", crc32cOf, {
  aliases: ["numcodecs.crc32c"],
  location: "end",
  summary: "CRC-32C checksum",
});
