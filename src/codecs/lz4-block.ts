import { corrupt } from "./failure.ts";

/** Decodes one raw LZ4 block, which must fill `out` exactly. */
export function lz4Decode(codec: string, block: Uint8Array, out: Uint8Array): void {
  const end = block.length;
  let at = 0;
  let op = 0;
  const more = (length: number): number => {
    let total = length;
    for (;;) {
      if (at >= end) throw corrupt(codec, "an LZ4 length is cut off");
      const byte = block[at++]!;
      total += byte;
      if (byte !== 255) return total;
    }
  };
  while (at < end) {
    const token = block[at++]!;
    const literals = token >> 4 === 15 ? more(15) : token >> 4;
    if (literals > end - at || literals > out.length - op) throw corrupt(codec, "LZ4 literals beyond the end");
    if (literals > 32) out.set(block.subarray(at, at + literals), op);
    else for (let i = 0; i < literals; i++) out[op + i] = block[at + i]!;
    at += literals;
    op += literals;
    if (at === end) break;
    if (at + 2 > end) throw corrupt(codec, "an LZ4 offset is cut off");
    const offset = block[at]! | (block[at + 1]! << 8);
    at += 2;
    const length = ((token & 15) === 15 ? more(15) : token & 15) + 4;
    if (offset === 0 || offset > op || length > out.length - op) throw corrupt(codec, "an LZ4 match is out of range");
    copyWithin(out, op, offset, length);
    op += length;
  }
  if (op !== out.length) throw corrupt(codec, `an LZ4 block holds ${op} bytes instead of ${out.length}`);
}

/** Repeats the `offset` bytes before `op`; the two ranges may overlap. */
export function copyWithin(out: Uint8Array, op: number, offset: number, length: number): void {
  const from = op - offset;
  if (offset === 1) out.fill(out[from]!, op, op + length);
  else if (length > 64 && offset >= length) out.copyWithin(op, from, from + length);
  else for (let i = 0; i < length; i++) out[op + i] = out[from + i]!;
}

const HASH_BITS = 14;
/** The last match must start 12 bytes before the end, and the last 5 bytes are literals (LZ4 block format). */
const MATCH_LIMIT = 12;
const LAST_LITERALS = 5;

/** Encodes one raw LZ4 block, greedily. */
export function lz4Encode(source: Uint8Array): Uint8Array {
  const out = new Uint8Array(source.length + Math.ceil(source.length / 255) + 16);
  const seen = new Int32Array(1 << HASH_BITS).fill(-65_536);
  const view = new DataView(source.buffer, source.byteOffset, source.length);
  const limit = source.length - MATCH_LIMIT;
  let op = 0;
  let anchor = 0;
  let at = 0;
  const length = (n: number): void => {
    let rest = n;
    for (; rest >= 255; rest -= 255) out[op++] = 255;
    out[op++] = rest;
  };
  const sequence = (literals: number, match: number, offset: number): void => {
    out[op++] = (Math.min(literals, 15) << 4) | (match === 0 ? 0 : Math.min(match - 4, 15));
    if (literals >= 15) length(literals - 15);
    out.set(source.subarray(anchor, anchor + literals), op);
    op += literals;
    if (match === 0) return;
    out[op++] = offset & 255;
    out[op++] = offset >> 8;
    if (match - 4 >= 15) length(match - 4 - 15);
  };
  while (at < limit) {
    const word = view.getUint32(at, true);
    const slot = Math.imul(word, 2654435761) >>> (32 - HASH_BITS);
    const candidate = seen[slot]!;
    seen[slot] = at;
    if (at - candidate > 65_535 || view.getUint32(candidate, true) !== word) {
      // Steps grow where nothing repeats, as in the reference encoder.
      at += 1 + ((at - anchor) >> 6);
      continue;
    }
    let match = 4;
    const most = source.length - LAST_LITERALS - at;
    while (match < most && source[candidate + match] === source[at + match]) match++;
    sequence(at - anchor, match, at - candidate);
    at += match;
    anchor = at;
  }
  sequence(source.length - anchor, 0, 0);
  return out.slice(0, op);
}
