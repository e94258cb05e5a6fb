import type { ArithmeticOp } from "./expression.ts";

/**
 * Numbers whose logarithm is beyond take part in no arithmetic: then no product overflows, here or in a database, where
 * that is an error.
 */
export const MAX_MAGNITUDE = 1e150;
export const MIN_MAGNITUDE = 1e-150;
/** Natural logarithm of the largest power. */
export const MAX_POWER = 345;

/** The result to 15 digits, as PostgreSQL turns binary into decimal numbers; undefined where there is none. */
export function calculate(op: ArithmeticOp, a: number, b: number): number | undefined {
  if (!isUsable(a) || !isUsable(b)) return undefined;
  const result = exact(op, a, b);
  return result === undefined ? undefined : Number(result.toPrecision(15));
}

function exact(op: ArithmeticOp, a: number, b: number): number | undefined {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0 ? undefined : a / b;
    case "div":
      return b === 0 ? undefined : Math.trunc(a / b);
    case "%":
      return b === 0 ? undefined : a - b * Math.trunc(a / b);
    case "^":
      return power(a, b);
  }
}

function power(a: number, b: number): number | undefined {
  if (a === 0) return b > 0 ? 0 : b === 0 ? 1 : undefined;
  if (a < 0 && !Number.isInteger(b)) return undefined;
  return Math.abs(b * Math.log(Math.abs(a))) > MAX_POWER ? undefined : a ** b;
}

function isUsable(value: number): boolean {
  const size = Math.abs(value);
  return size === 0 || (size >= MIN_MAGNITUDE && size <= MAX_MAGNITUDE);
}
