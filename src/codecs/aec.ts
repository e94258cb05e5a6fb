import { corrupt } from "./failure.ts";

/** Parameters of CCSDS 121.0-B adaptive entropy coding, named as in the standard. */
export interface AecParameters {
  /** Resolution `n`: 1 to 32 bits per sample. */
  readonly bitsPerSample: number;
  /** Samples per block `J`. */
  readonly blockSize: number;
  /** Blocks per reference sample interval `r`. */
  readonly rsi: number;
  /** Samples went through the unit-delay predictor (section 4). */
  readonly preprocess: boolean;
  readonly signed?: boolean;
  /** The restricted set of code options of short resolutions (section 5.1.2). */
  readonly restricted?: boolean;
  /** Every reference sample interval starts on a byte. */
  readonly padRsi?: boolean;
}

const ROS = 5;
/** A zero-block run that ends a segment ends with the next 64th block (section 3.4.3). */
const SEGMENT = 64;
/** No valid second-extension code is longer. */
const MAX_SECOND_EXTENSION = 90;

/** Decodes `count` samples; as unsigned numbers, or two's complement within 32 bits when `signed`. */
export function aecDecode(codec: string, bytes: Uint8Array, count: number, parameters: AecParameters): Uint32Array {
  const { bitsPerSample: n, blockSize, rsi, preprocess, padRsi = false } = parameters;
  const isWhole = (x: number, max: number): boolean => Number.isInteger(x) && x >= 1 && x <= max;
  if (!isWhole(n, 32) || !isWhole(blockSize, 256) || blockSize % 2 !== 0 || !isWhole(rsi, 4096)) {
    throw corrupt(codec, `${n} bits, blocks of ${blockSize}, ${rsi} blocks per reference are no valid AEC parameters`);
  }
  const idBits = n > 16 ? 5 : n > 8 ? 4 : n > 4 || parameters.restricted !== true ? 3 : n > 2 ? 2 : 1;
  const uncoded = 2 ** idBits - 1;
  const input = new BitReader(codec, bytes);
  const out = new Uint32Array(count);
  let at = 0;
  while (at < count) {
    const start = at;
    const end = Math.min(count, start + rsi * blockSize);
    for (let block = 0; at < end; block++) {
      const isFirst = preprocess && block === 0;
      const stop = Math.min(at + blockSize, end);
      const id = input.read(idBits);
      if (id === 0) {
        const isSecondExtension = input.read(1) === 1;
        if (isFirst) out[at++] = input.read(n);
        if (isSecondExtension) readSecondExtension(input, out, at, stop, isFirst);
        else {
          const blocks = zeroBlocks(input.unary(), block, rsi);
          // Samples are zero already.
          block += blocks - 1;
          at = Math.min(start + (block + 1) * blockSize, end);
          continue;
        }
      } else if (id === uncoded) {
        for (let i = at; i < stop; i++) out[i] = input.read(n);
      } else {
        if (isFirst) out[at++] = input.read(n);
        readSplit(input, out, at, stop, id - 1, blockSize - (stop - at) - (isFirst ? 1 : 0));
      }
      at = stop;
    }
    if (padRsi) input.align();
    if (parameters.signed === true) {
      if (preprocess) undoSigned(out, start, end, n);
      else for (let i = start; i < end; i++) out[i] = (out[i]! << (32 - n)) >> (32 - n);
    } else if (preprocess) undoUnsigned(out, start, end, n);
  }
  return out;
}

/** Section 3.4.3: how many blocks, this one first, a fundamental sequence of zeros stands for. */
function zeroBlocks(zeros: number, block: number, rsi: number): number {
  const code = zeros + 1;
  if (code === ROS) return Math.min(rsi - block, SEGMENT - (block % SEGMENT));
  return code > ROS ? code - 1 : code;
}

/** Section 3.4.2: two samples in one fundamental sequence, `(a + b)(a + b + 1) / 2 + b`. */
function readSecondExtension(input: BitReader, out: Uint32Array, at: number, stop: number, isFirst: boolean): void {
  let i = at;
  // Beside a reference sample the first pair has only its second half.
  let isHalf = isFirst;
  while (i < stop) {
    const m = input.unary();
    if (m > MAX_SECOND_EXTENSION) throw corrupt(input.codec, "a second extension code is out of range");
    const sum = Math.floor((Math.sqrt(8 * m + 1) - 1) / 2);
    const second = m - (sum * (sum + 1)) / 2;
    if (!isHalf) out[i++] = sum - second;
    isHalf = false;
    if (i < stop) out[i++] = second;
  }
}

/** Section 3.3: high parts as fundamental sequences, then `k` low bits each; `unused` samples pad the last block. */
function readSplit(input: BitReader, out: Uint32Array, at: number, stop: number, k: number, unused: number): void {
  for (let i = at; i < stop; i++) out[i] = input.unary();
  if (k === 0) return;
  for (let i = 0; i < unused; i++) input.unary();
  for (let i = at; i < stop; i++) out[i] = out[i]! * 2 ** k + input.read(k);
}

/** Section 4.2.3 for samples from 0 to 2^n - 1: the mapped residuals of an interval become samples. */
function undoUnsigned(out: Uint32Array, start: number, end: number, n: number): void {
  const max = 2 ** n - 1;
  const middle = 2 ** (n - 1);
  let x = out[start]!;
  for (let i = start + 1; i < end; i++) {
    const d = out[i]!;
    const room = x < middle ? x : max - x;
    if (Math.ceil(d / 2) <= room) x += d % 2 === 0 ? d / 2 : -(d + 1) / 2;
    else x = x < middle ? d : max - d;
    out[i] = x;
  }
}

function undoSigned(out: Uint32Array, start: number, end: number, n: number): void {
  const max = 2 ** (n - 1) - 1;
  let x = out[start]! > max ? out[start]! - 2 ** n : out[start]!;
  out[start] = x;
  for (let i = start + 1; i < end; i++) {
    const d = out[i]!;
    const room = x < 0 ? max + x + 1 : max - x;
    if (Math.ceil(d / 2) <= room) x += d % 2 === 0 ? d / 2 : -(d + 1) / 2;
    else x = x < 0 ? d - max - 1 : max - d;
    out[i] = x;
  }
}

/** Bits from the highest down; past the end it throws. */
class BitReader {
  readonly codec: string;
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Unread bits are the low `#left` ones. */
  #word = 0;
  #left = 0;

  constructor(codec: string, bytes: Uint8Array) {
    this.codec = codec;
    this.#bytes = bytes;
  }

  #next(): void {
    if (this.#at >= this.#bytes.length) throw corrupt(this.codec, "the data ends early");
    this.#word = this.#bytes[this.#at++]!;
    this.#left = 8;
  }

  read(count: number): number {
    let value = 0;
    let missing = count;
    while (missing > 0) {
      if (this.#left === 0) this.#next();
      const take = Math.min(missing, this.#left);
      this.#left -= take;
      value = value * 2 ** take + ((this.#word >>> this.#left) & ((1 << take) - 1));
      missing -= take;
    }
    return value;
  }

  /** Zeros before the next one. */
  unary(): number {
    let zeros = 0;
    for (;;) {
      const rest = this.#word & ((1 << this.#left) - 1);
      if (rest !== 0) {
        const leading = Math.clz32(rest) - (32 - this.#left);
        this.#left -= leading + 1;
        return zeros + leading;
      }
      zeros += this.#left;
      this.#next();
    }
  }

  align(): void {
    this.#left = 0;
  }
}
