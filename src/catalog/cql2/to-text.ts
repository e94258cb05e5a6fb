import { writeWkt } from "../../core/wkt.ts";
import { GyreError } from "../../errors.ts";
import type { Expression, Operand } from "./expression.ts";
import { writeInstant } from "./instant.ts";

/** Names that may stand without quotes; all that might be taken for a word of the language are quoted. */
const PLAIN =
  /^(?!(?:and|or|not|like|between|in|is|null|div|true|false|date|timestamp|interval|bbox)$)[:_\p{L}][\p{L}\p{M}\p{Nd}:_.\u00b7\u203f\u2040]*$/iu;

/** Writes the text encoding: what `parseText` reads as the same expression. */
export function toText(expression: Expression): string {
  switch (expression.kind) {
    case "and":
    case "or":
      return expression.of.map(inParentheses).join(` ${expression.kind.toUpperCase()} `);
    case "not":
      return `NOT ${inParentheses(expression.of)}`;
    case "boolean":
      return expression.value ? "TRUE" : "FALSE";
    case "compare":
      return `${operandText(expression.left)} ${expression.op} ${operandText(expression.right)}`;
    case "like":
      return `${operandText(expression.value)} LIKE ${operandText(expression.pattern)}`;
    case "between":
      return `${operandText(expression.value)} BETWEEN ${operandText(expression.low)} AND ${operandText(expression.high)}`;
    case "in":
      return `${operandText(expression.value)} IN (${expression.list.map(operandText).join(", ")})`;
    case "isNull":
      return `${operandText(expression.value)} IS NULL`;
    case "spatial":
    case "temporal":
    case "array":
      return `${expression.op.toUpperCase()}(${operandText(expression.left)}, ${operandText(expression.right)})`;
  }
}

function inParentheses(expression: Expression): string {
  return expression.kind === "boolean" ? toText(expression) : `(${toText(expression)})`;
}

function operandText(operand: Operand): string {
  switch (operand.kind) {
    case "property":
      return PLAIN.test(operand.name) ? operand.name : `"${operand.name}"`;
    case "literal":
      return typeof operand.value === "string" ? quoted(operand.value) : String(operand.value).toUpperCase();
    case "instant":
      return `${operand.isDate ? "DATE" : "TIMESTAMP"}('${writeInstant(operand)}')`;
    case "interval":
      return `INTERVAL(${boundText(operand.start)}, ${boundText(operand.end)})`;
    case "geometry":
      return operand.bbox === undefined ? writeWkt(operand.geometry) : `BBOX(${operand.bbox.join(", ")})`;
    case "array":
      // One property in parentheses would be the property itself: said twice it is the same set.
      return operand.items.length === 1 && operand.items[0]!.kind === "property"
        ? `(${operandText(operand.items[0]!)}, ${operandText(operand.items[0]!)})`
        : `(${operand.items.map(operandText).join(", ")})`;
    case "arithmetic":
      return `(${operandText(operand.left)} ${operand.op} ${operandText(operand.right)})`;
    case "casei":
    case "accenti":
      return `${operand.kind.toUpperCase()}(${operandText(operand.operand)})`;
    case "predicate":
      return `(${toText(operand.of)})`;
  }
}

function boundText(bound: Operand | ".."): string {
  if (bound === "..") return "'..'";
  return bound.kind === "instant" ? quoted(writeInstant(bound)) : operandText(bound);
}

function quoted(text: string): string {
  // A backslash escapes the quote behind it, and nothing escapes a backslash.
  if (/\\(?:'|$)/.test(text))
    throw new GyreError("Unsupported", "text with a backslash before a quote cannot be written in the text encoding");
  return `'${text.replaceAll("'", "''")}'`;
}
