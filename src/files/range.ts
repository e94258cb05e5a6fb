import { GyreError } from "../errors.ts";
import type { ByteRange } from "./files.ts";

/** Start and end (exclusive) of a range in a file of `size` bytes, cut to the file. Throws on negative or broken numbers. */
export function resolveRange(range: ByteRange | undefined, size: number): { start: number; end: number } {
  if (range === undefined) return { start: 0, end: size };
  if ("suffix" in range) {
    check(range.suffix);
    return { start: Math.max(0, size - range.suffix), end: size };
  }
  check(range.offset);
  if (range.length !== undefined) check(range.length);
  const start = Math.min(range.offset, size);
  return { start, end: range.length === undefined ? size : Math.min(size, start + range.length) };
}

export function sliceRange(bytes: Uint8Array, range: ByteRange | undefined): Uint8Array {
  const { start, end } = resolveRange(range, bytes.byteLength);
  return bytes.subarray(start, end);
}

function check(n: number): void {
  if (!Number.isSafeInteger(n) || n < 0) throw new GyreError("BadSource", `${n} is no byte count`);
}
