import { isDeepStrictEqual } from "node:util";
import type { Json, StacItem } from "../../core/stac.ts";
import { domainOf, spelledOut } from "./domain.ts";
import type { ArrayOp, CompareOp, Expression, Operand, SpatialOp } from "./expression.ts";
import { isLike } from "./like.ts";
import { relationOf } from "./temporal.ts";
import type { Range, Truth } from "./values.ts";
import * as values from "./values.ts";

/** Decides a spatial predicate of an item. */
export type Spatial = (op: SpatialOp, left: Operand, right: Operand, item: StacItem) => Truth;

/** Whether an item fulfils an expression, in three-valued logic: what compares with nothing is unknown. */
export function evaluate(expression: Expression, item: StacItem, spatial: Spatial): Truth {
  const truths = (part: Expression): Truth => evaluate(part, item, spatial);
  switch (expression.kind) {
    case "and":
      return all(expression.of.map(truths));
    case "or":
      return opposite(all(expression.of.map(truths).map(opposite)));
    case "not":
      return opposite(truths(expression.of));
    case "boolean":
      return expression.value;
    case "between":
    case "in":
      return truths(spelledOut(expression));
    case "compare":
      return compare(expression.op, expression.left, expression.right, item, truths);
    case "like": {
      const [text, pattern] = [values.textOf(expression.value, item), values.textOf(expression.pattern, item)];
      return text === undefined || pattern === undefined ? undefined : isLike(text, pattern);
    }
    case "isNull":
      return !values.isPresent(expression.value, item, truths);
    case "spatial":
      return spatial(expression.op, expression.left, expression.right, item);
    case "temporal": {
      const { relation, isNegated } = relationOf(expression.op);
      const [a, b] = [values.rangeOf(expression.left, item), values.rangeOf(expression.right, item)];
      return negatedIf(isNegated, holds(relation, a, b));
    }
    case "array": {
      const left = values.arrayOf(expression.left, item, truths);
      const right = values.arrayOf(expression.right, item, truths);
      return left === undefined || right === undefined ? undefined : compareArrays(expression.op, left, right);
    }
  }
}

function compare(op: CompareOp, left: Operand, right: Operand, item: StacItem, truths: values.Truths): Truth {
  switch (domainOf(left, right)) {
    case "never":
      return undefined;
    case "text":
      return ordered(op, textOrder(values.textOf(left, item), values.textOf(right, item)));
    case "number":
      return ordered(op, order(values.numberOf(left, item), values.numberOf(right, item)));
    case "boolean":
      return ordered(op, order(values.booleanOf(left, item, truths), values.booleanOf(right, item, truths)));
    case "instant":
      return compareRanges(op, values.rangeOf(left, item), values.rangeOf(right, item));
    case "items":
      return compareItems(op, left, right, item, truths);
  }
}

/** Two properties: their values say what they are compared as. */
function compareItems(op: CompareOp, left: Operand, right: Operand, item: StacItem, truths: values.Truths): Truth {
  const [a, b] = [values.rangeOf(left, item), values.rangeOf(right, item)];
  if (a.start !== undefined && b.start !== undefined) return compareRanges(op, a, b);
  return ordered(
    op,
    order(values.numberOf(left, item), values.numberOf(right, item)) ??
      order(values.booleanOf(left, item, truths), values.booleanOf(right, item, truths)) ??
      textOrder(values.textOf(left, item), values.textOf(right, item)),
  );
}

function compareRanges(op: CompareOp, a: Range, b: Range): Truth {
  const { relation, isNegated } = relationOf(op);
  return negatedIf(isNegated, holds(relation, a, b));
}

function holds(relation: ReturnType<typeof relationOf>["relation"], a: Range, b: Range): Truth {
  const ends = { aStart: a.start, aEnd: a.end, bStart: b.start, bEnd: b.end };
  return all(relation.map(([left, op, right]) => ordered(op, order(ends[left], ends[right]))));
}

function compareArrays(op: ArrayOp, left: readonly Json[], right: readonly Json[]): boolean {
  const has = (list: readonly Json[], value: Json): boolean => list.some((each) => isDeepStrictEqual(each, value));
  const contains = (outer: readonly Json[], inner: readonly Json[]): boolean => inner.every((each) => has(outer, each));
  switch (op) {
    case "a_contains":
      return contains(left, right);
    case "a_containedby":
      return contains(right, left);
    case "a_equals":
      return contains(left, right) && contains(right, left);
    case "a_overlaps":
      return right.some((each) => has(left, each));
  }
}

function order<T extends number | boolean>(a: T | undefined, b: T | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a < b ? -1 : a > b ? 1 : 0;
}

/** By code points, as the bytes of UTF-8 are ordered: UTF-16 would put emoji before the last of the first plane. */
function textOrder(a: string | undefined, b: string | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function ordered(op: CompareOp, sign: number | undefined): Truth {
  if (sign === undefined) return undefined;
  switch (op) {
    case "=":
      return sign === 0;
    case "<>":
      return sign !== 0;
    case "<":
      return sign < 0;
    case ">":
      return sign > 0;
    case "<=":
      return sign <= 0;
    case ">=":
      return sign >= 0;
  }
}

function all(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

function opposite(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

function negatedIf(isNegated: boolean, truth: Truth): Truth {
  return isNegated ? opposite(truth) : truth;
}
