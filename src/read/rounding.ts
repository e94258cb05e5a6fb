import type { Variable } from "../core/array.ts";
import { numericAttr } from "../core/attrs.ts";
import { isFloat, type Values } from "../core/dtype.ts";
import type { Rounding } from "../core/view.ts";

const MANTISSA_BITS = { float16: 10, float32: 23, float64: 52 } as const;

/**
 * Rounds floating-point values in place so that they compress better. Bits are rounded half to even, as numcodecs'
 * `BitRound` does; NaN, infinities and the variable's markers of missing values stay what they are.
 */
export function roundValues(values: Values, variable: Variable, rounding: Rounding): void {
  if (!(values instanceof Float32Array || values instanceof Float64Array || values instanceof Float16Array)) return;
  const marks = markers(variable);
  const before = marks.size > 0 ? values.slice() : values;
  if (rounding.kind === "abs") roundToStep(values, rounding.value);
  else roundBits(values, bitsOf(rounding));
  restore(values, before, marks);
}

/** True when rounding can change the variable's values. */
export function canRound({ spec }: Variable): boolean {
  return isFloat(spec.dtype);
}

/** Rounding to `k` bits errs by at most 2^-(k+1) of the value. */
function bitsOf({ kind, value }: Rounding): number {
  return kind === "keepbits" ? value : Math.max(1, Math.ceil(-Math.log2(value)) - 1);
}

/** The finite numbers that stand for missing values, as the variable's type holds them. */
function markers({ spec }: Variable): Set<number> {
  const found = [typeof spec.fill === "number" ? [spec.fill] : [], numericAttr(spec.attrs, "_FillValue") ?? []];
  const numbers = [...found.flat(), ...(numericAttr(spec.attrs, "missing_value") ?? [])].filter(Number.isFinite);
  return new Set(spec.dtype === "float32" ? numbers.map(Math.fround) : numbers);
}

type Floats = Float16Array | Float32Array | Float64Array;

/** Puts the markers back where they stood before. */
function restore(values: Floats, before: Floats, marks: ReadonlySet<number>): void {
  for (const mark of marks) {
    for (let i = before.indexOf(mark); i >= 0; i = before.indexOf(mark, i + 1)) values[i] = mark;
  }
}

/** Multiples of the largest power of two whose half is within the error: exact in binary, so nothing is added. */
function roundToStep(values: Floats, error: number): void {
  const step = 2 ** Math.floor(Math.log2(error * 2));
  if (!(step > 0)) return;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const scaled = value / step;
    // Beyond 2^52 every double is a whole number already.
    if (Math.abs(scaled) < 4503599627370496) values[i] = halfToEven(scaled) * step;
  }
}

function halfToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function roundBits(values: Floats, bits: number): void {
  if (values instanceof Float64Array) roundBits64(values, MANTISSA_BITS.float64 - bits);
  else if (values instanceof Float32Array) roundBits32(values, MANTISSA_BITS.float32 - bits);
  else roundBits16(values, MANTISSA_BITS.float16 - bits);
}

function roundBits16(values: Float16Array, drop: number): void {
  if (drop <= 0) return;
  const words = new Uint16Array(values.buffer, values.byteOffset, values.length);
  const half = (1 << (drop - 1)) - 1;
  const mask = 0xffff << drop;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & 0x7c00) !== 0x7c00) words[i] = (word + half + ((word >>> drop) & 1)) & mask;
  }
}

function roundBits32(values: Float32Array, drop: number): void {
  if (drop <= 0) return;
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const half = (1 << (drop - 1)) - 1;
  const mask = -1 << drop;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & 0x7f800000) !== 0x7f800000) words[i] = (word + half + ((word >>> drop) & 1)) & mask;
  }
}

/** The 64-bit addition in two halves: BigInt would allocate for every value. */
function roundBits64(values: Float64Array, drop: number): void {
  if (drop <= 0) return;
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const inLow = Math.min(drop, 32);
  const inHigh = drop - inLow;
  const halfLow = inHigh > 0 ? 0xffffffff : 2 ** (inLow - 1) - 1;
  const halfHigh = inHigh > 0 ? 2 ** (inHigh - 1) - 1 : 0;
  const maskLow = inLow === 32 ? 0 : -1 << inLow;
  const maskHigh = -1 << inHigh;
  for (let i = 0; i < words.length; i += 2) {
    const low = words[i]!;
    const high = words[i + 1]!;
    if ((high & 0x7ff00000) === 0x7ff00000) continue;
    const odd = drop < 32 ? (low >>> drop) & 1 : (high >>> inHigh) & 1;
    const sum = low + halfLow + odd;
    words[i] = sum & maskLow;
    words[i + 1] = (high + halfHigh + (sum > 0xffffffff ? 1 : 0)) & maskHigh;
  }
}
