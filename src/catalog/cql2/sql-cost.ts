import { domainOf, isCoverage } from "./domain.ts";
import type { Expression, Operand } from "./expression.ts";

/**
 * What a planner is asked to plan at most, in comparisons of a column with a constant. Beyond it the process decides
 * alone, in a time that grows with the filter only: thousands of subqueries take a planner gigabytes.
 */
export const MAX_COST = 2000;

/** Each is some subqueries. */
const OF_ITEMS = 20;
const OF_INSTANT = 5;
const OF_CALCULATION = 5;
const OF_ARRAY = 5;
const OF_FOLDING = 5;

/** What an expression costs as SQL; a condition used as a value is written twice, so nesting doubles it. */
export function costOf(expression: Expression): number {
  switch (expression.kind) {
    case "and":
    case "or":
      return expression.of.reduce((sum, part) => sum + costOf(part), 0);
    case "not":
      return costOf(expression.of);
    case "boolean":
      return 0;
    case "isNull":
      return 1 + operandCost(expression.value);
    case "like":
      return 1 + operandCost(expression.value);
    case "between":
      return comparisonCost(expression.value, expression.low) + comparisonCost(expression.value, expression.high);
    case "in":
      return expression.list.reduce((sum, one) => sum + comparisonCost(expression.value, one), 0);
    case "compare":
      return comparisonCost(expression.left, expression.right);
    case "temporal":
      return 1 + instantCost(expression.left) + instantCost(expression.right);
    case "array":
      return OF_ARRAY + operandCost(expression.left) + operandCost(expression.right);
    case "spatial":
      return 1;
  }
}

function comparisonCost(left: Operand, right: Operand): number {
  const domain = domainOf(left, right);
  if (domain === "items") return OF_ITEMS;
  if (domain === "instant") return 1 + instantCost(left) + instantCost(right);
  return 1 + operandCost(left) + operandCost(right);
}

function instantCost(operand: Operand): number {
  if (operand.kind === "interval")
    return [operand.start, operand.end].reduce((sum, end) => sum + (end === ".." ? 0 : instantCost(end)), 0);
  return operand.kind === "property" && !isCoverage(operand) ? 2 * OF_INSTANT : 0;
}

function operandCost(operand: Operand): number {
  switch (operand.kind) {
    case "arithmetic":
      return OF_CALCULATION + operandCost(operand.left) + operandCost(operand.right);
    case "casei":
    case "accenti":
      return OF_FOLDING + operandCost(operand.operand);
    case "array":
      return operand.items.reduce((sum, item) => sum + 1 + operandCost(item), 0);
    case "predicate":
      return 2 * costOf(operand.of) + 1;
    default:
      return 0;
  }
}
