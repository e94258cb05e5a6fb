import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** What is known of a file's bytes once they have been read. */
export interface Measured {
  readonly bytes: number;
  /** `sha256:...` */
  readonly hash: string;
  readonly crc32: number;
}

/** Reads all bytes once. */
export async function measure(stream: AsyncIterable<Uint8Array>): Promise<Measured> {
  const digest = createHash("sha256");
  let bytes = 0;
  let sum = 0;
  for await (const part of stream) {
    digest.update(part);
    sum = crc32(part, sum);
    bytes += part.byteLength;
  }
  return { bytes, hash: `sha256:${digest.digest("hex")}`, crc32: sum };
}

/** The same for bytes at hand. */
export function measureBytes(bytes: Uint8Array): Measured {
  const hash = createHash("sha256").update(bytes).digest("hex");
  return { bytes: bytes.byteLength, hash: `sha256:${hash}`, crc32: crc32(bytes) };
}
