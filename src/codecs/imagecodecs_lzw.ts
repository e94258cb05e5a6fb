import type { CodecEntry } from "./codec.ts";
import { corrupt, tooLong } from "./failure.ts";

const CLEAR = 256;
const END = 257;
const FIRST = 258;
const MAX_CODES = 4096;

/** TIFF 6.0 section 13: codes of 9 to 12 bits, highest bit first, widened one code early. */
export const imagecodecs_lzw: CodecEntry = {
  name: "imagecodecs_lzw",
  kind: "bytes-bytes",
  summary: "TIFF LZW",
  encodes: true,
  effort: { decode: 8, encode: 16 },
  create: () => ({ kind: "bytes-bytes", encode, decode: (bytes, { maxBytes }) => decode(bytes, maxBytes) }),
};

/** Every code is a place in the output where its string was written: one table of starts, one of lengths. */
function decode(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes[0] === 0 && (bytes[1]! & 1) === 1) throw corrupt("imagecodecs_lzw", "the old, reversed LZW is not read");
  const out = new Uint8Array(maxBytes);
  const starts = new Int32Array(MAX_CODES + 1);
  const lengths = new Int32Array(MAX_CODES + 1);
  let width = 9;
  let next = FIRST;
  let previous = -1;
  let op = 0;
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (;;) {
    while (bits < width && at < bytes.length) {
      buffer = ((buffer << 8) | bytes[at++]!) & 0xffffff;
      bits += 8;
    }
    if (bits < width) break;
    bits -= width;
    const code = (buffer >>> bits) & ((1 << width) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      width = 9;
      next = FIRST;
      previous = -1;
      continue;
    }
    if (code > next || code >= MAX_CODES || (code >= FIRST && previous < 0)) {
      throw corrupt("imagecodecs_lzw", `code ${code} is not defined`);
    }
    const start = op;
    if (previous >= 0 && next < MAX_CODES) {
      // The new string is the previous one and the byte behind it, which is about to be written.
      starts[next] = starts[END]!;
      lengths[next] = lengths[END]! + 1;
    } else if (code === next) throw corrupt("imagecodecs_lzw", `code ${code} is not defined`);
    const length = code < CLEAR ? 1 : lengths[code]!;
    if (op + length > maxBytes) throw tooLong("imagecodecs_lzw", maxBytes);
    if (code < CLEAR) out[op++] = code;
    else for (let i = 0, from = starts[code]!; i < length; i++) out[op++] = out[from + i]!;
    if (previous >= 0 && next < MAX_CODES) next++;
    starts[END] = start;
    lengths[END] = length;
    previous = code;
    if (next + 1 >= 1 << width && width < 12) width++;
  }
  return op === maxBytes ? out : out.slice(0, op);
}

function encode(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil((bytes.length + 2) * 1.5) + 2 * Math.ceil(bytes.length / 3000) + 8);
  /** Code of a known string and the byte behind it, by `prefix * 256 + byte`; cleared with the table. */
  const codes = new Int16Array(MAX_CODES * 256);
  let used: number[] = [];
  let next = FIRST;
  let width = 9;
  let buffer = 0;
  let bits = 0;
  let op = 0;
  const put = (code: number): void => {
    buffer = (buffer << width) | code;
    bits += width;
    while (bits >= 8) {
      bits -= 8;
      out[op++] = buffer >>> bits;
    }
    buffer &= (1 << bits) - 1;
  };
  put(CLEAR);
  let prefix = -1;
  for (const byte of bytes) {
    if (prefix < 0) {
      prefix = byte;
      continue;
    }
    const key = prefix * 256 + byte;
    const known = codes[key]!;
    if (known !== 0) {
      prefix = known;
      continue;
    }
    put(prefix);
    codes[key] = next++;
    used.push(key);
    if (next === MAX_CODES - 1) {
      put(CLEAR);
      for (const k of used) codes[k] = 0;
      used = [];
      next = FIRST;
      width = 9;
    } else if (next === 1 << width) width++;
    prefix = byte;
  }
  if (prefix >= 0) {
    put(prefix);
    next++;
    if (next === 1 << width && width < 12) width++;
  }
  put(END);
  if (bits > 0) out[op++] = buffer << (8 - bits);
  return out.slice(0, op);
}
