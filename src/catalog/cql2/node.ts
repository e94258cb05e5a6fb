import type { GyreError } from "../../errors.ts";
import type { Expression, Operand } from "./expression.ts";

/** What a piece of a filter turned out to be; `TRUE` is an operand until it is used as an expression. */
export type Node = { readonly expression: Expression } | { readonly operand: Operand };

/** Makes the error of a place in the filter. */
export type Place = (reason: string, allowed?: readonly string[]) => GyreError;

/** The node as something that is true or false. */
export function asExpression(node: Node, place: Place): Expression {
  if ("expression" in node) return node.expression;
  const { operand } = node;
  if (operand.kind === "literal" && typeof operand.value === "boolean")
    return { kind: "boolean", value: operand.value };
  if (operand.kind === "predicate") return operand.of;
  throw place("a value, where something true or false is expected", [
    "a comparison (= <> < > <= >=)",
    "LIKE, BETWEEN, IN, IS NULL",
    "a spatial, temporal or array function",
    "TRUE or FALSE",
  ]);
}

/** The node as a value. */
export function asOperand(node: Node): Operand {
  return "operand" in node ? node.operand : { kind: "predicate", of: node.expression };
}
