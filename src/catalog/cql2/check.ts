import type { Expression, Operand } from "./expression.ts";
import type { Place } from "./node.ts";

const NUMBER = ["a number", "a property", "arithmetic of them"];

/** Refuses what can never be true of any item, since its constants are of the wrong kind: `'a' + 1`, `x LIKE 5`. */
export function checkLiterals(expression: Expression, place: Place): Expression {
  switch (expression.kind) {
    case "like":
      checkPattern(textOf(expression.pattern), place);
      checkScalar(expression.value, place);
      break;
    case "compare":
      checkScalar(expression.left, place);
      checkScalar(expression.right, place);
      break;
    case "between":
      for (const side of [expression.value, expression.low, expression.high]) checkScalar(side, place);
      break;
    case "in":
      for (const side of [expression.value, ...expression.list]) checkScalar(side, place);
      break;
    case "spatial":
      for (const side of [expression.left, expression.right])
        if (side.kind !== "geometry" && side.kind !== "property")
          throw place(`${expression.op} takes geometries`, ["geometry", "POINT(1 2)", "BBOX(...)"]);
      break;
    case "temporal":
      for (const side of [expression.left, expression.right])
        if (side.kind !== "instant" && side.kind !== "interval" && side.kind !== "property")
          throw place(`${expression.op} takes instants and intervals`, [
            "datetime",
            "DATE('2020-01-31')",
            "INTERVAL(...)",
          ]);
      break;
    case "array":
      for (const side of [expression.left, expression.right]) {
        if (side.kind !== "array" && side.kind !== "property")
          throw place(`${expression.op} takes arrays`, ["a property", "('a', 'b')"]);
        if (side.kind === "array") for (const item of side.items) checkItem(item, place);
      }
      break;
  }
  return expression;
}

/** Matching takes a time that grows with the product of both lengths. */
const MAX_PATTERN = 1000;

function checkPattern(pattern: string | undefined, place: Place): void {
  if (pattern === undefined) throw place("LIKE takes a constant text", ["'Sen%'", "CASEI('sen%')"]);
  if (pattern.length > MAX_PATTERN) throw place(`a pattern has at most ${MAX_PATTERN} characters`);
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(pattern))
    throw place("the pattern ends with a lone backslash", ["\\\\ for a backslash"]);
}

/** The text of a constant pattern, its CASEI and ACCENTI left away. */
export function textOf(operand: Operand): string | undefined {
  if (operand.kind === "casei" || operand.kind === "accenti") return textOf(operand.operand);
  return operand.kind === "literal" && typeof operand.value === "string" ? operand.value : undefined;
}

function checkScalar(operand: Operand, place: Place): void {
  switch (operand.kind) {
    case "geometry":
    case "interval":
    case "array":
      throw place(`${operand.kind} is nothing that can be compared`, [
        "a property",
        "a number",
        "'text'",
        "an instant",
      ]);
    case "arithmetic":
      checkNumber(operand.left, place);
      checkNumber(operand.right, place);
      break;
    case "casei":
    case "accenti":
      checkText(operand.operand, place);
      break;
  }
}

function checkNumber(operand: Operand, place: Place): void {
  if (operand.kind === "arithmetic") checkScalar(operand, place);
  else if (operand.kind !== "property" && !(operand.kind === "literal" && typeof operand.value === "number"))
    throw place("arithmetic takes numbers", NUMBER);
}

function checkText(operand: Operand, place: Place): void {
  if (operand.kind === "casei" || operand.kind === "accenti") checkText(operand.operand, place);
  else if (operand.kind !== "property" && textOf(operand) === undefined)
    throw place("CASEI and ACCENTI take text", ["a property", "'text'"]);
}

function checkItem(item: Operand, place: Place): void {
  if (item.kind !== "literal" && item.kind !== "property" && item.kind !== "arithmetic" && item.kind !== "predicate")
    throw place("an array holds texts, numbers, truth values and properties");
  checkScalar(item, place);
}
