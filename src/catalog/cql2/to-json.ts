import type { Json } from "../../core/stac.ts";
import type { Expression, Operand } from "./expression.ts";
import { writeInstant } from "./instant.ts";
import { jsonName } from "./operators.ts";

/** Writes the JSON encoding. */
export function toJson(expression: Expression): Json {
  switch (expression.kind) {
    case "and":
    case "or":
      return { op: expression.kind, args: expression.of.map(toJson) };
    case "not":
      return { op: "not", args: [toJson(expression.of)] };
    case "boolean":
      return expression.value;
    case "compare":
      return { op: expression.op, args: [operandJson(expression.left), operandJson(expression.right)] };
    case "like":
      return { op: "like", args: [operandJson(expression.value), operandJson(expression.pattern)] };
    case "between":
      return { op: "between", args: [expression.value, expression.low, expression.high].map(operandJson) };
    case "in":
      return { op: "in", args: [operandJson(expression.value), expression.list.map(operandJson)] };
    case "isNull":
      return { op: "isNull", args: [operandJson(expression.value)] };
    case "spatial":
    case "temporal":
    case "array":
      return { op: jsonName(expression.op), args: [operandJson(expression.left), operandJson(expression.right)] };
  }
}

function operandJson(operand: Operand): Json {
  switch (operand.kind) {
    case "property":
      return { property: operand.name };
    case "literal":
      return operand.value;
    case "instant":
      return { [operand.isDate ? "date" : "timestamp"]: writeInstant(operand) };
    case "interval":
      return { interval: [boundJson(operand.start), boundJson(operand.end)] };
    case "geometry":
      return operand.bbox === undefined ? { ...operand.geometry } : { bbox: operand.bbox };
    case "array":
      return operand.items.map(operandJson);
    case "arithmetic":
      return { op: operand.op, args: [operandJson(operand.left), operandJson(operand.right)] };
    case "casei":
    case "accenti":
      return { op: operand.kind, args: [operandJson(operand.operand)] };
    case "predicate":
      return toJson(operand.of);
  }
}

function boundJson(bound: Operand | ".."): Json {
  if (bound === "..") return "..";
  return bound.kind === "instant" ? writeInstant(bound) : operandJson(bound);
}
