import { checkLiterals } from "./check.ts";
import type { ArithmeticOp, CompareOp, Expression, Operand } from "./expression.ts";
import { checkGeometry } from "./geometry.ts";
import { parseBox, parseInstant, parseInterval } from "./json-values.ts";
import { Budget, isName, isStorable, refusedJson, UNNAMED, UNSTORABLE } from "./limits.ts";
import { asExpression, asOperand, type Node, type Place } from "./node.ts";
import { ARITHMETIC_OPS, COMPARE_OPS, functionOf } from "./operators.ts";

const OPERATORS = [
  "and",
  "or",
  "not",
  ...COMPARE_OPS,
  ...ARITHMETIC_OPS,
  "like",
  "between",
  "in",
  "isNull",
  "casei",
  "accenti",
  "s_intersects and other s_",
  "t_intersects and other t_",
  "a_contains and other a_",
];

/** Reads JSON-encoded CQL2 (OGC 21-065r2, 9 and annex C). Throws BadRequest with the JSON Pointer of the fault. */
export function parseJson(value: unknown): Expression {
  const budget = new Budget((reason) => refusedJson("", reason));
  return asExpression(read(value, { pointer: "", depth: 0, budget }), placeOf(""));
}

/** Where in the document a value stands. */
interface Spot {
  readonly pointer: string;
  readonly depth: number;
  readonly budget: Budget;
}

function placeOf(pointer: string): Place {
  return (reason, allowed) => refusedJson(pointer, reason, allowed);
}

function below(spot: Spot, ...path: readonly (string | number)[]): Spot {
  return { ...spot, pointer: [spot.pointer, ...path].join("/"), depth: spot.depth + 1 };
}

function read(value: unknown, spot: Spot): Node {
  spot.budget.node(spot.depth);
  switch (typeof value) {
    case "string":
      if (!isStorable(value)) throw refusedJson(spot.pointer, UNSTORABLE);
      return { operand: { kind: "literal", value } };
    case "boolean":
      return { operand: { kind: "literal", value } };
    case "number":
      if (Number.isFinite(value)) return { operand: { kind: "literal", value } };
      throw refusedJson(spot.pointer, "no finite number");
    case "object":
      if (value === null) throw refusedJson(spot.pointer, "null is no value to compare with", ["isNull"]);
      if (Array.isArray(value)) return { operand: { kind: "array", items: readAll(value, spot) } };
      return readObject(value as Readonly<Record<string, unknown>>, spot);
    default:
      throw refusedJson(spot.pointer, `a ${typeof value} is no JSON`);
  }
}

function readAll(values: readonly unknown[], spot: Spot): Operand[] {
  return values.map((value, i) => asOperand(read(value, below(spot, i))));
}

function readObject(value: Readonly<Record<string, unknown>>, spot: Spot): Node {
  if ("op" in value) return readOperation(value, spot);
  if ("property" in value) {
    const name = value.property;
    if (typeof name === "string" && isName(name)) return { operand: { kind: "property", name } };
    throw refusedJson(`${spot.pointer}/property`, UNNAMED);
  }
  if ("date" in value) return { operand: parseInstant(value.date, `${spot.pointer}/date`, true) };
  if ("timestamp" in value) return { operand: parseInstant(value.timestamp, `${spot.pointer}/timestamp`, false) };
  if ("interval" in value) return { operand: parseInterval(value.interval, `${spot.pointer}/interval`) };
  if ("bbox" in value && !("type" in value)) return { operand: parseBox(value.bbox, `${spot.pointer}/bbox`) };
  if ("type" in value) {
    const geometry = checkGeometry(value, spot.budget, (at, reason) => refusedJson(spot.pointer + at, reason));
    return { operand: { kind: "geometry", geometry } };
  }
  throw refusedJson(spot.pointer, "is neither operator nor value", [
    "op",
    "property",
    "date",
    "timestamp",
    "interval",
    "bbox",
    "a GeoJSON geometry",
  ]);
}

function readOperation({ op, args: given }: Readonly<Record<string, unknown>>, spot: Spot): Node {
  const place = placeOf(spot.pointer);
  if (typeof op !== "string") throw refusedJson(`${spot.pointer}/op`, "must be text", OPERATORS);
  if (!Array.isArray(given)) throw refusedJson(`${spot.pointer}/args`, "must be an array");
  const name = op.toLowerCase();
  const args = name === "between" ? flat(given) : given;
  if (name === "and" || name === "or") {
    if (args.length === 0) throw refusedJson(`${spot.pointer}/args`, `${name} takes two arguments or more`);
    const of = args.map((arg, i) => {
      const at = below(spot, "args", i);
      return asExpression(read(arg, at), placeOf(at.pointer));
    });
    // The standard wants two; STAC Browser joins its filters where there is only one.
    return { expression: of.length === 1 ? of[0]! : { kind: name, of } };
  }
  const [first, second, third] = takeArguments(name, args, spot);
  const compare = COMPARE_OPS.find((known) => known === name);
  if (compare !== undefined) return comparison(compare, first!(), second!(), place);
  const arithmetic = ARITHMETIC_OPS.find((known) => known === name);
  if (arithmetic !== undefined) return calculation(arithmetic, first!(), second!());
  switch (name) {
    case "not":
      return { expression: { kind: "not", of: asExpression(first!(), placeOf(`${spot.pointer}/args/0`)) } };
    case "isnull":
      return { expression: { kind: "isNull", value: asOperand(first!()) } };
    case "casei":
    case "accenti":
      return { operand: { kind: name, operand: asOperand(first!()) } };
    case "like":
      return checked({ kind: "like", value: asOperand(first!()), pattern: asOperand(second!()) }, place);
    case "between":
      return checked(
        { kind: "between", value: asOperand(first!()), low: asOperand(second!()), high: asOperand(third!()) },
        place,
      );
    case "in": {
      const list = asOperand(second!());
      if (list.kind !== "array" || list.items.length === 0)
        throw refusedJson(`${spot.pointer}/args/1`, "must be an array of one value or more");
      return checked({ kind: "in", value: asOperand(first!()), list: list.items }, place);
    }
  }
  const family = functionOf(name);
  if (family === undefined)
    throw refusedJson(`${spot.pointer}/op`, `there is no operator ${JSON.stringify(op.slice(0, 60))}`, OPERATORS);
  return checked({ ...family, left: asOperand(first!()), right: asOperand(second!()) }, place);
}

/** Drafts of CQL2 had the two ends of `between` in an array of their own, and clients still write it so. */
function flat(args: readonly unknown[]): readonly unknown[] {
  const [value, ends] = args;
  return args.length === 2 && Array.isArray(ends) ? [value, ...ends] : args;
}

const COUNTS: Readonly<Record<string, number>> = { not: 1, isnull: 1, casei: 1, accenti: 1, between: 3 };

/** The arguments, read when they are asked for, in their right number: 2 for all that `COUNTS` does not name. */
function takeArguments(name: string, args: readonly unknown[], spot: Spot): readonly (() => Node)[] {
  const count = Object.hasOwn(COUNTS, name) ? COUNTS[name]! : 2;
  if (args.length !== count)
    throw refusedJson(`${spot.pointer}/args`, `${name.slice(0, 60)} takes ${count} arguments, not ${args.length}`);
  return args.map((arg, i) => () => read(arg, below(spot, "args", i)));
}

function comparison(op: CompareOp, left: Node, right: Node, place: Place): Node {
  return checked({ kind: "compare", op, left: asOperand(left), right: asOperand(right) }, place);
}

function calculation(op: ArithmeticOp, left: Node, right: Node): Node {
  return { operand: { kind: "arithmetic", op, left: asOperand(left), right: asOperand(right) } };
}

function checked(expression: Expression, place: Place): Node {
  return { expression: checkLiterals(expression, place) };
}
