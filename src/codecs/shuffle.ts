import type { CodecEntry } from "./codec.ts";
import { integerOption } from "./configuration.ts";

/** HDF5 filter 2 and numcodecs `shuffle`: first bytes of all elements, then the second ones, and so on. */
export const shuffle: CodecEntry = {
  name: "shuffle",
  aliases: ["numcodecs.shuffle", "hdf5:2"],
  kind: "bytes-bytes",
  summary: "bytes of elements sorted by significance",
  encodes: true,
  create(configuration) {
    const size = integerOption("shuffle", configuration, "elementsize", 4, { min: 1, max: 1 << 20 });
    return {
      kind: "bytes-bytes",
      encode: (bytes) => shuffled(bytes, size),
      decode: (bytes, { into }) => unshuffled(bytes, size, into),
    };
  },
};

/** Bytes that make no whole element stay where they are, at the end. */
export function unshuffled(bytes: Uint8Array, size: number, into?: Uint8Array): Uint8Array {
  const count = Math.floor(bytes.length / size);
  if (size === 1 || count < 2) return bytes;
  const out = outputFor(bytes.length, into);
  const plane = (p: number): Uint8Array => bytes.subarray(p * count, (p + 1) * count);
  if (size % 4 === 0) {
    for (let p = 0; p < size; p += 4) {
      gather4(words(plane(p)), words(plane(p + 1)), words(plane(p + 2)), words(plane(p + 3)), out, size >> 2, p >> 2);
    }
  } else if (size === 2) gather2(words(plane(0)), words(plane(1)), out);
  const done = size % 4 === 0 || size === 2 ? count & ~3 : 0;
  for (let p = 0; p < size; p++) {
    for (let i = done, at = p * count + done; i < count; i++, at++) out[i * size + p] = bytes[at]!;
  }
  out.set(bytes.subarray(count * size), count * size);
  return out;
}

export function shuffled(bytes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor(bytes.length / size);
  if (size === 1 || count < 2) return bytes;
  const out = new Uint8Array(bytes.length);
  const done = size % 4 === 0 ? count & ~3 : 0;
  if (done > 0) {
    const source = words(bytes);
    const planes = Array.from({ length: 4 }, () => new Uint32Array(done >> 2)) as [Words, Words, Words, Words];
    for (let p = 0; p < size; p += 4) {
      scatter4(source, size >> 2, p >> 2, planes);
      planes.forEach((plane, k) => {
        out.set(new Uint8Array(plane.buffer), (p + k) * count);
      });
    }
  }
  for (let p = 0; p < size; p++) {
    for (let i = done, at = p * count + done; i < count; i++, at++) out[at] = bytes[i * size + p]!;
  }
  out.set(bytes.subarray(count * size), count * size);
  return out;
}

/** Memory whose words are aligned: `into` where it is that and long enough. */
function outputFor(length: number, into: Uint8Array | undefined): Uint8Array {
  const fits = into !== undefined && into.length >= length && into.byteOffset % 4 === 0;
  return fits ? into.subarray(0, length) : new Uint8Array(length);
}

type Words = Uint32Array;

/** The whole 32-bit words of `bytes`, copied only where they are not aligned. */
function words(bytes: Uint8Array): Words {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}

/** Transposes 4 x 4 bytes held in four words: four times faster than byte by byte. */
function gather4(a: Words, b: Words, c: Words, d: Words, out: Uint8Array, stride: number, offset: number): void {
  const target = words(out);
  for (let i = 0, at = offset; i < a.length; i++) {
    // One by one: destructured from a list they take twice the time.
    const wa = a[i]!;
    const wb = b[i]!;
    const wc = c[i]!;
    const wd = d[i]!;
    const ab02 = (wa & 0x00ff00ff) | ((wb & 0x00ff00ff) << 8);
    const ab13 = ((wa >>> 8) & 0x00ff00ff) | (wb & 0xff00ff00);
    const cd02 = (wc & 0x00ff00ff) | ((wd & 0x00ff00ff) << 8);
    const cd13 = ((wc >>> 8) & 0x00ff00ff) | (wd & 0xff00ff00);
    target[at] = (ab02 & 0xffff) | (cd02 << 16);
    at += stride;
    target[at] = (ab13 & 0xffff) | (cd13 << 16);
    at += stride;
    target[at] = (ab02 >>> 16) | (cd02 & 0xffff0000);
    at += stride;
    target[at] = (ab13 >>> 16) | (cd13 & 0xffff0000);
    at += stride;
  }
}

/** The inverse: the same transposition from strided words into four planes. */
function scatter4(source: Words, stride: number, offset: number, [a, b, c, d]: readonly [Words, Words, Words, Words]) {
  for (let i = 0, at = offset; i < a.length; i++, at += 4 * stride) {
    const w0 = source[at]!;
    const w1 = source[at + stride]!;
    const w2 = source[at + 2 * stride]!;
    const w3 = source[at + 3 * stride]!;
    const ac01 = (w0 & 0x00ff00ff) | ((w1 & 0x00ff00ff) << 8);
    const bd01 = ((w0 >>> 8) & 0x00ff00ff) | (w1 & 0xff00ff00);
    const ac23 = (w2 & 0x00ff00ff) | ((w3 & 0x00ff00ff) << 8);
    const bd23 = ((w2 >>> 8) & 0x00ff00ff) | (w3 & 0xff00ff00);
    a[i] = (ac01 & 0xffff) | (ac23 << 16);
    b[i] = (bd01 & 0xffff) | (bd23 << 16);
    c[i] = (ac01 >>> 16) | (ac23 & 0xffff0000);
    d[i] = (bd01 >>> 16) | (bd23 & 0xffff0000);
  }
}

function gather2(low: Words, high: Words, out: Uint8Array): void {
  const target = words(out);
  for (let i = 0; i < low.length; i++) {
    const l = low[i]!;
    const h = high[i]!;
    target[2 * i] = (l & 0xff) | ((h & 0xff) << 8) | ((l & 0xff00) << 8) | ((h & 0xff00) << 16);
    target[2 * i + 1] = ((l >>> 16) & 0xff) | (((h >>> 16) & 0xff) << 8) | ((l >>> 8) & 0xff0000) | (h & 0xff000000);
  }
}
