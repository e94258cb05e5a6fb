import type { Json, StacItem } from "../../core/stac.ts";
import { calculate } from "./arithmetic.ts";
import { bareName, isCoverage } from "./domain.ts";
import type { Expression, Operand } from "./expression.ts";
import { foldAccents, foldCase } from "./folding.ts";
import { edges, literalEdges, readInstant } from "./instant.ts";

/** What is known of a condition; undefined: unknown, as in SQL. */
export type Truth = boolean | undefined;
export type Truths = (expression: Expression) => Truth;

/** Microseconds since 1970; infinite where an interval is open. */
export interface Range {
  readonly start: number | undefined;
  readonly end: number | undefined;
}

/** What an item says of a property; undefined for null. */
export function rawOf(name: string, item: StacItem): Json | undefined {
  const bare = bareName(name);
  if (bare === "id" || bare === "collection") return item[bare];
  if (bare === "geometry") return item.geometry === null ? undefined : { ...item.geometry };
  return Object.hasOwn(item.properties, bare) ? (item.properties[bare] ?? undefined) : undefined;
}

export function textOf(operand: Operand, item: StacItem): string | undefined {
  switch (operand.kind) {
    case "casei":
    case "accenti": {
      const text = textOf(operand.operand, item);
      return text === undefined ? undefined : operand.kind === "casei" ? foldCase(text) : foldAccents(text);
    }
    default: {
      const value = scalarOf(operand, item);
      return typeof value === "string" ? value : undefined;
    }
  }
}

export function numberOf(operand: Operand, item: StacItem): number | undefined {
  if (operand.kind === "arithmetic") {
    const [left, right] = [numberOf(operand.left, item), numberOf(operand.right, item)];
    return left === undefined || right === undefined ? undefined : calculate(operand.op, left, right);
  }
  const value = scalarOf(operand, item);
  return typeof value === "number" ? value : undefined;
}

export function booleanOf(operand: Operand, item: StacItem, truths: Truths): boolean | undefined {
  if (operand.kind === "predicate") return truths(operand.of);
  const value = scalarOf(operand, item);
  return typeof value === "boolean" ? value : undefined;
}

/** The ends of an instant, day or interval. */
export function rangeOf(operand: Operand, item: StacItem): Range {
  switch (operand.kind) {
    case "instant":
      return literalEdges(operand);
    case "interval":
      return {
        start: operand.start === ".." ? -Infinity : rangeOf(operand.start, item).start,
        end: operand.end === ".." ? Infinity : rangeOf(operand.end, item).end,
      };
    default: {
      if (isCoverage(operand)) return coverageOf(item);
      const value = scalarOf(operand, item);
      const instant = typeof value === "string" ? readInstant(value) : undefined;
      return instant === undefined ? { start: undefined, end: undefined } : edges(instant);
    }
  }
}

/** The time that an item covers, which `datetime` means: the instant, or start to end without one; to milliseconds. */
function coverageOf(item: StacItem): Range {
  const { datetime, start_datetime, end_datetime } = item.properties;
  const at = microsOf(datetime);
  return { start: at ?? microsOf(start_datetime), end: at ?? microsOf(end_datetime) };
}

function microsOf(value: Json | undefined): number | undefined {
  const instant = typeof value === "string" ? readInstant(value) : undefined;
  return instant === undefined ? undefined : Math.floor(instant.micros / 1000) * 1000;
}

export function arrayOf(operand: Operand, item: StacItem, truths: Truths): readonly Json[] | undefined {
  if (operand.kind === "array") return operand.items.map((each) => elementOf(each, item, truths) ?? null);
  const value = operand.kind === "property" ? rawOf(operand.name, item) : undefined;
  return Array.isArray(value) ? value : undefined;
}

/** Whether there is a value at all. */
export function isPresent(operand: Operand, item: StacItem, truths: Truths): boolean {
  switch (operand.kind) {
    case "property":
      return rawOf(operand.name, item) !== undefined;
    case "arithmetic":
      return numberOf(operand, item) !== undefined;
    case "casei":
    case "accenti":
      return textOf(operand, item) !== undefined;
    case "predicate":
      return truths(operand.of) !== undefined;
    default:
      return true;
  }
}

function elementOf(operand: Operand, item: StacItem, truths: Truths): Json | undefined {
  if (operand.kind === "arithmetic") return numberOf(operand, item);
  return operand.kind === "predicate" ? truths(operand.of) : scalarOf(operand, item);
}

function scalarOf(operand: Operand, item: StacItem): Json | undefined {
  if (operand.kind === "literal") return operand.value;
  return operand.kind === "property" ? rawOf(operand.name, item) : undefined;
}
