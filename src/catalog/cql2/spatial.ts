import type { Expression, Operand } from "./expression.ts";

/** The values that a predicate looks at. */
export function operandsOf(expression: Expression): readonly Operand[] {
  switch (expression.kind) {
    case "compare":
    case "spatial":
    case "temporal":
    case "array":
      return [expression.left, expression.right];
    case "like":
      return [expression.value];
    case "between":
      return [expression.value, expression.low, expression.high];
    case "in":
      return [expression.value, ...expression.list];
    case "isNull":
      return [expression.value];
    default:
      return [];
  }
}

/** Whether a value depends on a spatial predicate. */
export function hasSpatial(operand: Operand): boolean {
  switch (operand.kind) {
    case "predicate":
      return expressionHasSpatial(operand.of);
    case "array":
      return operand.items.some(hasSpatial);
    default:
      return false;
  }
}

/** Whether any part of an expression is a spatial predicate. */
export function expressionHasSpatial(expression: Expression): boolean {
  switch (expression.kind) {
    case "spatial":
      return true;
    case "and":
    case "or":
      return expression.of.some(expressionHasSpatial);
    case "not":
      return expressionHasSpatial(expression.of);
    default:
      return operandsOf(expression).some(hasSpatial);
  }
}
