import type { Expression, Operand } from "./expression.ts";
import { parseLiteral, readInstant } from "./instant.ts";

/** What two values are compared as. */
export type Domain = "text" | "number" | "boolean" | "instant";

/** Properties that STAC defines as instants. */
const INSTANTS = new Set(["datetime", "start_datetime", "end_datetime", "created", "updated"]);
const TEXTS = new Set(["id", "collection"]);

/** A property's name without `properties.`, which clients may write or not. */
export function bareName(name: string): string {
  return name.startsWith("properties.") ? name.slice("properties.".length) : name;
}

/** Whether an operand is `datetime`, which is the time that an item covers. */
export function isCoverage(operand: Operand): boolean {
  return operand.kind === "property" && bareName(operand.name) === "datetime";
}

/** The kind that an operand has whatever the item; undefined when only the item knows. */
export function kindOf(operand: Operand): Domain | "other" | undefined {
  switch (operand.kind) {
    case "property": {
      const name = bareName(operand.name);
      return INSTANTS.has(name) ? "instant" : TEXTS.has(name) ? "text" : name === "geometry" ? "other" : undefined;
    }
    case "literal":
      return typeof operand.value === "string" ? "text" : typeof operand.value === "number" ? "number" : "boolean";
    case "instant":
      return "instant";
    case "arithmetic":
      return "number";
    case "casei":
    case "accenti":
      return "text";
    case "predicate":
      return "boolean";
    default:
      return "other";
  }
}

/** Text that is an instant as the instant; anything else as it is. */
export function instantFrom(operand: Operand): Operand {
  const text = operand.kind === "literal" && typeof operand.value === "string" ? operand.value : undefined;
  const literal = text === undefined ? undefined : parseLiteral(text);
  return literal === undefined ? operand : { kind: "instant", ...literal };
}

/**
 * What the sides of a comparison are compared as: `items` when the values of each item decide, `never` when they are of
 * different kinds, which makes the comparison unknown. Text that is a timestamp means the instant, beside anything that
 * may be one.
 */
export function domainOf(left: Operand, right: Operand): Domain | "items" | "never" {
  const [a, b] = [kindOf(left), kindOf(right)];
  if (a === "other" || b === "other") return "never";
  if (a === undefined && b === undefined) return "items";
  if (a === "instant" || b === "instant") return mayBeInstant(left, a) && mayBeInstant(right, b) ? "instant" : "never";
  if (isTimestamp(left) && b === undefined) return "instant";
  if (isTimestamp(right) && a === undefined) return "instant";
  return a === undefined || b === undefined || a === b ? ((a ?? b) as Domain) : "never";
}

function mayBeInstant(operand: Operand, kind: Domain | "other" | undefined): boolean {
  if (kind === undefined || kind === "instant") return true;
  return operand.kind === "literal" && typeof operand.value === "string" && readInstant(operand.value) !== undefined;
}

function isTimestamp(operand: Operand): boolean {
  return (
    operand.kind === "literal" && typeof operand.value === "string" && readInstant(operand.value)?.isDate === false
  );
}

/** BETWEEN and IN as what they are short for (21-065r2, 7.4); other expressions as they are. */
export function spelledOut(expression: Expression): Expression {
  switch (expression.kind) {
    case "between": {
      const { value, low, high } = expression;
      return {
        kind: "and",
        of: [
          { kind: "compare", op: ">=", left: value, right: low },
          { kind: "compare", op: "<=", left: value, right: high },
        ],
      };
    }
    case "in":
      return {
        kind: "or",
        of: expression.list.map((right) => ({ kind: "compare", op: "=", left: expression.value, right })),
      };
    default:
      return expression;
  }
}
