import { roundMantissa } from "../codecs/bitround.ts";
import type { Variable } from "../core/array.ts";
import { numericAttr } from "../core/attrs.ts";
import { isFloat, type Values } from "../core/dtype.ts";
import type { Rounding } from "../core/view.ts";

/**
 * Rounds floating-point values in place so that they compress better. Bits are rounded half to even, as numcodecs'
 * `BitRound` does; NaN, infinities and the variable's markers of missing values stay what they are.
 */
export function roundValues(values: Values, variable: Variable, rounding: Rounding): void {
  if (!(values instanceof Float32Array || values instanceof Float64Array || values instanceof Float16Array)) return;
  const marks = markers(variable);
  const before = marks.size > 0 ? values.slice() : values;
  if (rounding.kind === "abs") roundToStep(values, rounding.value);
  else roundMantissa(values, bitsOf(rounding));
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
  const narrow = spec.dtype === "float32" ? Math.fround : spec.dtype === "float16" ? Math.f16round : Number;
  return new Set(numbers.map((number) => narrow(number)));
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
